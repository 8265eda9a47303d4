"""Indirect transmission: frames held until the device they are for polls (IEEE 802.15.4-2006, 7.1.1.1.3).

The source-match table of the radio always mirrors what is held, so that the ACK to a data request
tells the truth within the turnaround time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.stack.node import Action, SetPending, TransmitStatus
from coordinator.stack.outbox import Build, Outbox
from coordinator.stack.ticket import Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import Duration, Eui64, Instant, NwkAddress

Target = NwkAddress | Eui64
"""Who polls: a short address, or the EUI-64 of a device that has none yet."""

Ended = Callable[[TransmitStatus | None, Instant], None]
"""Told how it ended: a MAC status, or None when nobody fetched it in time."""


@dataclass(slots=True)
class Transaction:
    """One held frame; `build(more)` makes its octets with the frame-pending bit."""

    build: Callable[[bool], bytes]
    ended: Ended | None
    ticket: Ticket
    expiry: Timer
    in_flight: bool = False


class IndirectQueue:
    """Held frames by target, each for macTransactionPersistenceTime."""

    def __init__(self, outbox: Outbox, timers: Timers, actions: list[Action], persistence: Duration) -> None:
        self._outbox = outbox
        self._timers = timers
        self._actions = actions
        self.persistence = persistence
        self._held: dict[Target, deque[Transaction]] = {}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._held.values())

    def put(
        self, target: Target, build: Callable[[bool], bytes], now: Instant, ticket: Ticket, ended: Ended | None
    ) -> None:
        """Hold a frame for `target`."""
        queue = self._held.get(target)
        if queue is None:
            queue = self._held[target] = deque()
        transaction: Transaction

        def expire(at: Instant) -> None:
            queue.remove(transaction)
            self._tidy(target)
            if ended is not None:
                ended(None, at)

        transaction = Transaction(build, ended, ticket, self._timers.set(Instant(now + self.persistence), expire))
        queue.append(transaction)
        if len(queue) == 1:
            self._announce()

    def polled(self, target: Target, now: Instant) -> bool:
        """Send the first frame held for `target`. Returns False when there is none.

        A second poll while that frame is at the radio changes nothing: the radio is busy with it.
        """
        queue = self._held.get(target)
        if not queue:
            return False
        transaction = queue[0]
        if transaction.in_flight:
            return True
        transaction.in_flight = True
        more = len(queue) > 1
        build: Build = lambda: transaction.build(more)  # noqa: E731  # a closure with a type

        def done(status: TransmitStatus, _pending: bool, at: Instant) -> None:
            # Not acknowledged: it stays for the next poll until its time is up.
            transaction.in_flight = False
            if not transaction.expiry.pending or status is not TransmitStatus.SUCCESS:
                return
            transaction.expiry.cancel()
            queue.remove(transaction)
            self._tidy(target)
            if transaction.ended is not None:
                transaction.ended(status, at)

        self._outbox.put(build, now, done=done, ticket=transaction.ticket, urgent=True)
        return True

    def discard(self, target: Target) -> None:
        """Drop what is held for a device that is gone; nobody is told."""
        queue = self._held.pop(target, None)
        if queue is not None:
            for transaction in queue:
                transaction.expiry.cancel()
            self._announce()

    def clear(self) -> None:
        """Drop everything."""
        for target in tuple(self._held):
            self.discard(target)

    def _tidy(self, target: Target) -> None:
        if not self._held.get(target, True):
            del self._held[target]
            self._announce()

    def _announce(self) -> None:
        self._actions.append(
            SetPending(
                short=frozenset(NwkAddress(t) for t in self._held if not isinstance(t, Eui64)),
                extended=frozenset(t for t in self._held if isinstance(t, Eui64)),
            )
        )
