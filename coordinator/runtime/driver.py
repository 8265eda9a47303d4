"""Drives one Node over one Radio under asyncio: input in, acts out, one timer.

Everything between two awaits is synchronous; a frame is answered in the call that brought it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from coordinator.radio.base import Radio
from coordinator.stack.node import Node, ReceivedFrame, Transmit
from coordinator.types import Instant

Clock = Callable[[], Instant]


class Driver:
    """Owns the radio while entered: ``async with Driver(node, radio, clock): ...``.

    `clock` gives the session's time; it must run with the event loop's. An error in the node ends
    the driver: `failed` is set, and leaving the block raises it.
    """

    def __init__(self, node: Node, radio: Radio, clock: Clock) -> None:
        self._node = node
        self._radio = radio
        self._clock = clock
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: Instant | None = None
        self._transmissions: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self.failed = asyncio.Event()

    async def __aenter__(self) -> Driver:
        await self._radio.start(self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        for task in self._transmissions:
            task.cancel()
        await asyncio.gather(*self._transmissions, return_exceptions=True)
        await self._radio.close()
        if self._error is not None and error is None:
            raise self._error

    def settle(self) -> None:
        """Do what the node asks for. Call it after calling the node from outside."""
        for action in self._node.take():
            if isinstance(action, Transmit):
                task = asyncio.get_running_loop().create_task(self._transmit(action))
                self._transmissions.add(task)
                task.add_done_callback(self._transmissions.discard)
            else:
                self._radio.post(action)
        self._arm()

    async def _transmit(self, action: Transmit) -> None:
        try:
            result = await self._radio.transmit(action)
            self._node.confirm(action.handle, result.status, result.frame_pending, self._clock())
            self.settle()
        except Exception as error:  # noqa: BLE001  # handed to the owner, who raises it
            self._fail(error)

    def _hear(self, frame: ReceivedFrame) -> None:
        try:
            self._node.receive(frame, self._clock())
            self.settle()
        except Exception as error:  # noqa: BLE001  # must not unwind into the radio
            self._fail(error)

    def _fire(self) -> None:
        self._alarm = self._alarm_at = None
        try:
            self._node.handle_timeout(self._clock())
            self.settle()
        except Exception as error:  # noqa: BLE001  # must not end in the loop's handler
            self._fail(error)

    def _arm(self) -> None:
        deadline = self._node.next_deadline()
        if deadline == self._alarm_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, deadline
        if deadline is not None:
            loop = asyncio.get_running_loop()
            delay = max(0, deadline - self._clock()) / 1_000_000
            self._alarm = loop.call_at(loop.time() + delay, self._fire)

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self.failed.set()
