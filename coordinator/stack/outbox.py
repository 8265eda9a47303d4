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
from coordinator.stack.node import Action, Transmit, TransmitStatus
from coordinator.stack.shaping import Shaping
from coordinator.stack.ticket import UNTICKETED, Ticket
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
    """One queued frame."""

    build: Build
    done: Done | None
    ticket: Ticket
    retries: int


class Outbox:
    """Keeps at most one `Transmit` outstanding."""

    def __init__(self, actions: list[Action], note: trace.Sink, shaping: Shaping) -> None:
        self._actions = actions
        self._note = note
        self._shaping = shaping
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
    ) -> None:
        """Queue a frame; `urgent` goes before everything that waits (an answer to a poll)."""
        outgoing = Outgoing(build, done, self._shaping.bound(ticket), retries)
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
        if manner.manglers:
            psdu, ticket = self._shaping.mangle(psdu, ticket, now)
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
                deviations=ticket.deviations,
                request_id=ticket.request_id,
                generation=manner.generation,
            )
        )
        self._actions.append(Transmit(handle=handle, psdu=psdu, retries=outgoing.retries))

    def _fail(self, outgoing: Outgoing, reason: str, now: Instant) -> None:
        self._note(trace.Dropped(at=now, layer="mac", reason=f"not sent: {reason}"))
        outgoing.ticket.conclude(False, reason, now)
        if outgoing.done is not None:
            outgoing.done(TransmitStatus.ABORTED, False, now)


def reason_of(error: EncodeError | CounterExhausted) -> str:
    """Why a frame cannot be made, in words."""
    return str(error)
