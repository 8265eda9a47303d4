"""Broadcast: the transaction table, relaying, and passive acknowledgement (05-3474, 3.6.5)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.codec import nwk
from coordinator.stack.mac import MacLayer
from coordinator.stack.neighbors import NeighborTable, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timers
from coordinator.types import (
    BROADCAST_ALL,
    MILLISECOND,
    NO_ADDRESS,
    SECOND,
    Duration,
    Entropy,
    Instant,
    NwkAddress,
)

DELIVERY_TIME: Duration = 9 * SECOND
"""nwkBroadcastDeliveryTime: how long an entry stays."""
MAX_RETRIES = 2
"""nwkMaxBroadcastRetries."""
PASSIVE_ACK_TIMEOUT: Duration = 500 * MILLISECOND
"""nwkPassiveAckTimeout."""
MAX_JITTER: Duration = 64 * MILLISECOND
"""nwkcMaxBroadcastJitter."""

CAPACITY = 256

Protect = Callable[[nwk.Frame], bytes]


@dataclass(slots=True)
class Transaction:
    """One broadcast: who has been heard passing it on."""

    expires: Instant
    relayed_by: set[NwkAddress]


class BroadcastTable:
    """Broadcasts seen lately, by originator and NWK sequence number. The oldest goes when it is full."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[NwkAddress, int], Transaction] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def note(self, source: NwkAddress, sequence: int, relay: NwkAddress, now: Instant) -> bool:
        """Record that `relay` sent this broadcast. Returns True when it is new."""
        entries = self._entries
        while entries and next(iter(entries.values())).expires <= now:
            entries.popitem(last=False)
        entry = entries.get((source, sequence))
        if entry is not None:
            entry.relayed_by.add(relay)
            return False
        if len(entries) >= CAPACITY:
            entries.popitem(last=False)
        entries[(source, sequence)] = Transaction(Instant(now + DELIVERY_TIME), {relay})
        return True

    def find(self, source: NwkAddress, sequence: int) -> Transaction | None:
        """This broadcast, while it is remembered."""
        return self._entries.get((source, sequence))

    def forget(self, source: NwkAddress) -> None:
        """A device begins anew at this address: its sequence numbers may, too."""
        for key in [key for key in self._entries if key[0] == source]:
            del self._entries[key]

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()


class Broadcaster:
    """Sends broadcasts of our own and of others, each until every neighbouring router has it.

    `protect` makes a frame's octets anew for each transmission.
    """

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        entropy: Entropy,
        mac: MacLayer,
        neighbors: NeighborTable,
        protect: Protect,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._entropy = entropy
        self._mac = mac
        self._neighbors = neighbors
        self._protect = protect
        self.table = BroadcastTable()

    def originate(self, frame: nwk.Frame, now: Instant, ticket: Ticket) -> None:
        """Send a broadcast of our own."""
        self.table.note(frame.source, frame.sequence, self._nib.address, now)
        self._transmit(frame, 0, now, ticket)

    def relay(self, frame: nwk.Frame, now: Instant) -> None:
        """Pass on, after a random delay, what another sent. `frame` has its radius lowered already."""

        def due(at: Instant) -> None:
            if self._nib.started:
                self.table.note(frame.source, frame.sequence, self._nib.address, at)
                self._transmit(frame, 0, at, UNTICKETED)

        self._timers.set(Instant(now + self._entropy.integer(0, MAX_JITTER)), due)

    def _transmit(self, frame: nwk.Frame, retry: int, now: Instant, ticket: Ticket) -> None:
        self._mac.send_data(NO_ADDRESS, lambda: self._protect(frame), now, ticket)
        if frame.destination == BROADCAST_ALL and retry == 0:
            self._copy_to_sleepers(frame, now, ticket)
        if frame.radius > 1 and retry < MAX_RETRIES:
            self._timers.set(
                Instant(now + PASSIVE_ACK_TIMEOUT),
                lambda at: self._check_passive(frame, retry + 1, at, ticket),
            )

    def _check_passive(self, frame: nwk.Frame, retry: int, now: Instant, ticket: Ticket) -> None:
        """Send it again unless every neighbouring router was heard to send it."""
        transaction = self.table.find(frame.source, frame.sequence)
        if transaction is None or not self._nib.joined:
            return
        routers = {
            neighbor.address
            for neighbor in self._neighbors
            if neighbor.is_router and neighbor.relationship is not Relationship.UNAUTHENTICATED_CHILD
        }
        if not routers <= transaction.relayed_by:
            self._transmit(frame, retry, now, ticket)

    def _copy_to_sleepers(self, frame: nwk.Frame, now: Instant, ticket: Ticket) -> None:
        for neighbor in self._neighbors:
            if (
                neighbor.relationship is Relationship.CHILD
                and not neighbor.receiver_on_when_idle
                and neighbor.address != frame.source
            ):
                self._mac.hold_data(
                    neighbor.address, neighbor.device, lambda: self._protect(frame), now, ticket, None
                )
