"""Deliberate damage to single frames: which frame, and what becomes of it.

A behaviour is what a Trust Center is; a frame fault is an accident that a test arranges. It acts on finished
octets, after every behaviour, and knows a frame by what it carries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coordinator.codec import nwk_commands, zdp
from coordinator.codec.aps_commands import KeyType
from coordinator.primitives import apsde, apsme, mlme, nlme, zdo
from coordinator.primitives.describe import describe
from coordinator.stack.ticket import APS_ACK, Carried
from coordinator.types import SECOND, Duration, Eui64

LABEL = "fault."
"""What the label of a deviation begins with that is a frame fault's."""
LEAST_OCTETS = 3
"""Frame control and sequence number: no radio sends less (IEEE 802.15.4-2006, 7.2.1)."""
MOST_REPETITIONS = 100
LONGEST_AFTER: Duration = 3600 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Frames that carry `frame`, a name of `FRAMES`; with `device`, those only that go to it or are about it.

    A broadcast goes to no device.
    """

    frame: str
    device: Eui64 | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Never hand it to the radio: its request is concluded undelivered, and the NWK layer does not try again.

    What the APS layer repeats when no acknowledgement comes is another frame.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Hand the very same octets to the radio `times` more, each `after` microseconds later than the last."""

    times: int = 1
    after: Duration = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Exclusive-or one octet with `mask`. `octet` counts from 0, or from the end: -1 is the MIC's last."""

    octet: int
    mask: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    """Keep the first `octets`; a negative number is how many to cut off at the end."""

    octets: int


Action = Drop | Repeat | Flip | Truncate


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFault:
    """Let `skip` matching frames pass, then do `action` to the next `count`, or to all when that is None.

    A frame is what the stack hands to the radio once: the radio's own retries are not counted, further
    attempts of the NWK layer, repetitions of a broadcast and of the APS layer are. A frame that is too short
    for the action passes, and is not counted either.
    """

    id: str
    match: Match
    action: Action
    count: int | None = 1
    skip: int = 0

    @property
    def name(self) -> str:
        """What its deviations are labelled with."""
        return f"{LABEL}{self.id}"


def check(fault: FrameFault) -> None:
    """Raise ValueError, in words, for what cannot be meant."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", fault.id):
        raise ValueError(f"id: 1 to 64 letters, digits, dots, hyphens and underscores, not {fault.id!r}")
    if fault.match.frame not in FRAMES:
        raise ValueError(f"frame: {fault.match.frame!r} is none of {', '.join(FRAMES)}")
    if fault.count is not None and fault.count < 1:
        raise ValueError(f"count: at least 1, or none for all, not {fault.count}")
    if fault.skip < 0:
        raise ValueError(f"skip: at least 0, not {fault.skip}")
    match fault.action:
        case Repeat(times=times, after=after):
            if not 1 <= times <= MOST_REPETITIONS:
                raise ValueError(f"times: 1 to {MOST_REPETITIONS}, not {times}")
            if not 0 <= after <= LONGEST_AFTER:
                raise ValueError(f"after: 0 to {LONGEST_AFTER} microseconds, not {after}")
        case Flip(mask=mask) if not 1 <= mask <= 0xFF:
            raise ValueError(f"mask: 0x01 to 0xff, or nothing is flipped, not {mask:#x}")
        case Truncate(octets=octets) if 0 <= octets < LEAST_OCTETS:
            raise ValueError(
                f"octets: at least {LEAST_OCTETS}, or a negative number to cut off, not {octets}"
            )
        case _:
            pass


def damage(action: Flip | Truncate, psdu: bytes) -> bytes:
    """The octets with this done to them; as they are where it cannot be done."""
    match action:
        case Flip(octet=octet, mask=mask):
            at = octet if octet >= 0 else len(psdu) + octet
            if not 0 <= at < len(psdu):
                return psdu
            return psdu[:at] + bytes((psdu[at] ^ mask,)) + psdu[at + 1 :]
        case Truncate(octets=octets):
            kept = octets if octets >= 0 else len(psdu) + octets
            return psdu[:kept] if kept >= LEAST_OCTETS else psdu


Carries = Callable[[Carried], bool]


def _is(*kinds: type) -> Carries:
    return lambda carried: isinstance(carried, kinds)


def _key(key_type: int) -> Carries:
    return lambda carried: isinstance(carried, apsme.TransportKeyRequest) and carried.key_type == key_type


def _zdp(*commands: type) -> Carries:
    return lambda carried: isinstance(carried, zdo.CommandRequest) and isinstance(carried.command, commands)


FRAMES: Mapping[str, Carries] = MappingProxyType(
    {
        "any": lambda _carried: True,
        "beacon": _is(mlme.BeaconRequest),
        "association-response": _is(mlme.AssociateResponse),
        "transport-key": _is(apsme.TransportKeyRequest),
        "transport-key-nwk": _key(KeyType.NETWORK),
        "transport-key-tclk": _key(KeyType.TRUST_CENTER_LINK),
        "switch-key": _is(apsme.SwitchKeyRequest),
        "confirm-key": _is(apsme.ConfirmKeyRequest),
        "remove-device": _is(apsme.RemoveDeviceRequest),
        "leave": _is(nlme.LeaveRequest),
        "mgmt-leave-request": _zdp(zdp.MgmtLeaveRequest),
        "node-descriptor-request": _zdp(zdp.NodeDescriptorRequest),
        "node-descriptor-response": _zdp(zdp.NodeDescriptorResponse),
        "ieee-address-request": _zdp(zdp.IeeeAddressRequest),
        "zdo": _is(zdo.CommandRequest),
        "link-status": _is(nwk_commands.LinkStatus),
        "route-reply": _is(nwk_commands.RouteReply),
        "end-device-timeout-response": _is(nwk_commands.EndDeviceTimeoutResponse),
        "aps-ack": lambda carried: carried == APS_ACK,
        "aps-data": _is(apsde.DataRequest),
    }
)
"""What a fault can name, and how it is known. An ACK of the MAC is the radio's doing, and out of reach."""


def named(carried: Carried) -> str:
    """What a frame carries, in words."""
    if carried is None:
        return "a frame of the stack's own"
    if isinstance(carried, str):
        return carried
    if isinstance(carried, nwk_commands.Command):
        return type(carried).__name__
    return describe(carried)


def subject(carried: Carried) -> Eui64 | None:
    """The device that a request names."""
    device = getattr(carried, "target", None) or getattr(carried, "device", None)
    return device if isinstance(device, Eui64) else None
