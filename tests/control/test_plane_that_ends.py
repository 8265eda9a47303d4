"""The whole control plane goes down: whoever waits has an answer before the transports are gone."""

from __future__ import annotations

import asyncio
import json

import pytest

from coordinator.composition import Setting
from coordinator.control.http.listening import Address
from coordinator.control.options import Options
from coordinator.daemon import steering
from coordinator.daemon.control import Control, Http
from coordinator.profiles import load
from coordinator.runtime.order import Order
from tests.control.rig import Nobody

pytestmark = pytest.mark.real_time


def test_who_waits_over_http_when_the_bench_is_told_to_end_is_answered(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def whole() -> bytes:
        stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        control = Control(options=Options(id="tc0"), http=Http(address=Address(host="127.0.0.1", port=0)))
        order = Order(profile=load.load("zb3"), seed=1, setting=Setting())
        running = asyncio.ensure_future(steering.steered(order, Nobody(), control, stop))
        async with asyncio.timeout(20):
            while (port := _port(capfd)) is None:
                await asyncio.sleep(0.02)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = json.dumps({"wait": 600}).encode()
            writer.write(
                b"POST /api/v1/verdict/get HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await asyncio.sleep(0.3)
            stop.set_result(15)
            answer = await reader.read()
            writer.close()
            assert (await running).signal == 15
        return answer

    said: list[str] = []

    def _port(capture: pytest.CaptureFixture[str]) -> int | None:
        said.extend(capture.readouterr().err.splitlines())
        found = [json.loads(line)["listens"] for line in said if '"listens"' in line]
        return int(found[0].rsplit(":", 1)[1].strip("/")) if found else None

    answer = asyncio.run(whole())
    assert b"the bench ended first" in answer
    said.extend(capfd.readouterr().err.splitlines())
    logged = [json.loads(line) for line in said]
    assert any(line.get("command") == "verdict/get" and line.get("code") == "timeout" for line in logged)
