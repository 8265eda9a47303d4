"""The MAC's transmit queue: one frame at the radio, the rest in order, urgent ones first.

A frame is built at the moment it leaves, because NWK frame counters must rise in the order of the
air, and an indirect frame may wait seconds for its poll.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.codec.cursor import EncodeError
from coordinator.security.counters import CounterExhausted
from coordinator.stack.frame_fault import Repeat
from coordinator.stack.frame_faults import FrameFaults
from coordinator.stack.node import Action, Transmit, TransmitStatus
from coordinator.stack.shaping import Shaping
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timers
from coordinator.types import Instant

MAX_PSDU = 125
"""aMaxPHYPacketSize less the FCS."""
MAX_FRAME_RETRIES = 3
"""macMaxFrameRetries."""
CAPACITY = 256
"""Frames that may wait for the radio; our choice."""

Build = Callable[[], bytes]
"""Makes the PSDU. May raise EncodeError or CounterExhausted: then the frame is dropped with that reason."""

Done = Callable[[TransmitStatus, bool, Instant], None]
"""Told the status, the frame-pending bit of the ACK, and when. ABORTED: it never went, and never will."""


@dataclass(slots=True)
class Outgoing:
    """One queued frame. What is `verbatim` goes as it is: no behaviour and no fault touches it."""

    build: Build
    done: Done | None
    ticket: Ticket
    retries: int
    verbatim: bool = False


class Outbox:
    """Keeps at most one `Transmit` outstanding."""

    def __init__(
        self, actions: list[Action], note: trace.Sink, timers: Timers, shaping: Shaping, faults: FrameFaults
    ) -> None:
        self._actions = actions
        self._note = note
        self._timers = timers
        self._shaping = shaping
        self._faults = faults
        self._queue: deque[Outgoing] = deque()
        self._outstanding: Outgoing | None = None
        self._handle = 0

    def __len__(self) -> int:
        return len(self._queue) + (self._outstanding is not None)

    def put(
        self,
        build: Build,
        now: Instant,
        *,
        done: Done | None = None,
        ticket: Ticket = UNTICKETED,
        urgent: bool = False,
        retries: int = MAX_FRAME_RETRIES,
        verbatim: bool = False,
    ) -> None:
        """Queue a frame; `urgent` goes before everything that waits (an answer to a poll)."""
        outgoing = Outgoing(build, done, self._shaping.bound(ticket), retries, verbatim)
        if self._outstanding is None and not self._queue:
            self._send(outgoing, now)
        elif len(self._queue) >= CAPACITY:
            self._fail(outgoing, "the transmit queue is full", now)
        elif urgent:
            self._queue.appendleft(outgoing)
        else:
            self._queue.append(outgoing)

    def bound(self, ticket: Ticket) -> Ticket:
        """The ticket to hold a frame with that is not queued here yet: see `Shaping.bound`."""
        return self._shaping.bound(ticket)

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        """The radio is done with the outstanding frame; a stale handle (after a flush) is ignored."""
        outgoing = self._outstanding
        if outgoing is None or handle != self._handle:
            return
        self._outstanding = None
        self._note(trace.Confirmed(at=now, handle=handle, status=status.value, frame_pending=frame_pending))
        self._advance(now)
        if outgoing.done is not None:
            outgoing.done(status, frame_pending, now)

    def flush(self, now: Instant) -> None:
        """Drop all that waits, telling its senders ABORTED. What is at the radio still ends, unheeded."""
        dropped = list(self._queue)
        self._queue.clear()
        if self._outstanding is not None:
            dropped.insert(0, self._outstanding)
            self._outstanding = Outgoing(self._outstanding.build, None, UNTICKETED, 0)
        for outgoing in dropped:
            if outgoing.done is not None:
                outgoing.done(TransmitStatus.ABORTED, False, now)

    def _advance(self, now: Instant) -> None:
        while self._queue and self._outstanding is None:
            self._send(self._queue.popleft(), now)

    def _send(self, outgoing: Outgoing, now: Instant) -> None:
        try:
            psdu = outgoing.build()
        except (EncodeError, CounterExhausted) as error:
            self._fail(outgoing, reason_of(error), now)
            return
        ticket = outgoing.ticket
        manner = self._shaping.manner_of(ticket)
        if manner.manglers and not outgoing.verbatim:
            psdu, ticket = self._shaping.mangle(psdu, ticket, now)
        deviations = ticket.deviations
        if self._faults.armed and not outgoing.verbatim:
            struck = self._faults.strike(psdu, ticket, now)
            if struck.psdu is None:
                self._withhold(outgoing, struck.reason, now)
                return
            psdu, deviations = struck.psdu, (*deviations, *struck.deviations)
            if struck.repeat is not None:
                self._repeat(psdu, outgoing, deviations, struck.repeat, now)
        if len(psdu) > MAX_PSDU:
            self._fail(outgoing, f"{len(psdu)} octets are more than a frame has room for ({MAX_PSDU})", now)
            return
        self._handle = handle = self._handle + 1
        self._outstanding = outgoing
        self._note(
            trace.Sent(
                at=now,
                handle=handle,
                psdu=psdu,
                deviations=deviations,
                request_id=ticket.request_id,
                generation=manner.generation,
            )
        )
        self._actions.append(Transmit(handle=handle, psdu=psdu, retries=outgoing.retries))

    def _withhold(self, outgoing: Outgoing, reason: str, now: Instant) -> None:
        """A fault keeps it from the radio. That is no drop of ours: the fault's record says it."""
        outgoing.ticket.withhold(reason, now)
        if outgoing.done is not None:
            outgoing.done(TransmitStatus.WITHHELD, False, now)

    def _repeat(
        self,
        psdu: bytes,
        outgoing: Outgoing,
        deviations: tuple[trace.Deviated, ...],
        repeat: Repeat,
        now: Instant,
    ) -> None:
        """Have the same octets follow. Nobody waits for what becomes of them."""
        first = outgoing.ticket
        ticket = Ticket(first.request_id, deviations, carries=first.carries, manner=first.manner)

        def due(at: Instant) -> None:
            self.put(lambda: psdu, at, ticket=ticket, retries=outgoing.retries, verbatim=True)

        for time in range(1, repeat.times + 1):
            self._timers.set(Instant(now + time * repeat.after), due)

    def _fail(self, outgoing: Outgoing, reason: str, now: Instant) -> None:
        self._note(trace.Dropped(at=now, layer="mac", reason=f"not sent: {reason}"))
        outgoing.ticket.conclude(False, reason, now)
        if outgoing.done is not None:
            outgoing.done(TransmitStatus.ABORTED, False, now)


def reason_of(error: EncodeError | CounterExhausted) -> str:
    """Why a frame cannot be made, in words."""
    return str(error)
