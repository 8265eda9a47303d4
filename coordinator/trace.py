"""What happened, as values.

Every record carries `at`, microseconds on the session's monotonic clock. Records are what the
ladder, the capture, the event file and the verdict are made from; nothing else is evidence.
Keys appear here as `Key` values, which print nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.primitives import Indication, Request
from coordinator.types import Channel, Eui64, ExtendedPanId, Instant, Key, LinkKeyKind, NwkAddress, PanId


class Observed(enum.Enum):
    """How we know of an indication: read off the air, told by firmware, or concluded."""

    DIRECT = "direct"
    REPORTED = "reported"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFormed:
    """The coordinator is up: the identity of the network, without its key."""

    at: Instant
    channel: Channel
    pan_id: PanId
    extended_pan_id: ExtendedPanId
    coordinator: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A frame passed the radio and reached the stack (PSDU without FCS).

    `reported_ack` is what the radio says of the ACK that it sent by itself, which nobody heard: its
    frame-pending bit, or None when it sent none or cannot tell.
    """

    at: Instant
    psdu: bytes
    channel: Channel
    rssi: int
    lqi: int
    reported_ack: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviated:
    """A behaviour rewrote an answer or a policy value: before and after as text, and what it breaks.

    `behaviour` is ``fault.`` and an id where a frame fault did it, ``inject`` where somebody asked for what
    nobody's profile does. `request_id` is that of the request whose frame was changed; None when that is
    told by the `Requested`.
    """

    at: Instant
    behaviour: str
    cause: str
    before: str
    after: str
    clause: str
    request_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpent:
    """A frame fault did what it was armed for, `used` times, and is armed no longer."""

    at: Instant
    fault: str
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A frame was handed to the radio; `deviations` made it what it is.

    `request_id` is that of the `Requested` it carries out, None for a frame of the stack's own.
    `generation` is that in which it was decided, which may be older than the present one.
    """

    at: Instant
    handle: int
    psdu: bytes
    deviations: tuple[Deviated, ...] = ()
    request_id: int | None = None
    generation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The radio's word on one `Sent` frame: a `TransmitStatus` by its value, such as ``no-ack``; and, as the
    radio reports it, the frame-pending bit of the ACK.
    """

    at: Instant
    handle: int
    status: str
    frame_pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicated:
    """A primitive came up the stack."""

    at: Instant
    indication: Indication
    observed: Observed = Observed.DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A primitive went down the stack. `request_id` links it to its `Concluded`; `generation` is that in
    which it was decided.
    """

    at: Instant
    request_id: int
    request: Request
    deviations: tuple[Deviated, ...] = ()
    generation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A unicast request ended: delivered (MAC-acknowledged by the next hop) or why not."""

    at: Instant
    request_id: int
    delivered: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A frame was not acted on: which layer said no, and why."""

    at: Instant
    layer: str
    reason: str
    source: NwkAddress | Eui64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingChanged:
    """The Trust Center's view of one device moved along its transition table."""

    at: Instant
    device: Eui64
    before: str
    event: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the specification does not foresee, noted and survived."""

    at: Instant
    device: Eui64 | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """A device that the allow-list does not have asked to associate, and was denied."""

    at: Instant
    device: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A device that joined before a restart is known again: its address, the kinds of its link keys."""

    at: Instant
    device: Eui64
    address: NwkAddress
    link_key: LinkKeyKind
    pending: LinkKeyKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInUse:
    """A key that protects frames from now on, for whoever must decrypt the capture.

    `sequence` is set for network keys, `device` and `kind` for Trust Center link keys.
    """

    at: Instant
    key: Key
    sequence: int | None = None
    device: Eui64 | None = None
    kind: LinkKeyKind | None = None


class RadioState(enum.Enum):
    """How it stands with the radio. Only `UP` is a radio."""

    ABSENT = "absent"
    STARTING = "starting"
    UP = "up"
    LOST = "lost"
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioChanged:
    """The radio came, went or restarted, or missed something; `missed` says that frames around it may be
    missing, and so nothing of what was watched is certain.
    """

    at: Instant
    state: RadioState
    reason: str
    missed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """The Trust Center is another from here on: what was changed, and what it is called now.

    `outstanding` answers that were decided before have not left yet; their frames keep their generation.
    """

    at: Instant
    generation: int
    change: str
    profile: str
    outstanding: int = 0


Record = (
    NetworkFormed
    | Switched
    | RadioChanged
    | Heard
    | Deviated
    | FaultSpent
    | Sent
    | Confirmed
    | Indicated
    | Requested
    | Concluded
    | Dropped
    | StandingChanged
    | Finding
    | TurnedAway
    | Resumed
    | KeyInUse
)

Sink = Callable[[Record], None]
"""Where a node puts its records, in the order things happened."""
