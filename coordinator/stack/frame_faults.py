"""The frame faults that are armed, and what they do to the frames that leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from coordinator import trace
from coordinator.codec import mac
from coordinator.codec.cursor import DecodeError
from coordinator.stack.frame_fault import (
    FRAMES,
    Drop,
    Flip,
    FrameFault,
    Match,
    Repeat,
    Truncate,
    check,
    damage,
    named,
    subject,
)
from coordinator.stack.shaping import describe_octets
from coordinator.stack.ticket import Ticket
from coordinator.types import Eui64, Instant, NwkAddress

NOT_SENT = "not sent"
"""What a frame becomes that is dropped."""
CAPACITY = 64
"""Faults armed at once; our choice."""


class Struck(NamedTuple):
    """What became of a frame: its octets, None when it is dropped, and by what; and how it is repeated."""

    psdu: bytes | None
    deviations: tuple[trace.Deviated, ...] = ()
    repeat: Repeat | None = None
    reason: str = ""


@dataclass(slots=True)
class _Armed:
    fault: FrameFault
    passed: int = 0
    used: int = 0

    @property
    def left(self) -> int | None:
        count = self.fault.count
        return None if count is None else count - self.used


class FrameFaults:
    """Armed and disarmed at any moment. `armed` is False while there is none: that test is all it then costs.

    `device_at` is set once, by the host: whose network address it is.
    """

    __slots__ = ("_faults", "_note", "armed", "device_at")

    def __init__(self, note: trace.Sink) -> None:
        self._note = note
        self._faults: dict[str, _Armed] = {}
        self.armed = False
        self.device_at: Callable[[NwkAddress], Eui64 | None] = _nobody

    def arm(self, fault: FrameFault) -> None:
        """From the next frame on. Raises ValueError for what cannot be meant, and when the id is taken."""
        check(fault)
        if fault.id in self._faults:
            raise ValueError(f"id: a fault {fault.id!r} is armed already; disarm it first")
        if len(self._faults) >= CAPACITY:
            raise ValueError(f"{CAPACITY} faults are armed already; disarm some first")
        self._faults[fault.id] = _Armed(fault)
        self.armed = True

    def disarm(self, identifier: str) -> bool:
        """From the next frame on, what is to be repeated still is. False when there is none such."""
        found = self._faults.pop(identifier, None) is not None
        self.armed = bool(self._faults)
        return found

    def standing(self) -> tuple[tuple[FrameFault, int | None, int], ...]:
        """The armed faults in order: how many uses each has left (None: no end), and how many it had."""
        return tuple((armed.fault, armed.left, armed.used) for armed in self._faults.values())

    def strike(self, psdu: bytes, ticket: Ticket, now: Instant) -> Struck:
        """Do to this frame what the armed faults are for, in the order they were armed."""
        struck = Struck(psdu)
        for armed in tuple(self._faults.values()):
            octets = struck.psdu
            if octets is None:
                break
            if self._aims_at(armed.fault.match, octets, ticket):
                struck = self._hit(armed, octets, struck, ticket, now)
        return struck

    def _aims_at(self, match: Match, psdu: bytes, ticket: Ticket) -> bool:
        if not FRAMES[match.frame](ticket.carries):
            return False
        return match.device is None or match.device in (subject(ticket.carries), self._destination(psdu))

    def _hit(self, armed: _Armed, psdu: bytes, before: Struck, ticket: Ticket, now: Instant) -> Struck:
        fault = armed.fault
        after: bytes | None = psdu
        repeat, reason = before.repeat, ""
        match fault.action:
            case Drop():
                after, words, reason = None, NOT_SENT, f"withheld by {fault.name}"
            case Repeat() as repeat:
                words = f"sent {repeat.times + 1} times"
            case Flip() | Truncate() as action:
                after = damage(action, psdu)
                words = describe_octets(psdu, after)
                if after == psdu:
                    return before
        if armed.passed < fault.skip:
            armed.passed += 1
            return before
        record = self._use(armed, ticket, len(psdu), words, now)
        return Struck(after, (*before.deviations, record), repeat, reason)

    def _use(self, armed: _Armed, ticket: Ticket, length: int, after: str, now: Instant) -> trace.Deviated:
        fault = armed.fault
        armed.used += 1
        record = trace.Deviated(
            at=now,
            behaviour=fault.name,
            cause=named(ticket.carries),
            before=f"{length} octets",
            after=after,
            clause="",
            request_id=ticket.request_id,
        )
        self._note(record)
        if armed.left == 0:
            self.disarm(fault.id)
            self._note(trace.FaultSpent(at=now, fault=fault.id, used=armed.used))
        return record

    def _destination(self, psdu: bytes) -> Eui64 | None:
        """Whom the MAC header is addressed to."""
        try:
            destination = mac.decode(psdu).destination
        except DecodeError:
            return None
        if destination is None or isinstance(destination, Eui64):
            return destination
        return self.device_at(destination)


def _nobody(_address: NwkAddress) -> Eui64 | None:
    return None
