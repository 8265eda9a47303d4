"""The simulated world: one queue of events, one clock that jumps, one source of randomness.

Nothing here knows of radios. Two callers drive it: `run_until` and `step` in virtual time, and
`advance` from a real clock. Both run the same events in the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from coordinator.types import Duration, Entropy, Instant

NEVER = Instant(1 << 62)
"""Later than anything a world will live to see (146,000 years)."""

_COMPACT_ABOVE = 64


class Event:
    """A call that is due at `when`, until it is made or cancelled."""

    __slots__ = ("_world", "call", "when")

    def __init__(self, world: World, when: Instant, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call
        self._world = world

    def cancel(self) -> None:
        """Never make the call, and let go of it at once. Harmless when it was made or cancelled."""
        if self.call is not None:
            self.call = None
            self._world._count_cancelled()


class World:
    """A discrete-event world. Events due at the same instant run in the order they were asked for.

    Given the same calls and the same entropy it does the same things; it draws none itself.
    """

    __slots__ = ("_cancelled", "_heap", "_serial", "entropy", "horizon", "now")

    def __init__(self, entropy: Entropy) -> None:
        self.entropy = entropy
        self.now = self.horizon = Instant(0)
        self._heap: list[tuple[Instant, int, Event]] = []
        self._serial = 0
        self._cancelled = 0

    def __len__(self) -> int:
        """How many entries the queue holds, the cancelled ones not yet dropped included."""
        return len(self._heap)

    def at(self, when: Instant, call: Callable[[], None]) -> Event:
        """Make `call` at `when`. Raises ValueError when that is in the past."""
        if when < self.now:
            raise ValueError(f"an event at {when} us cannot be scheduled: it is {self.now} us already")
        event = Event(self, when, call)
        self._serial = serial = self._serial + 1
        heapq.heappush(self._heap, (when, serial, event))
        return event

    def after(self, span: Duration, call: Callable[[], None]) -> Event:
        """Make `call` when `span` microseconds have passed."""
        return self.at(Instant(self.now + span), call)

    def next_event_at(self) -> Instant | None:
        """When the next event is due, or None when nothing will ever happen by itself."""
        heap = self._heap
        while heap:
            when, _, event = heap[0]
            if event.call is not None:
                return when
            heapq.heappop(heap)
            self._cancelled -= 1
        return None

    def step(self) -> bool:
        """Jump to the next event and make its call. False when there is none."""
        when = self.next_event_at()
        if when is None:
            return False
        event = heapq.heappop(self._heap)[2]
        call, event.call = event.call, None
        self.now = when
        if call is not None:
            call()
        return True

    def run_until(self, when: Instant) -> None:
        """Make every call due up to and including `when`; then it is `when`, unless it was later.

        A call that is made may move the `horizon`: then that is how far it goes.
        """
        self.horizon = when
        heap = self._heap
        pop = heapq.heappop
        while heap and heap[0][0] <= self.horizon:
            due, _, event = pop(heap)
            call = event.call
            if call is None:
                self._cancelled -= 1
                continue
            event.call = None
            self.now = due
            call()
        self.now = max(self.now, self.horizon)

    def advance(self, now: Instant) -> Instant | None:
        """Follow an outside clock: make all calls due up to `now`, and say when to come back.

        The driver calls it when that instant is reached, and before it acts on anything in the world.
        """
        self.run_until(now)
        return self.next_event_at()

    def _count_cancelled(self) -> None:
        """Drop cancelled entries once they are most of the queue. In place: `run_until` holds it."""
        self._cancelled += 1
        heap = self._heap
        if self._cancelled > _COMPACT_ABOVE and self._cancelled * 2 > len(heap):
            heap[:] = [entry for entry in heap if entry[2].call is not None]
            heapq.heapify(heap)
            self._cancelled = 0
