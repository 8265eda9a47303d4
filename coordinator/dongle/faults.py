"""What can go wrong on a serial line, as values, and as text for the command line.

A fault is written ``KIND[=VALUE][/DIRECTION][@WHEN]``:

===============  =========================================================================  ==========
``drop[=N]``     a frame is lost, or N octets of it                                         ``/host``
``double[=N]``   a frame comes twice, or N octets of it do                                  ``/host``
``flip[=N]``     N bits of a frame are wrong, one unless said                               ``/host``
``reorder``      a frame comes after the one that follows it                                ``/host``
``delay=S``      a frame comes S seconds late, and is overtaken                             ``/host``
``slow=S``       from then on each frame takes S seconds, one after the other               ``/host``
``split``        from then on each octet comes alone                                        ``/both``
``swallow[=S]``  from then on nothing passes, for S seconds or for good (half-open)         ``/both``
``cut[=S]``      the line is cut; a pty comes back under another name S seconds later       ``/host``
``reset``        the RCP restarts by itself                                                 ``/host``
===============  =========================================================================  ==========

DIRECTION is ``host``, ``dongle`` or ``both``, where the octets go that it counts and harms; without it,
what the table says. WHEN is one of these; without it, the first frame. All are counted from 1 and
since the dongle was started; each fault strikes once, but for a percentage.

=================  ===================================================================================
``@3s``            3 seconds after the first host opened the line
``@octet:200``     in the frame with that octet, and at that octet
``@frame:12``      at the twelfth Spinel frame
``@STREAM_RAW:2``  at the second Spinel frame about that property
``@psdu:0308``     at the first frame for or from the air whose PSDU begins with these octets
``@2%``            at each frame with that probability, drawn from the seed
=================  ===================================================================================
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from coordinator.codec.spinel import Property


class Kind(enum.Enum):
    """What goes wrong."""

    DROP = "drop"
    DOUBLE = "double"
    FLIP = "flip"
    REORDER = "reorder"
    DELAY = "delay"
    SLOW = "slow"
    SPLIT = "split"
    SWALLOW = "swallow"
    CUT = "cut"
    RESET = "reset"


class Direction(enum.Flag):
    """Where octets go."""

    HOST = enum.auto()
    DONGLE = enum.auto()
    BOTH = HOST | DONGLE


class Passing(NamedTuple):
    """One HDLC frame on its way. `number` and `first` count frames and octets that the fault has seen, this
    one's included; `property_id` and `psdu` are None where it is not about one, or has none.
    """

    direction: Direction
    number: int
    first: int
    octets: bytes
    property_id: int | None
    psdu: bytes | None


@dataclass(frozen=True, slots=True)
class After:
    """So many seconds after the line was first opened."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Octet:
    """At an octet."""

    number: int


@dataclass(frozen=True, slots=True)
class Frame:
    """At a Spinel frame, or at one about a property."""

    number: int
    property_id: int | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """At the first frame of which this is true."""

    test: Callable[[Passing], bool]


@dataclass(frozen=True, slots=True)
class Chance:
    """At each frame, with a probability in per cent."""

    percent: float


When = After | Octet | Frame | Matching | Chance


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. `value` is octets, bits or seconds, as the kind has it."""

    kind: Kind
    when: When = Frame(1)
    direction: Direction = Direction.HOST
    value: float | None = None


class BadFault(ValueError):
    """The text is no fault; the message says what is wrong and what would be right."""


_BOTH = (Kind.SPLIT, Kind.SWALLOW)
_COUNTS = (Kind.DROP, Kind.DOUBLE, Kind.FLIP)
_SECONDS = (Kind.DELAY, Kind.SLOW, Kind.SWALLOW, Kind.CUT)
_NEEDS = (Kind.DELAY, Kind.SLOW)
_EXAMPLES = "flip@3s, cut@frame:12, slow=2"


def parse(text: str) -> Fault:
    """Read one fault. Raises BadFault."""
    what, at, when = text.partition("@")
    what, slash, direction = what.partition("/")
    name, equals, value = what.partition("=")
    try:
        kind = Kind(name)
    except ValueError:
        known = ", ".join(each.value for each in Kind)
        raise BadFault(f"'{text}': no such fault: '{name}'; there are {known}") from None
    way = Direction.BOTH if kind in _BOTH else Direction.HOST
    if slash:
        try:
            way = Direction[direction.upper()]
        except KeyError:
            raise BadFault(f"'{text}': '{direction}' is none of host, dongle, both") from None
    return Fault(
        kind=kind,
        value=_value(text, kind, value if equals else None),
        direction=way,
        when=_when(text, when) if at else Frame(1),
    )


def _value(text: str, kind: Kind, value: str | None) -> float | None:
    if value is None:
        if kind in _NEEDS:
            raise BadFault(f"'{text}': {kind.value} needs seconds, as in {kind.value}=2")
        return None
    if kind in _COUNTS:
        return _whole(text, value)
    if kind in _SECONDS:
        return _number(text, value, "seconds")
    raise BadFault(f"'{text}': {kind.value} takes no value")


def _when(text: str, when: str) -> When:
    name, colon, rest = when.partition(":")
    if not colon:
        if when.endswith("%"):
            return Chance(_number(text, when[:-1], "a percentage", largest=100))
        if when.endswith("s"):
            return After(_number(text, when[:-1], "seconds"))
    elif name == "octet":
        return Octet(_whole(text, rest))
    elif name == "frame":
        return Frame(_whole(text, rest))
    elif name == "psdu":
        return Matching(_begins(text, rest))
    elif name in Property.__members__:
        return Frame(_whole(text, rest), Property[name])
    raise BadFault(
        f"'{text}': '{when}' is no time; write it like @3s, @octet:200, @frame:12, @STREAM_RAW:2, "
        f"@psdu:0308 or @2%"
    )


def _begins(text: str, digits: str) -> Callable[[Passing], bool]:
    try:
        octets = bytes.fromhex(digits)
    except ValueError:
        octets = b""
    if not octets:
        raise BadFault(f"'{text}': psdu: takes octets in hexadecimal, not '{digits}'")
    return lambda passing: passing.psdu is not None and passing.psdu.startswith(octets)


def _whole(text: str, digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and int(digits[:9]) > 0):
        raise BadFault(f"'{text}': expected a number from 1 on, found '{digits}'; write it like {_EXAMPLES}")
    return int(digits[:9])


def _number(text: str, digits: str, what: str, largest: float = 86_400) -> float:
    try:
        number = float(digits)
    except ValueError:
        number = math.nan
    if not 0 < number <= largest:
        raise BadFault(
            f"'{text}': expected {what} up to {largest:g}, found '{digits}'; write it like {_EXAMPLES}"
        )
    return number
