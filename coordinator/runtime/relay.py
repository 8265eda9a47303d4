"""What must not stand between a frame and its answer is done a turn of the event loop later, in order.

A joiner listens 19.5 ms for the frame that an ACK promised it. Ladder, verdict, event file and capture
can wait: they get what happened after the answer has left, a slice at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

SLICE = 32
"""Calls made in one turn of the event loop; our choice: about a millisecond of them."""

Thing = TypeVar("Thing")


class Relay:
    """Makes calls later, in the order they were asked for. An error in one ends it: see `failed`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Callable[[], None]] = deque()
        self._scheduled = False
        self.failed = asyncio.Event()
        self.error: Exception | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def later(self, call: Callable[[Thing], None]) -> Callable[[Thing], None]:
        """The same call, made later."""

        def put(thing: Thing) -> None:
            self._waiting.append(lambda: call(thing))
            if not self._scheduled:
                self._scheduled = True
                self._loop.call_soon(self._drain)

        return put

    def settle(self) -> None:
        """Make all calls that wait, now."""
        while self._waiting:
            self._make(self._waiting.popleft())

    def _drain(self) -> None:
        self._scheduled = False
        for _ in range(min(SLICE, len(self._waiting))):
            self._make(self._waiting.popleft())
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._drain)

    def _make(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:  # must not end in the loop's handler, nor unwind into the node
            if self.error is None:
                self.error = error
            self.failed.set()
