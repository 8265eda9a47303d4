"""One heap of deadlines for a whole node."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from coordinator.types import Instant

Expiry = Callable[[Instant], None]


class Timer:
    """A pending deadline; `cancel` it or let it fire once."""

    __slots__ = ("_expiry", "_timers", "when")

    def __init__(self, when: Instant, expiry: Expiry, timers: Timers) -> None:
        self.when = when
        self._expiry: Expiry | None = expiry
        self._timers = timers

    @property
    def pending(self) -> bool:
        """True until it fired or was cancelled."""
        return self._expiry is not None

    def cancel(self) -> None:
        """Forget it; cancelling twice, or after it fired, is harmless."""
        if self._expiry is not None:
            self._expiry = None
            self._timers.note_cancelled()

    def fire(self, now: Instant) -> None:
        """Run the expiry once."""
        expiry, self._expiry = self._expiry, None
        if expiry is not None:
            expiry(now)


class Timers:
    """Deadlines in order; equal ones fire in the order they were set. Cancelled ones do not pile up."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Timer]] = []
        self._serial = count()
        self._cancelled = 0

    def __len__(self) -> int:
        return len(self._heap)

    def set(self, when: Instant, expiry: Expiry) -> Timer:
        """Call `expiry(now)` at `when`."""
        timer = Timer(when, expiry, self)
        heapq.heappush(self._heap, (when, next(self._serial), timer))
        return timer

    def note_cancelled(self) -> None:
        """A timer was cancelled; rebuild the heap when the dead outnumber the living."""
        self._cancelled += 1
        if self._cancelled > 16 and self._cancelled * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].pending]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def next_deadline(self) -> Instant | None:
        """The earliest pending deadline."""
        heap = self._heap
        while heap and not heap[0][2].pending:
            heapq.heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def fire_due(self, now: Instant) -> None:
        """Fire all that is due, including what those set for `now` or earlier."""
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            heapq.heappop(self._heap)[2].fire(now)
