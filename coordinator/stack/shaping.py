"""The two lower altitudes of a behaviour: APS frames before protection, and finished octets.

What a behaviour changed is recorded as `Deviated` and labels the frame. The texts name fields and
positions, never octets: a payload may be a key.
"""

from __future__ import annotations

from collections.abc import Sequence

from coordinator import trace
from coordinator.codec import aps
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.ticket import Ticket
from coordinator.types import Instant


class Shaping:
    """Applies `Behaviour.shape` and `Behaviour.mangle`. `shapes` and `mangles` say whether any would."""

    __slots__ = ("_manglers", "_note", "_shapers", "mangles", "shapes")

    def __init__(self, note: trace.Sink) -> None:
        self._note = note
        self._shapers: tuple[Behaviour, ...] = ()
        self._manglers: tuple[Behaviour, ...] = ()
        self.shapes = self.mangles = False

    def switch(self, behaviours: Sequence[Behaviour]) -> None:
        """From now on apply these, in this order."""
        self._shapers = tuple(each for each in behaviours if type(each).shape is not Behaviour.shape)
        self._manglers = tuple(each for each in behaviours if type(each).mangle is not Behaviour.mangle)
        self.shapes, self.mangles = bool(self._shapers), bool(self._manglers)

    def shape(self, frame: aps.Frame, ticket: Ticket, now: Instant) -> tuple[aps.Frame, Ticket]:
        """The frame as it shall be protected, and its ticket with what changed it."""
        for behaviour in self._shapers:
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
        for behaviour in self._manglers:
            after = behaviour.mangle(psdu)
            if after != psdu:
                was = f"{len(psdu)} octets"
                record = _record(behaviour, "PSDU", was, describe_octets(psdu, after), now, ticket)
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
