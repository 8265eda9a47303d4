"""Drives one Node over one Radio under asyncio: input in, acts out, one timer.

Nothing waits here: a frame is answered in the call that brought it.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Protocol

from coordinator.radio.base import Radio
from coordinator.stack.node import Node, ReceivedFrame, TransmitStatus
from coordinator.types import Instant


class Clock(Protocol):
    """The session's time, which runs with the event loop's."""

    def now(self) -> Instant:
        """The time of what is happening."""
        ...

    def loop_time(self, when: Instant) -> float:
        """An instant on the event loop's clock."""
        ...


class Driver:
    """Owns the radio while entered: ``async with Driver(node, radio, clock): ...``.

    An error in the node ends the driver: `failed` is set, and leaving the block raises it.
    """

    def __init__(self, node: Node, radio: Radio, clock: Clock) -> None:
        self._node = node
        self._radio = radio
        self._clock = clock
        self._latest = Instant(0)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: Instant | None = None
        self._closed = False
        self._error: BaseException | None = None
        self.failed = asyncio.Event()

    async def __aenter__(self) -> Driver:
        await self._radio.start(self._hear, self._confirm)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._disarm()
        await self._radio.close()
        if self._error is not None and error is None:
            raise self._error

    def settle(self) -> None:
        """Do what the node asks for. Call it after calling the node from outside."""
        for action in self._node.take():
            self._radio.post(action)
        self._arm()

    def _now(self) -> Instant:
        """The time, which for the node never goes back, however late the event loop is."""
        self._latest = max(self._latest, self._clock.now())
        return self._latest

    def _hear(self, frame: ReceivedFrame) -> None:
        if self._closed:
            return
        try:
            self._node.receive(frame, self._now())
            self.settle()
        except Exception as error:  # must not unwind into the radio
            self._fail(error)

    def _confirm(self, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        if self._closed:
            return
        try:
            self._node.confirm(handle, status, frame_pending, self._now())
            self.settle()
        except Exception as error:  # must not unwind into the radio
            self._fail(error)

    def _fire(self) -> None:
        self._alarm = self._alarm_at = None
        try:
            self._node.handle_timeout(self._now())
            self.settle()
        except Exception as error:  # must not end in the loop's handler
            self._fail(error)

    def _arm(self) -> None:
        deadline = self._node.next_deadline()
        if deadline == self._alarm_at or self._closed:
            return
        self._disarm()
        self._alarm_at = deadline
        if deadline is not None:
            self._alarm = asyncio.get_running_loop().call_at(self._clock.loop_time(deadline), self._fire)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._alarm_at = None

    def _fail(self, error: Exception) -> None:
        """The node is no longer to be trusted: it gets nothing more."""
        if self._error is None:
            self._error = error
        self._closed = True
        self._disarm()
        self.failed.set()
