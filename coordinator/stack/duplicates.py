"""Duplicate rejection of the APS layer: counters seen lately, by source."""

from __future__ import annotations

from collections import OrderedDict

from coordinator.codec import aps
from coordinator.types import SECOND, Duration, Instant, NwkAddress

LIFETIME: Duration = 8 * SECOND
"""How long a counter is remembered: longer than all retransmissions between two awake devices; our choice."""
CAPACITY = 256

_KIND = aps.SECURITY | 3


class Duplicates:
    """Unicasts seen lately; the oldest go when there are too many.

    Protected and unprotected frames are told apart, as are types: some routers send one command both
    ways under one counter [TI].
    """

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[NwkAddress, int, int], Instant] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, source: NwkAddress, frame: aps.Frame, now: Instant) -> bool:
        """Remember this frame. Returns True when it was here before."""
        seen = self._seen
        while seen and next(iter(seen.values())) <= now:
            seen.popitem(last=False)
        key = (source, frame.frame_control & _KIND, frame.counter)
        if key in seen:
            return True
        if len(seen) >= CAPACITY:
            seen.popitem(last=False)
        seen[key] = Instant(now + LIFETIME)
        return False

    def forget(self, source: NwkAddress) -> None:
        """A device begins anew at this address: its counters may, too."""
        for key in [key for key in self._seen if key[0] == source]:
            del self._seen[key]

    def clear(self) -> None:
        """Forget all."""
        self._seen.clear()
