"""Outgoing counters reserved ahead in blocks: what is given out lies below a bound that is on disk.

More is reserved in the background once half a block is left; only a counter that comes to the end of its
block waits for the disk.
"""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.runtime import records
from coordinator.runtime.committer import Committer
from coordinator.runtime.records import Saved
from coordinator.security.counters import COUNTER_LIMIT, CounterUnreserved, OutgoingCounter
from coordinator.types import Key

BLOCK = 1024
"""Values reserved at a time: what a crash wastes, of 4,294,967,295, and one fsync in 512 frames at most."""
LOOK_AGAIN = 16
"""Values given out while a reservation is on its way to the disk, before its arrival is looked for."""


def jump(saved: Saved) -> None:
    """Go a reservation further: the batch that is torn may have held one, and was perhaps torn after use."""
    saved.bounds = {name: min(bound + 2 * BLOCK, COUNTER_LIMIT) for name, bound in saved.bounds.items()}


class Reservations:
    """The guards of all counters. `bounds` are the saved ones, by record key; below `floor` any network key
    may have been used.
    """

    def __init__(self, committer: Committer, bounds: Mapping[bytes, int], floor: int = 0) -> None:
        self._committer = committer
        self._bounds = bounds
        self._floor = floor
        self._underway: dict[bytes, tuple[int, int]] = {}

    def guard_network_key(self, key: Key, counter: OutgoingCounter) -> None:
        """Guard the NWK counter of this key."""
        counter.raise_to(self._floor)
        self.guard(records.network_counter(key), counter)

    def guard(self, name: bytes, counter: OutgoingCounter) -> None:
        """Let this counter go on where the saved one may have been, and give out what is reserved only."""
        counter.raise_to(self._bounds.get(name, 0))
        counter.put_under(lambda each: self._extend(name, each))

    def begin(self, name: bytes, counter: OutgoingCounter) -> None:
        """Send a first block on its way to the disk; it is there before what is put from now on."""
        if counter.value >= counter.limit and name not in self._underway:
            bound = min(counter.value + BLOCK, COUNTER_LIMIT)
            self._underway[name] = self._committer.put(name, records.encode_bound(bound)), bound

    def prepare(self, name: bytes, counter: OutgoingCounter) -> None:
        """Reserve the first block now. Raises CounterUnreserved."""
        self._extend(name, counter)

    def _extend(self, name: bytes, counter: OutgoingCounter) -> None:
        self._arrived(name, counter)
        while counter.limit - counter.value <= BLOCK // 2 and counter.limit < COUNTER_LIMIT:
            if name not in self._underway:
                bound = min(max(counter.limit, counter.value) + BLOCK, COUNTER_LIMIT)
                mark = self._committer.put(name, records.encode_bound(bound))
                self._underway[name] = mark, bound
                self._committer.request()
            if self._arrived(name, counter):
                continue
            if counter.value < counter.limit:
                counter.mark = min(counter.limit, counter.value + LOOK_AGAIN)
                return
            self._committer.settle()
            if not self._arrived(name, counter):
                raise CounterUnreserved(
                    "no frame counter is reserved, the state cannot be saved: "
                    f"{self._committer.failure or 'the disk is busy'}"
                )
        counter.mark = max(counter.limit - BLOCK // 2, counter.value + 1)
        if counter.limit >= COUNTER_LIMIT:
            counter.mark = COUNTER_LIMIT

    def _arrived(self, name: bytes, counter: OutgoingCounter) -> bool:
        """Whether a reservation that was underway is on disk now; then it is the limit."""
        mark, bound = self._underway.get(name, (0, 0))
        if not bound or mark > self._committer.durable:
            return False
        del self._underway[name]
        counter.limit = max(counter.limit, bound)
        return True
