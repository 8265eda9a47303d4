"""The line in memory: what its hooks can do to octets, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from coordinator.dongle import memory
from coordinator.runtime.virtual_time import VirtualTimeLoop


class Ear(asyncio.Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.octets: list[bytes] = []
        self.events: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.octets.append(data)

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append(error)

    def say(self, octets: bytes) -> None:
        assert self.transport is not None
        self.transport.write(octets)


def on_a_line(test: Callable[[Ear, Ear, memory.Line], Awaitable[None]]) -> None:
    async def body() -> None:
        line = memory.Line()
        dongle = Ear()
        host = memory.connect(Ear(), dongle, line)
        await test(host, dongle, line)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(body())


async def a_moment() -> None:
    await asyncio.sleep(0.001)


def test_octets_pass_both_ways_as_they_were_written_and_never_within_the_write() -> None:
    async def body(host: Ear, dongle: Ear, _: memory.Line) -> None:
        host.say(b"one")
        host.say(b"two")
        dongle.say(b"three")
        assert not dongle.octets
        await a_moment()
        assert dongle.octets == [b"one", b"two"]
        assert host.octets == [b"three"]

    on_a_line(body)


def test_a_hook_may_change_double_split_delay_and_drop_in_its_direction_only() -> None:
    async def body(host: Ear, dongle: Ear, line: memory.Line) -> None:
        def disturb(octets: bytes, deliver: memory.Deliver) -> None:
            if octets == b"drop":
                return
            deliver(octets[:1])
            deliver(octets[1:].upper())
            asyncio.get_running_loop().call_later(2, deliver, octets)

        line.to_dongle = disturb
        host.say(b"drop")
        host.say(b"abc")
        dongle.say(b"abc")
        await a_moment()
        assert dongle.octets == [b"a", b"BC"]
        assert host.octets == [b"abc"]
        await asyncio.sleep(2)
        assert dongle.octets == [b"a", b"BC", b"abc"]

    on_a_line(body)


@pytest.mark.parametrize("error", [None, ConnectionResetError("gone")])
def test_a_cut_is_told_at_both_ends_and_nothing_passes_afterwards(error: Exception | None) -> None:
    async def body(host: Ear, dongle: Ear, line: memory.Line) -> None:
        def late(octets: bytes, deliver: memory.Deliver) -> None:
            asyncio.get_running_loop().call_later(1, deliver, octets)

        line.to_host = late
        dongle.say(b"late")
        host.say(b"under way")
        line.cut(error)
        line.cut()
        host.say(b"after")
        await asyncio.sleep(2)
        assert (host.octets, dongle.octets) == ([], [])
        assert (host.events, dongle.events) == ([error], [None])
        assert host.transport is not None
        assert host.transport.is_closing()

    on_a_line(body)


def test_a_half_open_line_takes_octets_and_gives_none() -> None:
    async def body(host: Ear, dongle: Ear, line: memory.Line) -> None:
        line.to_host = line.to_dongle = memory.swallow
        host.say(b"anybody?")
        dongle.say(b"no")
        await asyncio.sleep(3600)
        assert (host.octets, host.events, dongle.octets, dongle.events) == ([], [], [], [])

    on_a_line(body)


def test_who_closes_has_said_everything_before() -> None:
    async def body(host: Ear, dongle: Ear, _: memory.Line) -> None:
        host.say(b"last")
        assert host.transport is not None
        host.transport.close()
        await a_moment()
        assert dongle.octets == [b"last"]
        assert (host.events, dongle.events) == ([None], [None])

    on_a_line(body)


def test_a_reader_that_pauses_pauses_the_writer_at_its_limit_and_loses_nothing() -> None:
    async def body(host: Ear, dongle: Ear, _: memory.Line) -> None:
        assert host.transport is not None
        assert dongle.transport is not None
        dongle.transport.set_write_buffer_limits(high=5)
        host.transport.pause_reading()
        for text in (b"abc", b"def", b"ghi"):
            dongle.say(text)
        await a_moment()
        assert dongle.events == ["pause"]
        assert dongle.transport.get_write_buffer_size() == 9
        host.transport.resume_reading()
        assert dongle.events == ["pause", "resume"]
        assert b"".join(host.octets) == b"abcdefghi"

    on_a_line(body)
