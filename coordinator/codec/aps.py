"""APS frames (05-3474, 2.2.5): the header, the extended header and the auxiliary security header."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from coordinator.codec import security_header
from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.types import Eui64

_LAYER = "aps"


class FrameType(enum.IntEnum):
    """The frame type subfield."""

    DATA = 0
    COMMAND = 1
    ACK = 2
    INTER_PAN = 3


class DeliveryMode(enum.IntEnum):
    """The delivery mode subfield; INDIRECT is reserved in later revisions."""

    UNICAST = 0
    INDIRECT = 1
    BROADCAST = 2
    GROUP = 3


_TYPES = tuple(FrameType)
_DELIVERY_MODES = tuple(DeliveryMode)

ACK_FORMAT = 0x10
SECURITY = 0x20
ACK_REQUEST = 0x40
EXTENDED_HEADER = 0x80

_ENDPOINTS = struct.Struct("<BBHHBB")
_ENDPOINTS_SIZE = _ENDPOINTS.size
_FRAME_CONTROL_AND_COUNTER = struct.Struct("BB")
_SECURED_COUNTER = struct.Struct("<BBBIQ")
_SECURED_COUNTER_SIZE = _SECURED_COUNTER.size


class ExtendedHeader(NamedTuple):
    """The extended header (2.2.5.1.8): `control` b0-1 is the fragmentation, 0 for none.

    With fragmentation comes the block number, and in an acknowledgement the bitfield of the window.
    """

    control: int
    block_number: int | None = None
    ack_bitfield: int | None = None


class Frame(NamedTuple):
    """One APS frame; `payload` as on air, that is encrypted and with its MIC when `security` is there.

    Endpoints, group, cluster and profile are None where the frame has none; an inter-PAN frame has
    no counter: 0.
    """

    frame_control: int
    destination_endpoint: int | None
    group: int | None
    cluster: int | None
    profile: int | None
    source_endpoint: int | None
    counter: int
    extended: ExtendedHeader | None = None
    security: security_header.AuxiliaryHeader | None = None
    payload: bytes = b""

    @property
    def type(self) -> FrameType:
        return _TYPES[self.frame_control & 3]

    @property
    def delivery_mode(self) -> DeliveryMode:
        return _DELIVERY_MODES[self.frame_control >> 2 & 3]

    @property
    def ack_format(self) -> bool:
        """In an acknowledgement: that of a command, without endpoints, cluster and profile."""
        return self.frame_control & ACK_FORMAT != 0

    @property
    def secured(self) -> bool:
        return self.frame_control & SECURITY != 0

    @property
    def ack_request(self) -> bool:
        return self.frame_control & ACK_REQUEST != 0

    @property
    def extended_present(self) -> bool:
        return self.frame_control & EXTENDED_HEADER != 0


def frame_control(
    type: FrameType,
    *,
    delivery: DeliveryMode = DeliveryMode.UNICAST,
    ack_format: bool = False,
    secured: bool = False,
    ack_request: bool = False,
    extended: bool = False,
) -> int:
    """The frame control field (2.2.5.1.1)."""
    return type | delivery << 2 | ack_format << 4 | secured << 5 | ack_request << 6 | extended << 7


class _Layout(enum.IntEnum):
    """Which addressing fields stand between frame control and counter."""

    COUNTER_ONLY = 0
    ENDPOINTS = 1
    GROUP = 2
    INTER_PAN = 3


def _layout(control: int) -> _Layout:
    type, group = control & 3, control >> 2 & 3 == DeliveryMode.GROUP
    if type == FrameType.INTER_PAN:
        return _Layout.INTER_PAN
    if type == FrameType.COMMAND or (type == FrameType.ACK and control & ACK_FORMAT):
        return _Layout.COUNTER_ONLY
    return _Layout.GROUP if group else _Layout.ENDPOINTS


_LAYOUTS = tuple(_layout(control) for control in range(256))
# Endpoints, and neither extended header nor security: most frames.
_PLAIN_ENDPOINTS = bytes(
    layout is _Layout.ENDPOINTS and not control & (SECURITY | EXTENDED_HEADER)
    for control, layout in enumerate(_LAYOUTS)
)
# A secured command without extended header: all those that carry keys.
_SECURED_COMMAND = bytes(
    layout is _Layout.COUNTER_ONLY and control & (SECURITY | EXTENDED_HEADER) == SECURITY
    for control, layout in enumerate(_LAYOUTS)
)


def decode(octets: bytes) -> Frame:
    """Read an APS frame. Raises DecodeError when the header is cut."""
    if len(octets) >= _ENDPOINTS_SIZE:
        control, to_endpoint, cluster, profile, from_endpoint, counter = _ENDPOINTS.unpack_from(octets)
        if _PLAIN_ENDPOINTS[control]:
            payload = octets[_ENDPOINTS_SIZE:]
            return Frame(
                control, to_endpoint, None, cluster, profile, from_endpoint, counter, None, None, payload
            )
        if _SECURED_COMMAND[control] and len(octets) >= _SECURED_COUNTER_SIZE:
            _, counter, security_control, frame_counter, source = _SECURED_COUNTER.unpack_from(octets)
            # Extended nonce, and no key sequence number after it.
            if security_control & security_header.EXTENDED_NONCE and security_control & 0x18 != 0x08:
                security = security_header.AuxiliaryHeader(
                    security_control, frame_counter, Eui64(source), None
                )
                payload = octets[_SECURED_COUNTER_SIZE:]
                return Frame(control, None, None, None, None, None, counter, None, security, payload)
    return _decode_general(octets)


def _decode_general(octets: bytes) -> Frame:
    cursor = Cursor(_LAYER, octets)
    control = cursor.u8("frame control")
    layout = _LAYOUTS[control]
    group = destination_endpoint = cluster = profile = source_endpoint = None
    if layout is _Layout.ENDPOINTS:
        destination_endpoint = cursor.u8("destination endpoint")
    elif control & 0x0C == 0x0C and layout is not _Layout.COUNTER_ONLY:
        group = cursor.u16("group address")
    if layout is not _Layout.COUNTER_ONLY:
        cluster = cursor.u16("cluster identifier")
        profile = cursor.u16("profile identifier")
    if layout is _Layout.INTER_PAN:
        return Frame(control, None, group, cluster, profile, None, 0, None, None, cursor.rest())
    if layout is not _Layout.COUNTER_ONLY:
        source_endpoint = cursor.u8("source endpoint")
    counter = cursor.u8("APS counter")
    extended = _decode_extended(cursor, control) if control & EXTENDED_HEADER else None
    security = None
    if control & SECURITY:
        security, cursor.offset = security_header.decode(_LAYER, octets, cursor.offset)
    return Frame(
        control,
        destination_endpoint,
        group,
        cluster,
        profile,
        source_endpoint,
        counter,
        extended,
        security,
        cursor.rest(),
    )


def _decode_extended(cursor: Cursor, control: int) -> ExtendedHeader:
    extended = cursor.u8("extended header")
    if extended & 3 == 0:
        return ExtendedHeader(extended)
    block_number = cursor.u8("extended header")
    if control & 3 != FrameType.ACK:
        return ExtendedHeader(extended, block_number)
    return ExtendedHeader(extended, block_number, cursor.u8("extended header"))


def encode(frame: Frame) -> bytes:
    """The octets of a frame. Raises EncodeError where its fields disagree with its frame control."""
    control, to_endpoint, group, cluster, profile, from_endpoint, counter, extended, security, payload = frame
    try:
        if extended is None and group is None:
            if security is None:
                if _PLAIN_ENDPOINTS[control]:
                    return (
                        _ENDPOINTS.pack(control, to_endpoint, cluster, profile, from_endpoint, counter)
                        + payload
                    )
            elif _SECURED_COMMAND[control] and to_endpoint is cluster is profile is from_endpoint is None:
                octets = security_header.encode(security)
                return _FRAME_CONTROL_AND_COUNTER.pack(control, counter) + octets + payload
        return _encode_general(frame)
    except (struct.error, IndexError) as error:
        raise EncodeError(f"{_LAYER}: frame control 0x{control:02x}: {error}") from None


def _encode_general(frame: Frame) -> bytes:
    control = frame.frame_control
    layout = _LAYOUTS[control]
    _require_announced(frame, layout)
    octets = struct.pack("B", control)
    if frame.destination_endpoint is not None:
        octets += struct.pack("B", frame.destination_endpoint)
    if frame.group is not None:
        octets += struct.pack("<H", frame.group)
    if frame.cluster is not None:
        octets += struct.pack("<HH", frame.cluster, frame.profile)
    if layout is _Layout.INTER_PAN:
        return octets + frame.payload
    if frame.source_endpoint is not None:
        octets += struct.pack("B", frame.source_endpoint)
    octets += struct.pack("B", frame.counter)
    if frame.extended is not None:
        octets += _encode_extended(frame.extended, control)
    if frame.security is not None:
        octets += security_header.encode(frame.security)
    return octets + frame.payload


def _encode_extended(extended: ExtendedHeader, control: int) -> bytes:
    fragmented = extended.control & 3 != 0
    has_bitfield = fragmented and control & 3 == FrameType.ACK
    stated = extended.block_number is not None, extended.ack_bitfield is not None
    if stated != (fragmented, has_bitfield):
        raise EncodeError(f"{_LAYER}: extended frame control 0x{extended.control:02x} announces other fields")
    fields = [field for field in extended if field is not None]
    return struct.pack(f"{len(fields)}B", *fields)


def _require_announced(frame: Frame, layout: _Layout) -> None:
    """Raise EncodeError unless the frame has exactly the optional fields of its frame control."""
    addressed = layout is not _Layout.COUNTER_ONLY
    inter_pan = layout is _Layout.INTER_PAN
    group = addressed and frame.delivery_mode is DeliveryMode.GROUP
    for announced, value, name in (
        (layout is _Layout.ENDPOINTS, frame.destination_endpoint, "destination_endpoint"),
        (group, frame.group, "group"),
        (addressed, frame.cluster, "cluster"),
        (addressed, frame.profile, "profile"),
        (addressed and not inter_pan, frame.source_endpoint, "source_endpoint"),
        (frame.extended_present and not inter_pan, frame.extended, "extended"),
        (frame.secured and not inter_pan, frame.security, "security"),
    ):
        if announced != (value is not None):
            stated = "missing" if value is None else "not announced"
            raise EncodeError(f"{_LAYER}: frame control 0x{frame.frame_control:02x}: {name} is {stated}")
