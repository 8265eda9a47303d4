"""NWK frames (05-3474, 3.3): the header, the source route and the auxiliary security header."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from coordinator.codec import security_header
from coordinator.codec.cursor import Cursor, DecodeError, EncodeError
from coordinator.types import Eui64, NwkAddress

_LAYER = "nwk"


class FrameType(enum.IntEnum):
    """The frame type subfield; 2 is reserved."""

    DATA = 0
    COMMAND = 1
    INTER_PAN = 3


_TYPES = {int(member): member for member in FrameType}

MULTICAST = 0x0100
SECURITY = 0x0200
SOURCE_ROUTE = 0x0400
DESTINATION_IEEE = 0x0800
SOURCE_IEEE = 0x1000
END_DEVICE_INITIATOR = 0x2000

# Data or command (bit 1 clear) with no optional field but, perhaps, security.
_LAYOUT_MASK = MULTICAST | SECURITY | SOURCE_ROUTE | DESTINATION_IEEE | SOURCE_IEEE | 0x0002
_HEADER = struct.Struct("<HHHBB")
_HEADER_SIZE = _HEADER.size
_SECURED = struct.Struct("<HHHBBBIQB")
_SECURED_SIZE = _SECURED.size
# The auxiliary header of every NWK frame seen: network key, extended nonce.
_NETWORK_KEY_MASK = 0x38
_NETWORK_KEY = 0x28


class Frame(NamedTuple):
    """One NWK frame; `payload` as on air, that is encrypted and with its MIC when `security` is there.

    Inter-PAN frames have only a frame control and a payload: the four fields between are 0.
    """

    frame_control: int
    destination: NwkAddress
    source: NwkAddress
    radius: int
    sequence: int
    destination_ieee: Eui64 | None = None
    source_ieee: Eui64 | None = None
    multicast_control: int | None = None
    relay_index: int | None = None
    relays: tuple[NwkAddress, ...] = ()
    security: security_header.AuxiliaryHeader | None = None
    payload: bytes = b""

    @property
    def type(self) -> FrameType:
        return _TYPES[self.frame_control & 3]

    @property
    def version(self) -> int:
        """nwkcProtocolVersion: 2 since Zigbee 2006."""
        return self.frame_control >> 2 & 0x0F

    @property
    def discover_route(self) -> int:
        return self.frame_control >> 6 & 3

    @property
    def multicast(self) -> bool:
        return self.frame_control & MULTICAST != 0

    @property
    def secured(self) -> bool:
        return self.frame_control & SECURITY != 0

    @property
    def source_routed(self) -> bool:
        return self.frame_control & SOURCE_ROUTE != 0

    @property
    def end_device_initiator(self) -> bool:
        return self.frame_control & END_DEVICE_INITIATOR != 0


def frame_control(
    type: FrameType,
    *,
    version: int = 2,
    discover_route: int = 0,
    multicast: bool = False,
    secured: bool = False,
    source_route: bool = False,
    destination_ieee: bool = False,
    source_ieee: bool = False,
    end_device_initiator: bool = False,
) -> int:
    """The frame control field (3.3.1.1)."""
    return (
        type
        | version << 2
        | discover_route << 6
        | multicast << 8
        | secured << 9
        | source_route << 10
        | destination_ieee << 11
        | source_ieee << 12
        | end_device_initiator << 13
    )


def decode(octets: bytes) -> Frame:
    """Read a NWK frame. Raises DecodeError for a cut header or the reserved frame type."""
    if len(octets) >= _SECURED_SIZE:
        fc, destination, source, radius, sequence, control, counter, ieee, key = _SECURED.unpack_from(octets)
        layout = fc & _LAYOUT_MASK
        if layout == SECURITY and control & _NETWORK_KEY_MASK == _NETWORK_KEY:
            security = security_header.AuxiliaryHeader(control, counter, Eui64(ieee), key)
            payload = octets[_SECURED_SIZE:]
            return Frame(
                fc, destination, source, radius, sequence, None, None, None, None, (), security, payload
            )
    elif len(octets) >= _HEADER_SIZE:
        fc, destination, source, radius, sequence = _HEADER.unpack_from(octets)
        layout = fc & _LAYOUT_MASK
    else:
        return _decode_general(octets)
    if layout == 0:
        payload = octets[_HEADER_SIZE:]
        return Frame(fc, destination, source, radius, sequence, None, None, None, None, (), None, payload)
    return _decode_general(octets)


def _decode_general(octets: bytes) -> Frame:
    cursor = Cursor(_LAYER, octets)
    control = cursor.u16("frame control")
    if control & 3 == FrameType.INTER_PAN:
        nowhere = NwkAddress(0)
        return Frame(control, nowhere, nowhere, 0, 0, payload=cursor.rest())
    if control & 3 not in _TYPES:
        raise DecodeError(_LAYER, 0, "reserved frame type 2")
    _, destination, source, radius, sequence = _HEADER.unpack(octets[:2] + cursor.take(6, "header"))
    destination_ieee = cursor.eui64("destination IEEE address") if control & DESTINATION_IEEE else None
    source_ieee = cursor.eui64("source IEEE address") if control & SOURCE_IEEE else None
    multicast_control = cursor.u8("multicast control") if control & MULTICAST else None
    relay_index: int | None = None
    relays: tuple[NwkAddress, ...] = ()
    if control & SOURCE_ROUTE:
        relay_count = cursor.u8("source route")
        relay_index = cursor.u8("source route")
        relays = struct.unpack(f"<{relay_count}H", cursor.take(2 * relay_count, "source route"))
    security = None
    if control & SECURITY:
        security, cursor.offset = security_header.decode(_LAYER, octets, cursor.offset)
    return Frame(
        control,
        destination,
        source,
        radius,
        sequence,
        destination_ieee,
        source_ieee,
        multicast_control,
        relay_index,
        relays,
        security,
        cursor.rest(),
    )


def encode(frame: Frame) -> bytes:
    """The octets of a frame. Raises EncodeError where its fields disagree with its frame control."""
    (
        fc,
        destination,
        source,
        radius,
        sequence,
        to_ieee,
        from_ieee,
        multicast,
        index,
        relays,
        security,
        payload,
    ) = frame
    try:
        if to_ieee is from_ieee is multicast is index is None and not relays:
            layout = fc & _LAYOUT_MASK
            if security is None:
                if layout == 0:
                    return _HEADER.pack(fc, destination, source, radius, sequence) + payload
            elif layout == SECURITY:
                control, counter, ieee, key = security
                if control & _NETWORK_KEY_MASK == _NETWORK_KEY:
                    return (
                        _SECURED.pack(fc, destination, source, radius, sequence, control, counter, ieee, key)
                        + payload
                    )
        return _encode_general(frame)
    except struct.error as error:
        raise EncodeError(f"{_LAYER}: frame control 0x{fc:04x}: {error}") from None


def _encode_general(frame: Frame) -> bytes:
    control = frame.frame_control
    if control & 3 == FrameType.INTER_PAN:
        return struct.pack("<H", control) + frame.payload
    _require_announced(frame)
    octets = _HEADER.pack(control, frame.destination, frame.source, frame.radius, frame.sequence)
    if frame.destination_ieee is not None:
        octets += frame.destination_ieee.to_octets()
    if frame.source_ieee is not None:
        octets += frame.source_ieee.to_octets()
    if frame.multicast_control is not None:
        octets += struct.pack("B", frame.multicast_control)
    if frame.relay_index is not None:
        count = len(frame.relays)
        octets += struct.pack(f"<BB{count}H", count, frame.relay_index, *frame.relays)
    if frame.security is not None:
        octets += security_header.encode(frame.security)
    return octets + frame.payload


def _require_announced(frame: Frame) -> None:
    """Raise EncodeError unless the frame has exactly the optional fields of its frame control."""
    for bit, present, name in (
        (DESTINATION_IEEE, frame.destination_ieee is not None, "destination_ieee"),
        (SOURCE_IEEE, frame.source_ieee is not None, "source_ieee"),
        (MULTICAST, frame.multicast_control is not None, "multicast_control"),
        (SOURCE_ROUTE, frame.relay_index is not None, "relay_index"),
        (SECURITY, frame.security is not None, "security"),
    ):
        if (frame.frame_control & bit != 0) != present:
            stated = "missing" if not present else "not announced"
            raise EncodeError(f"{_LAYER}: frame control 0x{frame.frame_control:04x}: {name} is {stated}")
    if frame.relays and frame.relay_index is None:
        raise EncodeError(f"{_LAYER}: frame control 0x{frame.frame_control:04x}: relays are not announced")
