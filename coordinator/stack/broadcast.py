"""The broadcast transaction table and passive acknowledgement (05-3474, 3.6.5)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from coordinator.types import MILLISECOND, SECOND, Duration, Instant, NwkAddress

DELIVERY_TIME: Duration = 9 * SECOND
"""nwkBroadcastDeliveryTime: how long an entry stays."""
MAX_RETRIES = 2
"""nwkMaxBroadcastRetries."""
PASSIVE_ACK_TIMEOUT: Duration = 500 * MILLISECOND
"""nwkPassiveAckTimeout."""
MAX_JITTER: Duration = 64 * MILLISECOND
"""nwkcMaxBroadcastJitter."""

CAPACITY = 256


@dataclass(slots=True)
class Transaction:
    """One broadcast: who has been heard passing it on."""

    expires: Instant
    relayed_by: set[NwkAddress] = field(default_factory=set)


class BroadcastTable:
    """Broadcasts seen lately, by originator and NWK sequence number."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[NwkAddress, int], Transaction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, source: NwkAddress, sequence: int, relay: NwkAddress, now: Instant) -> bool:
        """Record that `relay` sent this broadcast. Returns True when it is new."""
        self._expire(now)
        entry = self._entries.get((source, sequence))
        if entry is not None:
            entry.relayed_by.add(relay)
            return False
        if len(self._entries) >= CAPACITY:
            self._entries.popitem(last=False)
        self._entries[(source, sequence)] = Transaction(Instant(now + DELIVERY_TIME), {relay})
        return True

    def relayed_by(self, source: NwkAddress, sequence: int) -> frozenset[NwkAddress] | set[NwkAddress]:
        """Who was heard sending it; empty when it is no longer remembered."""
        entry = self._entries.get((source, sequence))
        return entry.relayed_by if entry is not None else frozenset()

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()

    def _expire(self, now: Instant) -> None:
        entries = self._entries
        while entries and next(iter(entries.values())).expires <= now:
            entries.popitem(last=False)
