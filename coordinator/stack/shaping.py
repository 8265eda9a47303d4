"""The two lower altitudes of a behaviour: APS frames before protection, and finished octets.

What a behaviour changed is recorded as `Deviated` and labels the frame. The texts name fields and
positions, never octets: a payload may be a key.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator import trace
from coordinator.codec import aps
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.manner import COMPLIANT, Manner
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.types import Instant

MANGLED = "PSDU"
"""The cause of a deviation that is in finished octets."""


class Shaping:
    """Applies `Behaviour.shape` and `Behaviour.mangle` of the manner that a frame was decided in."""

    __slots__ = ("_manner", "_note", "_own")

    def __init__(self, note: trace.Sink) -> None:
        self._note = note
        self.switch(COMPLIANT)

    def switch(self, manner: Manner) -> None:
        """From now on the stack's own frames are made in this manner."""
        self._manner = manner
        self._own = Ticket(manner=manner)

    def bound(self, ticket: Ticket) -> Ticket:
        """The ticket to queue a frame with: one of the stack's own keeps the manner of this moment."""
        if ticket is UNTICKETED:
            return self._own
        if ticket.manner is None:  # a copy: some are shared by every frame of their kind
            return Ticket(ticket.request_id, ticket.deviations, carries=ticket.carries, manner=self._manner)
        return ticket

    def manner_of(self, ticket: Ticket) -> Manner:
        """The manner in which the frame of this ticket was decided."""
        return ticket.manner or self._manner

    def shape(self, frame: aps.Frame, ticket: Ticket, now: Instant) -> tuple[aps.Frame, Ticket]:
        """The frame as it shall be protected, and its ticket with what changed it."""
        for behaviour in self.manner_of(ticket).shapers:
            after = behaviour.shape(frame)
            if after != frame:
                fields = [
                    name for name, was, is_ in zip(frame._fields, frame, after, strict=True) if was != is_
                ]
                cause = f"APS {frame.type.name.lower()} frame"
                before, rather = describe_fields(frame, fields), describe_fields(after, fields)
                record = _record(behaviour, cause, before, rather, now, ticket)
                self._note(record)
                frame, ticket = after, ticket.labelled(record)
        return frame, ticket

    def mangle(self, psdu: bytes, ticket: Ticket, now: Instant) -> tuple[bytes, Ticket]:
        """The octets as they shall go on air, and their ticket with what changed them."""
        for behaviour in self.manner_of(ticket).manglers:
            after = behaviour.mangle(psdu)
            if after != psdu:
                was = f"{len(psdu)} octets"
                record = _record(behaviour, MANGLED, was, describe_octets(psdu, after), now, ticket)
                self._note(record)
                psdu, ticket = after, ticket.labelled(record)
        return psdu, ticket


def describe_fields(frame: aps.Frame, fields: Sequence[str]) -> str:
    """These fields of a frame in words; of the payload its length only."""
    words = []
    for name in fields:
        value = getattr(frame, name)
        if isinstance(value, bytes):
            value = f"{len(value)} octets"
        elif name == "frame_control":
            value = f"0x{value:02x}"
        words.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(words)


def describe_octets(before: bytes, after: bytes) -> str:
    """How long the octets are now, and which of them are others."""
    changed = [index for index, (was, is_) in enumerate(zip(before, after, strict=False)) if was != is_]
    where = f", changed at {', '.join(map(str, changed[:8]))}" if changed else ""
    return f"{len(after)} octets{where}{' ...' if len(changed) > 8 else ''}"


def _record(
    behaviour: Behaviour, cause: str, before: str, after: str, now: Instant, ticket: Ticket
) -> trace.Deviated:
    return trace.Deviated(
        at=now,
        behaviour=behaviour.name,
        cause=cause,
        before=before,
        after=after,
        clause=behaviour.clause,
        request_id=ticket.request_id,
    )
