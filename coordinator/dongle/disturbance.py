"""Lets faults happen on a line: a hook for each direction, in real time and in virtual time.

It hands on whole HDLC frames, and so knows what it harms; half a frame waits for its end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from coordinator.codec import hdlc, spinel, spinel_stream
from coordinator.codec.cursor import DecodeError
from coordinator.codec.spinel import Command, Property
from coordinator.dongle.faults import (
    After,
    Chance,
    Direction,
    Fault,
    Frame,
    Kind,
    Matching,
    Octet,
    Passing,
)
from coordinator.dongle.memory import Deliver
from coordinator.types import Entropy

_FLAG = bytes((hdlc.FLAG,))
_ANY = spinel_stream.Transmission(b"", 11)  # type: ignore[arg-type]  # what is left out does not matter
_AT_ONCE = (Kind.CUT, Kind.RESET, Kind.SWALLOW, Kind.SLOW, Kind.SPLIT)
"""What needs no frame to happen to."""


class Strike(NamedTuple):
    """A fault that happened, when on the event loop's clock, and the octet that it was to happen at."""

    at: float
    fault: Fault
    octet: int | None


class Disturbance:
    """`to_host` and `to_dongle` are hooks of a `memory.Line`, or of a `Connection`.

    Whoever has a line calls `opened` when it is open and sets `cut`, told after how many seconds it may
    come back; whoever has an RCP sets `reset`. What was counted and what happened survives the line.
    """

    def __init__(self, faults: Sequence[Fault], entropy: Entropy) -> None:
        self.cut: Callable[[float], None] = _nothing
        self.reset: Callable[[], None] = lambda: None
        self.struck: list[Strike] = []
        """What has happened, in its order."""
        self.armed = [Armed(fault) for fault in faults]
        self._ways = {each: _Way(each) for each in (Direction.HOST, Direction.DONGLE)}
        self._entropy = entropy
        self._began: float | None = None

    def opened(self) -> None:
        """The line is open, perhaps again: what was on its way is lost."""
        for way in self._ways.values():
            way.clear()
        if self._began is not None:
            return
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        for armed in self.armed:
            if isinstance(armed.fault.when, After) and armed.fault.kind in _AT_ONCE:
                loop.call_later(armed.fault.when.seconds, self._strike_line, armed)

    def arm(self, fault: Fault) -> None:
        """One more thing that goes wrong, counted from now on."""
        self.armed.append(Armed(fault))

    def mend(self) -> None:
        """From now on all is well again."""
        self.armed.clear()
        for way in self._ways.values():
            way.splits, way.each_takes, way.mute_until = False, 0.0, 0.0

    def to_host(self, octets: bytes, deliver: Deliver) -> None:
        """The hook of octets for the host."""
        self._take(self._ways[Direction.HOST], octets, deliver)

    def to_dongle(self, octets: bytes, deliver: Deliver) -> None:
        """The hook of octets for the dongle."""
        self._take(self._ways[Direction.DONGLE], octets, deliver)

    def _take(self, way: _Way, octets: bytes, deliver: Deliver) -> None:
        for frame in way.frames(octets):
            line = way.line
            harmed = self._harm(way, frame)
            if way.line is not line:  # it was cut
                return
            for each in harmed:
                way.send(each, deliver)

    def _harm(self, way: _Way, octets: bytes) -> list[bytes]:
        """What becomes of one frame."""
        harmed = [octets]
        about, psdu = _read(octets)
        for armed in self.armed:
            fault = armed.fault
            if fault.direction & way.direction:
                passing = armed.count(way.direction, octets, about, psdu)
                if self._is_due(armed, passing):
                    self._note(armed, passing)
                    harmed = self._strike(armed, way, passing, harmed)
        return harmed

    def _is_due(self, armed: Armed, passing: Passing) -> bool:
        when = armed.fault.when
        if isinstance(when, Chance):
            return self._entropy.integer(0, 999_999) < when.percent * 10_000
        if armed.done:
            return False
        match when:
            case After(seconds):
                assert self._began is not None
                elapsed = asyncio.get_running_loop().time() - self._began
                return armed.fault.kind not in _AT_ONCE and elapsed >= seconds
            case Octet(number):
                return passing.first <= number < passing.first + len(passing.octets)
            case Frame(number, property_id):
                return (property_id is None or property_id == passing.property_id) and number == (
                    passing.number if property_id is None else armed.about(property_id)
                )
            case Matching(test):
                return test(passing)

    def _strike(self, armed: Armed, way: _Way, passing: Passing, harmed: list[bytes]) -> list[bytes]:
        fault = armed.fault
        amount = None if fault.value is None else int(fault.value)
        match fault.kind:
            case Kind.DROP:
                return [] if amount is None else [self._without(harmed, amount, fault, passing)]
            case Kind.DOUBLE:
                return harmed * 2 if amount is None else [self._twice(harmed, amount, fault, passing)]
            case Kind.FLIP:
                return [self._flipped(harmed, amount or 1, fault, passing)]
            case Kind.REORDER:
                way.held, harmed = harmed, []
                return harmed
            case Kind.DELAY:
                way.late = fault.value or 0.0
                return harmed
            case _:
                self._strike_line(armed)
                return harmed

    def _strike_line(self, armed: Armed) -> None:
        """What befalls the line and not one frame."""
        fault = armed.fault
        if isinstance(fault.when, After):
            self._note(armed)
        for way in (each for at, each in self._ways.items() if fault.direction & at):
            match fault.kind:
                case Kind.SLOW:
                    way.each_takes = fault.value or 0.0
                case Kind.SPLIT:
                    way.splits = True
                case Kind.SWALLOW:
                    now = asyncio.get_running_loop().time()
                    way.mute_until = math.inf if fault.value is None else now + fault.value
        if fault.kind is Kind.CUT:
            for way in self._ways.values():
                way.clear()
            self.cut(fault.value or 0.0)
        elif fault.kind is Kind.RESET:
            asyncio.get_running_loop().call_soon(self.reset)

    def _note(self, armed: Armed, passing: Passing | None = None) -> None:
        armed.done = True
        octet: int | None = None
        if passing is not None and isinstance(armed.fault.when, Octet):
            octet = passing.octets[armed.fault.when.number - passing.first]
        self.struck.append(Strike(asyncio.get_running_loop().time(), armed.fault, octet))

    def _place(self, octets: bytes, fault: Fault, passing: Passing) -> int:
        """Which octet of the frame is harmed first: the one that was named, or any."""
        if isinstance(fault.when, Octet):
            return min(fault.when.number - passing.first, max(0, len(octets) - 1))
        return self._entropy.integer(0, max(0, len(octets) - 1))

    def _without(self, harmed: list[bytes], amount: int, fault: Fault, passing: Passing) -> bytes:
        octets = b"".join(harmed)
        place = self._place(octets, fault, passing)
        return octets[:place] + octets[place + amount :]

    def _twice(self, harmed: list[bytes], amount: int, fault: Fault, passing: Passing) -> bytes:
        octets = b"".join(harmed)
        place = self._place(octets, fault, passing)
        return octets[: place + amount] + octets[place:]

    def _flipped(self, harmed: list[bytes], bits: int, fault: Fault, passing: Passing) -> bytes:
        octets = bytearray(b"".join(harmed))
        for _ in range(bits if octets else 0):
            octets[self._place(bytes(octets), fault, passing)] ^= 1 << self._entropy.integer(0, 7)
        return bytes(octets)


class Armed:
    """A fault, the `frames` and `octets` it has seen, and whether it is `done`: has struck."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.done = False
        self.frames = 0
        self.octets = 0
        self._of_property: dict[int, int] = {}

    def count(self, direction: Direction, octets: bytes, about: int | None, psdu: bytes | None) -> Passing:
        """One more frame."""
        first = self.octets + 1
        self.frames += 1
        self.octets += len(octets)
        if about is not None:
            self._of_property[about] = self.about(about) + 1
        return Passing(direction, self.frames, first, octets, about, psdu)

    def about(self, property_id: int) -> int:
        """How many frames were about a property."""
        return self._of_property.get(property_id, 0)


class _Way:
    """One direction of the line."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.splits = False
        self.each_takes = 0.0
        self.mute_until = 0.0
        self.late = 0.0
        self.clear()

    def clear(self) -> None:
        """Another line: nothing is on its way."""
        self.line = object()
        self.held: list[bytes] = []
        self._part = b""
        self._free_at = 0.0

    def frames(self, octets: bytes) -> list[bytes]:
        """Whole frames with the flags around them; what is too long to be one goes as it came."""
        *whole, rest = (self._part + octets).split(_FLAG)
        frames: list[bytes] = []
        flags = b""
        for body in whole:
            flags += body + _FLAG
            if body:
                frames.append(flags)
                flags = b""
        self._part = flags + rest
        if len(self._part) > hdlc.LONGEST:
            frames.append(self._part)
            self._part = b""
        return frames

    def send(self, octets: bytes, deliver: Deliver) -> None:
        """Hand a frame on, as late as it is to be, and after it the one that it overtook."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now < self.mute_until:
            return
        due = max(now, self._free_at) + self.each_takes
        self._free_at = due
        late, self.late = self.late, 0.0
        held, self.held = self.held, []
        for each, at in ((octets, due + late), *((overtaken, due) for overtaken in held)):
            if at > now:
                loop.call_at(at, self._arrive, each, deliver, self.line)
            else:
                self._arrive(each, deliver, self.line)

    def _arrive(self, octets: bytes, deliver: Deliver, line: object) -> None:
        if line is not self.line:
            return
        if not self.splits:
            deliver(octets)
            return
        for place in range(len(octets)):
            deliver(octets[place : place + 1])


def _read(octets: bytes) -> tuple[int | None, bytes | None]:
    """The property that a frame is about, and the PSDU that it carries."""
    try:
        for payload in hdlc.Deframer().feed(octets):
            frame = spinel.decode(payload)
            about, value = spinel.split(frame.payload)
            if about != Property.STREAM_RAW:
                return about, None
            if frame.command == Command.PROP_VALUE_SET:
                return about, spinel_stream.decode_transmission(value, _ANY).psdu
            return about, spinel_stream.decode_received(value).psdu
    except DecodeError:
        pass
    return None, None


def _nothing(_seconds: float) -> None:
    pass
