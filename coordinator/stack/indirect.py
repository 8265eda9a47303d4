"""Indirect transmission: frames held until the device they are for polls (IEEE 802.15.4-2006, 7.1.1.1.3).

The source-match table of the radio always mirrors what is held, so that the ACK to a data request
tells the truth within the turnaround time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from coordinator.stack.node import Action, SetPending, TransmitStatus
from coordinator.stack.outbox import Build, Outbox
from coordinator.stack.ticket import Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import Duration, Eui64, Instant, NwkAddress

Target = NwkAddress | Eui64
"""Who polls: a short address, or the EUI-64 of a device that has none yet."""

Ended = Callable[[TransmitStatus | None, Instant], None]
"""Told how it ended: a MAC status, or None when nobody fetched it in time or it was discarded."""

CAPACITY = 256
"""Frames held in all; one more is a transaction overflow (IEEE 802.15.4-2006, 7.1.1.1.3). Our choice."""

NOT_FETCHED = "not fetched in time"
"""Why what was held is not delivered: its device did not poll for it. Evidence knows silence by it."""

_FRAME_PENDING = 0x10


class Transaction:
    """One held frame. Built at its first poll: a repetition has the same octets, but for frame pending.

    (IEEE 802.15.4-2006, 7.5.6.5: one attempt a poll, and the same DSN each time; unverified.)
    """

    __slots__ = ("_build", "_octets", "_queue", "ended", "expired", "expiry", "in_flight", "ticket")

    def __init__(
        self, queue: deque[Transaction], build: Build, ended: Ended | None, ticket: Ticket, expiry: Timer
    ) -> None:
        self._queue = queue
        self._build = build
        self._octets: bytes | None = None
        self.ended = ended
        self.ticket = ticket
        self.expiry = expiry
        self.in_flight = False
        self.expired = False

    def build(self) -> bytes:
        """The PSDU, with frame pending when more is held for the same device."""
        octets = self._octets
        if octets is None:
            octets = self._octets = self._build()
        if len(self._queue) > 1:
            return bytes((octets[0] | _FRAME_PENDING,)) + octets[1:]
        return octets

    def end(self, status: TransmitStatus | None, now: Instant) -> None:
        """Tell whoever asked for it."""
        self.expiry.cancel()
        ended, self.ended = self.ended, None
        if ended is not None:
            ended(status, now)


class IndirectQueue:
    """Held frames by target, each for macTransactionPersistenceTime."""

    def __init__(self, outbox: Outbox, timers: Timers, actions: list[Action], persistence: Duration) -> None:
        self._outbox = outbox
        self._timers = timers
        self._actions = actions
        self.persistence = persistence
        self._held: dict[Target, deque[Transaction]] = {}
        self._aliases: dict[Target, Eui64] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(
        self,
        target: Target,
        build: Build,
        now: Instant,
        ticket: Ticket,
        ended: Ended | None,
        alias: Eui64 | None = None,
    ) -> None:
        """Hold a frame for `target`, whose data requests may also come from its EUI-64, the `alias`."""
        if self._count >= CAPACITY:
            ticket.conclude(False, "transaction overflow", now)
            if ended is not None:
                ended(None, now)
            return
        queue = self._held.get(target)
        if queue is None:
            queue = self._held[target] = deque()
            if alias is not None:
                self._aliases[target] = alias
        timer = self._timers.set(
            Instant(now + self.persistence), lambda at: self._expire(target, transaction, at)
        )
        transaction = Transaction(queue, build, ended, self._outbox.bound(ticket), timer)
        queue.append(transaction)
        self._count += 1
        if len(queue) == 1:
            self._announce()

    def polled(self, target: Target, now: Instant) -> bool:
        """Send the first frame held for `target`. Returns False when there is none.

        A second poll while that frame is at the radio changes nothing: the radio is busy with it.
        """
        queue = self._held.get(target)
        if queue is None:
            return False
        transaction = queue[0]
        if not transaction.in_flight:
            transaction.in_flight = True
            self._outbox.put(
                transaction.build,
                now,
                done=lambda status, _pending, at: self._attempted(target, transaction, status, at),
                ticket=transaction.ticket,
                urgent=True,
                retries=0,
            )
        return True

    def discard(self, target: Target, now: Instant) -> None:
        """Drop what is held for a device that is gone or begins anew."""
        queue = self._held.pop(target, None)
        if queue is None:
            return
        self._aliases.pop(target, None)
        self._count -= len(queue)
        self._announce()
        for transaction in tuple(queue):
            transaction.expired = True
            transaction.end(None, now)

    def clear(self, now: Instant) -> None:
        """Drop everything."""
        for target in tuple(self._held):
            self.discard(target, now)

    def _attempted(
        self, target: Target, transaction: Transaction, status: TransmitStatus, now: Instant
    ) -> None:
        # Not acknowledged: it stays for the next poll until its time is up.
        transaction.in_flight = False
        if status is TransmitStatus.SUCCESS:
            self._remove(target, transaction)
            transaction.end(status, now)
        elif transaction.expired or status is TransmitStatus.WITHHELD:
            self._remove(target, transaction)
            transaction.end(None, now)

    def _expire(self, target: Target, transaction: Transaction, now: Instant) -> None:
        transaction.expired = True
        if not transaction.in_flight:
            self._remove(target, transaction)
            transaction.end(None, now)

    def _remove(self, target: Target, transaction: Transaction) -> None:
        queue = self._held.get(target)
        if queue is None or transaction not in queue:
            return
        queue.remove(transaction)
        self._count -= 1
        if not queue:
            del self._held[target]
            self._aliases.pop(target, None)
            self._announce()

    def _announce(self) -> None:
        short: list[NwkAddress] = []
        extended = list(self._aliases.values())
        for target in self._held:
            if isinstance(target, Eui64):
                extended.append(target)
            else:
                short.append(target)
        self._actions.append(SetPending(short=frozenset(short), extended=frozenset(extended)))
