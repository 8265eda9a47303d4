"""The MAC's transmit queue: one frame at the radio, the rest in order, urgent ones first.

The payload is made at the moment its frame leaves, because NWK frame counters must rise in the
order of the air, and an indirect frame may wait seconds for its poll.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.stack.node import Action, Transmit, TransmitStatus
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.types import Instant

Build = Callable[[], bytes]
Done = Callable[[TransmitStatus, bool, Instant], None]
"""Told the status, the frame-pending bit of the ACK, and when."""


@dataclass(slots=True)
class Outgoing:
    """One queued frame."""

    build: Build
    done: Done | None
    ticket: Ticket
    csma: bool
    retries: int


class Outbox:
    """Keeps at most one `Transmit` outstanding."""

    def __init__(self, actions: list[Action], note: trace.Sink, mangle: Callable[[bytes], bytes] | None = None) -> None:
        self._actions = actions
        self._note = note
        self._mangle = mangle
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
        csma: bool = True,
        retries: int = 3,
    ) -> None:
        """Queue a frame; `urgent` goes before everything that waits (an answer to a poll)."""
        outgoing = Outgoing(build, done, ticket, csma, retries)
        if self._outstanding is None:
            self._send(outgoing, now)
        elif urgent:
            self._queue.appendleft(outgoing)
        else:
            self._queue.append(outgoing)

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        """The radio is done with the outstanding frame; a stale handle (after a flush) is ignored."""
        outgoing = self._outstanding
        if outgoing is None or handle != self._handle:
            return
        self._outstanding = None
        self._note(trace.Confirmed(at=now, handle=handle, status=status.value))
        if self._queue:
            self._send(self._queue.popleft(), now)
        if outgoing.done is not None:
            outgoing.done(status, frame_pending, now)

    def flush(self) -> None:
        """Drop all that waits. The frame at the radio, if any, still ends; nobody is told."""
        self._queue.clear()
        if self._outstanding is not None:
            self._outstanding.done = None

    def _send(self, outgoing: Outgoing, now: Instant) -> None:
        psdu = outgoing.build()
        if self._mangle is not None:
            psdu = self._mangle(psdu)
        self._handle += 1
        self._outstanding = outgoing
        ticket = outgoing.ticket
        self._note(
            trace.Sent(
                at=now,
                handle=self._handle,
                psdu=psdu,
                deviations=ticket.deviations,
                request_id=ticket.request_id,
            )
        )
        self._actions.append(
            Transmit(handle=self._handle, psdu=psdu, csma=outgoing.csma, retries=outgoing.retries)
        )
