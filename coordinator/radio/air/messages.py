"""What the host of an air and its remote radios say to each other, as values.

A guest asks with the actions of `stack.node`; a host tells with `ReceivedFrame` and with what is here.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import Channel, Duration, Instant


class Code(enum.IntEnum):
    """Why a host refuses a guest."""

    VERSION = 1
    NAME_TAKEN = 2
    FULL = 3


@dataclass(frozen=True, slots=True)
class Probe:
    """Is this an air?"""


@dataclass(frozen=True, slots=True)
class Present:
    """It is, and this is its time."""

    now: Instant


@dataclass(frozen=True, slots=True)
class Hello:
    """A radio of this name wishes to be on the air: 1 to 255 characters."""

    name: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """It is, powered as after a reset."""

    now: Instant


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not, and why."""

    code: Code
    reason: str


@dataclass(frozen=True, slots=True)
class Bye:
    """The sender has ended the session, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The sender is still there. Counted, so that a lost datagram is missed although none follows."""


@dataclass(frozen=True, slots=True)
class EnergyScan:
    """Listen to one channel for `span` microseconds."""

    channel: Channel
    span: Duration


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A transmission ended."""

    handle: int
    status: TransmitStatus
    frame_pending: bool


@dataclass(frozen=True, slots=True)
class Scanned:
    """An energy scan ended: the peak in dBm."""

    peak: int


Uncounted = Probe | Present | Hello | Welcome | Refused | Bye
Asked = Alive | Transmit | SetPending | Tune | ReceiverOn | EnergyScan
Told = Alive | ReceivedFrame | Confirmed | Scanned
Counted = Asked | Told
Message = Uncounted | Counted
