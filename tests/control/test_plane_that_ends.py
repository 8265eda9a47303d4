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
from tests.pace import PATIENCE

pytestmark = pytest.mark.real_time


async def _asked(
    port: int, verb: str, body: dict[str, object]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    octets = json.dumps(body).encode()
    writer.write(
        b"POST /api/v1/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (verb.encode(), len(octets), octets)
    )
    return reader, writer


async def _in_flight(port: int) -> int:
    """Requests that have no answer yet, as the bench counts them."""
    reader, writer = await _asked(port, "health", {})
    _, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(json.loads(answer)["data"]["requests_in_flight"])


def test_who_waits_over_http_when_the_bench_is_told_to_end_is_answered(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def whole() -> bytes:
        stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        control = Control(options=Options(id="tc0"), http=Http(address=Address(host="127.0.0.1", port=0)))
        order = Order(profile=load.load("zb3"), seed=1, setting=Setting())
        running = asyncio.ensure_future(steering.steered(order, Nobody(), control, stop))
        async with asyncio.timeout(PATIENCE):
            while (port := _port(capfd)) is None:
                await asyncio.sleep(0.02)
            before = await _in_flight(port)
            reader, writer = await _asked(port, "verdict/get", {"wait": 600})
            while await _in_flight(port) == before:
                await asyncio.sleep(0.02)
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
