"""An event loop whose time jumps, but never past a datagram on its way through the loopback interface."""

from __future__ import annotations

import asyncio
import os
import selectors
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

from coordinator.entropy import SeededEntropy
from coordinator.radio.air.hub import Hub
from coordinator.radio.air.url import AirUrl
from coordinator.sim.air import MediumConfig
from coordinator.stack.node import ReceivedFrame, TransmitStatus
from tests.pace import PATIENCE

ANY = AirUrl("127.0.0.1", 0)
_ROUNDS = 2
"""What answers a datagram comes behind what was sent after it."""

Result = TypeVar("Result")


class _Selector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self._last = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._last.bind(("127.0.0.1", 0))
        self._last.connect(self._last.getsockname())
        self._last.settimeout(PATIENCE)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            self._let_arrive()
            ready = super().select(0)
        if not ready:
            assert timeout is not None, "every task waits and no timer is set"
            self.time += max(0.0, timeout)
        return ready

    def _let_arrive(self) -> None:
        """What one processor sends through the loopback interface arrives in its order: when the last is
        there, all are.
        """
        for _ in range(_ROUNDS):
            self._last.send(b".")
            self._last.recv(1)

    def close(self) -> None:
        self._last.close()
        super().close()


class LoopbackLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jumping.time


def run(coroutine: Coroutine[object, object, Result]) -> Result:
    """Run it in virtual time; an error in a callback is an error of the test."""
    errors: list[dict[str, object]] = []

    async def watched() -> Result:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context))
        result = await coroutine
        await asyncio.sleep(0.1)  # guests hear that their host has ended, and close
        return result

    with _on_one_processor(), asyncio.Runner(loop_factory=LoopbackLoop) as runner:
        result = runner.run(watched())
    assert not errors
    return result


@contextmanager
def _on_one_processor() -> Iterator[None]:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def hub(config: MediumConfig | None = None) -> Hub:
    """A host on a free port."""
    return Hub(ANY, SeededEntropy(1).stream("world"), config)


class Host:
    """What a radio tells its host, remembered."""

    def __init__(self) -> None:
        self.frames: list[ReceivedFrame] = []
        self.confirmed: list[tuple[int, TransmitStatus, bool]] = []

    def hears(self, frame: ReceivedFrame) -> None:
        self.frames.append(frame)

    def confirms(self, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        self.confirmed.append((handle, status, frame_pending))


class Relay:
    """Two sockets between a guest and a host, with a say in what passes towards the guest."""

    def __init__(self, url: AirUrl, passes: Callable[[bytes], bool]) -> None:
        self._passes = passes
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._front.bind(("127.0.0.1", 0))
        self._back.connect((url.host, url.port))
        self._guest: tuple[str, int] | None = None
        loop = asyncio.get_running_loop()
        for end in (self._front, self._back):
            end.setblocking(False)
        loop.add_reader(self._front.fileno(), self._to_host)
        loop.add_reader(self._back.fileno(), self._to_guest)
        self.url = AirUrl(*self._front.getsockname())

    def _to_host(self) -> None:
        octets, self._guest = self._front.recvfrom(65_535)
        self._back.send(octets)

    def _to_guest(self) -> None:
        octets = self._back.recv(65_535)
        if self._guest is not None and self._passes(octets):
            self._front.sendto(octets, self._guest)

    def close(self) -> None:
        for end in (self._front, self._back):
            asyncio.get_running_loop().remove_reader(end.fileno())
            end.close()
