"""What a connection takes, and what it leaves behind when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys

import aiomqtt
import pytest

from coordinator.control.mqtt.connection import ARRIVED, Connection
from coordinator.control.mqtt.link import at
from tests.control.mqtt.bench import run
from tests.control.mqtt.broker import OPEN, Broker, broker
from tests.pace import PATIENCE

pytestmark = pytest.mark.real_time


def test_a_burst_of_requests_that_nobody_looks_at_waits_at_the_broker(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    count = 2 * ARRIVED + 500
    # The broker would give them all at once, and would throw away what does not fit.
    generous = f"{OPEN}\nmax_inflight_messages 0\nmax_queued_messages {count}"

    async def scenario(made: Broker) -> None:
        lines = "".join(f"{number}\n" for number in range(count))
        async with Connection(at(made.url, id="tc0"), "legacy-tc-tc0") as connection:
            await connection.hear("legacy-tc/tc0/request/health")
            command = made.command("pub", "-t", "legacy-tc/tc0/request/health", "-q", "1", "-l")
            sender = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
            await sender.communicate(lines.encode())
            await asyncio.sleep(0.5)  # nobody looks
            async with asyncio.timeout(PATIENCE):
                arriving = connection.arriving()
                came = [int(bytes((await anext(arriving)).payload)) for _ in range(count)]
        assert came == list(range(count))

    with broker(tmp_path_factory.mktemp("generous"), generous) as made:
        run(scenario(made))


def test_a_connection_that_ends_with_something_to_write_touches_nobody_elses_socket(shared: Broker) -> None:
    async def scenario() -> None:
        complaints: list[dict[str, object]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, told: complaints.append(told))
        connection = Connection(at(shared.url, id="tc0"), "legacy-tc-tc0")
        with contextlib.suppress(aiomqtt.MqttError):
            async with connection:
                ended = connection._client.socket()
                assert isinstance(ended, socket.socket)
                number = ended.fileno()
                connection.send("legacy-tc/tc0/event/left", b"{}", lambda _code: None)
                connection.abort()
                connection._client.loop_read()  # sees the end before the loop sees what is to be written
                assert ended.fileno() == -1
                left, right = socket.socketpair()
                with left, right:
                    assert left.fileno() == number  # somebody else has its number now
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                    assert not loop.remove_writer(number)
        assert complaints == []

    run(scenario())


def test_a_connection_that_outlives_its_event_loop_ends_without_a_word(
    shared: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)

    async def interrupted() -> None:
        connecting = asyncio.ensure_future(Connection(at(shared.url, id="tc0"), "tc0").__aenter__())
        await asyncio.sleep(0)  # a thread of aiomqtt's connects
        connecting.cancel()
        await asyncio.wait((connecting,))

    asyncio.run(interrupted())
    gc.collect()
    assert said == []
