"""Drives one Node over one Radio under asyncio: input in, acts out, one timer.

Nothing waits here: a frame is answered in the call that brought it, unless the answer depends on
something that must be on disk first (`Gate`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TypeVar

from coordinator.radio.base import Radio
from coordinator.stack.node import Action, Node, ReceivedFrame, Transmit, TransmitStatus
from coordinator.types import Instant

Result = TypeVar("Result")


class Clock(Protocol):
    """The session's time, which runs with the event loop's."""

    def now(self) -> Instant:
        """The time of what is happening."""
        ...

    def loop_time(self, when: Instant) -> float:
        """An instant on the event loop's clock."""
        ...


class Gate(Protocol):
    """Says when what a node decided may become visible: state that survives is durable before it is used."""

    def settle(self, now: Instant) -> int:
        """Take note of what the node did; its acts so far may leave once `durable` is at this mark."""
        ...

    @property
    def durable(self) -> int: ...

    @property
    def failure(self) -> str:
        """Why `durable` does not rise at present; empty when it does."""
        ...

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call this, from any thread, when `durable` or `failure` changed."""
        ...


LONGEST_HOLD = 1.0
"""Seconds that acts are held for the gate; after that their frames are given up, and the node is told so."""


class Driver:
    """Owns the radio while entered: ``async with Driver(node, radio, clock): ...``.

    An error in the node ends the driver: `failed` is set, and leaving the block raises it. With a gate,
    acts keep their order and leave when it lets them; frames that it cannot let go, because the disk is
    full or silent, are confirmed ABORTED and never sent.
    """

    def __init__(self, node: Node, radio: Radio, clock: Clock, gate: Gate | None = None) -> None:
        self._node = node
        self._radio = radio
        self._clock = clock
        self._gate = gate
        self._held: deque[tuple[int, Action]] = deque()
        self._impatience: asyncio.TimerHandle | None = None
        self._latest = Instant(0)
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: Instant | None = None
        self._closed = False
        self._error: BaseException | None = None
        self.failed = asyncio.Event()

    async def __aenter__(self) -> Driver:
        if self._gate is not None:
            loop = asyncio.get_running_loop()

            def moved() -> None:
                with contextlib.suppress(RuntimeError):  # the loop may be closed by now
                    loop.call_soon_threadsafe(self._gate_moved)

            self._gate.listen(moved)
        await self._radio.start(self._hear, self._confirm)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        self._disarm()
        if self._gate is not None:
            self._gate.listen(None)
        await self._radio.close()
        if self._error is not None and error is None:
            raise self._error

    def settle(self) -> None:
        """Do what the node asks for. Call it after calling the node from outside."""
        actions = self._node.take()
        if self._gate is None:
            for action in actions:
                self._radio.post(action)
        else:
            mark = self._gate.settle(self._now())
            self._held.extend((mark, action) for action in actions)
            self._release(self._gate)
        self._arm()

    def act(self, call: Callable[[Instant], Result]) -> Result:
        """Call the node from outside, at the present instant, and do what it then asks for.

        An error in the call is the caller's, and leaves the node as it is.
        """
        result = call(self._now())
        try:
            self.settle()
        except Exception as error:  # what was asked for is half done
            self._fail(error)
            raise
        return result

    def _release(self, gate: Gate, *, impatient: bool = False) -> None:
        """Post what the gate lets go, in order; give up what it will not."""
        held = self._held
        while held:
            mark, action = held[0]
            if mark > gate.durable:
                if not (gate.failure or impatient):
                    break
                held.popleft()
                if isinstance(action, Transmit):
                    self._node.confirm(action.handle, TransmitStatus.ABORTED, False, self._now())
                    held.extend((gate.settle(self._now()), further) for further in self._node.take())
                    continue
            else:
                held.popleft()
            self._radio.post(action)
        if not held:
            self._calm()
        elif self._impatience is None:
            loop = asyncio.get_running_loop()
            self._impatience = loop.call_later(LONGEST_HOLD, self._lose_patience)

    def _calm(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _lose_patience(self) -> None:
        """Something is held since LONGEST_HOLD: it will not be of use any more."""
        self._impatience = None
        self._gate_moved(impatient=True)

    def _gate_moved(self, *, impatient: bool = False) -> None:
        """The gate may let go of something now."""
        if self._closed or self._gate is None:
            return
        try:
            if self._held:
                self._release(self._gate, impatient=impatient)
            self.settle()
        except Exception as error:  # must not end in the loop's handler
            self._fail(error)

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
        if self._closed:
            self._calm()

    def _fail(self, error: Exception) -> None:
        """The node is no longer to be trusted: it gets nothing more."""
        if self._error is None:
            self._error = error
        self._closed = True
        self._disarm()
        self.failed.set()
