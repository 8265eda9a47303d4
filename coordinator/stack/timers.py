"""One heap of deadlines for a whole node."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from coordinator.types import Instant

Expiry = Callable[[Instant], None]


class Timer:
    """A pending deadline; `cancel` it or let it fire once. `expiry` is None from then on."""

    __slots__ = ("_timers", "expiry", "when")

    def __init__(self, when: Instant, expiry: Expiry, timers: Timers) -> None:
        self.when = when
        self.expiry: Expiry | None = expiry
        self._timers = timers

    @property
    def pending(self) -> bool:
        """True until it fired or was cancelled."""
        return self.expiry is not None

    def cancel(self) -> None:
        """Forget it; cancelling twice, or after it fired, is harmless."""
        if self.expiry is not None:
            self.expiry = None
            self._timers.note_cancelled()


class Timers:
    """Deadlines in order; equal ones fire in the order they were set. Cancelled ones do not pile up."""

    __slots__ = ("_cancelled", "_heap", "_serial")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Timer]] = []
        self._serial = 0
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, when: Instant, expiry: Expiry) -> Timer:
        """Call `expiry(now)` at `when`."""
        timer = Timer(when, expiry, self)
        self._serial = serial = self._serial + 1
        heapq.heappush(self._heap, (when, serial, timer))
        return timer

    def note_cancelled(self) -> None:
        """A timer was cancelled; rebuild the heap, in place, when the dead outnumber the living."""
        self._cancelled += 1
        heap = self._heap
        if self._cancelled > 16 and self._cancelled * 2 > len(heap):
            heap[:] = [entry for entry in heap if entry[2].expiry is not None]
            heapq.heapify(heap)
            self._cancelled = 0

    def next_deadline(self) -> Instant | None:
        """The earliest pending deadline."""
        heap = self._heap
        while heap:
            when, _, timer = heap[0]
            if timer.expiry is not None:
                return when
            heapq.heappop(heap)
            self._cancelled -= 1
        return None

    def fire_due(self, now: Instant) -> None:
        """Fire all that is due, including what those set for `now` or earlier."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            timer = heapq.heappop(heap)[2]
            expiry, timer.expiry = timer.expiry, None
            if expiry is None:
                self._cancelled -= 1
            else:
                expiry(now)
