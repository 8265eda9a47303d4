"""MAC frames of IEEE 802.15.4-2006 (7.2): general format, acknowledgement, FCS.

A PSDU here never carries its FCS. Frames of a later version than 2006 have another layout and do
not decode. Where MAC security is enabled, everything after the addresses stays in `payload`.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from coordinator.codec import crc
from coordinator.codec.cursor import DecodeError, EncodeError
from coordinator.types import Eui64, NwkAddress, PanId

_LAYER = "mac"


class FrameType(enum.IntEnum):
    """The frame type subfield (7.2.1.1.1)."""

    BEACON = 0
    DATA = 1
    ACK = 2
    COMMAND = 3


class AddressMode(enum.IntEnum):
    """The addressing mode subfields (7.2.1.1.6 and 7.2.1.1.8); 1 is reserved."""

    NONE = 0
    SHORT = 2
    EXTENDED = 3


_TYPES = tuple(FrameType)

SECURITY_ENABLED = 0x0008
FRAME_PENDING = 0x0010
ACK_REQUEST = 0x0020
PAN_ID_COMPRESSION = 0x0040

_RESERVED_TYPE = 0x0004
_LATER_VERSION = 0x2000
_DESTINATION_MODE = 0x0C00
_SOURCE_MODE = 0xC000
_ADDRESSING = _DESTINATION_MODE | _SOURCE_MODE | PAN_ID_COMPRESSION

# Both addresses short, one PAN identifier: all but the first frames of a join.
_COMPACT_MASK = _ADDRESSING | _RESERVED_TYPE | _LATER_VERSION
_COMPACT = 0x8840
_COMPACT_HEADER = struct.Struct("<HBHHH")
_COMPACT_SIZE = _COMPACT_HEADER.size


class Frame(NamedTuple):
    """One MAC frame. Addresses and PAN identifiers are None where the frame control omits them."""

    frame_control: int
    sequence: int
    destination_pan: PanId | None
    destination: NwkAddress | Eui64 | None
    source_pan: PanId | None
    source: NwkAddress | Eui64 | None
    payload: bytes = b""

    @property
    def type(self) -> FrameType:
        return _TYPES[self.frame_control & 7]

    @property
    def security_enabled(self) -> bool:
        return self.frame_control & SECURITY_ENABLED != 0

    @property
    def frame_pending(self) -> bool:
        return self.frame_control & FRAME_PENDING != 0

    @property
    def ack_request(self) -> bool:
        return self.frame_control & ACK_REQUEST != 0

    @property
    def pan_id_compression(self) -> bool:
        return self.frame_control & PAN_ID_COMPRESSION != 0

    @property
    def destination_mode(self) -> AddressMode:
        return AddressMode(self.frame_control >> 10 & 3)

    @property
    def source_mode(self) -> AddressMode:
        return AddressMode(self.frame_control >> 14 & 3)

    @property
    def version(self) -> int:
        """0 for IEEE 802.15.4-2003, 1 for 2006."""
        return self.frame_control >> 12 & 3

    @property
    def source_pan_id(self) -> PanId | None:
        """The PAN the sender is in: its own field, or the destination's when that was compressed away."""
        if self.source_pan is None and self.source is not None:
            return self.destination_pan
        return self.source_pan


class _Layout(NamedTuple):
    """A header: its fields, and which of the four addressing fields are among them."""

    header: struct.Struct
    present: tuple[bool, bool, bool, bool]


def _layouts() -> dict[int, _Layout]:
    """The header of every permitted combination of addressing modes and PAN ID compression."""
    codes = {0: "", 2: "H", 3: "Q"}
    layouts = {}
    for destination, destination_code in codes.items():
        for source, source_code in codes.items():
            for compression in (0, PAN_ID_COMPRESSION):
                source_pan = bool(source) and not (destination and compression)
                fields = "H" * bool(destination) + destination_code + "H" * source_pan + source_code
                layouts[destination << 10 | source << 14 | compression] = _Layout(
                    struct.Struct("<HB" + fields),
                    (bool(destination), bool(destination), source_pan, bool(source)),
                )
    return layouts


_LAYOUTS = _layouts()


def decode(psdu: bytes) -> Frame:
    """Read a PSDU. Raises DecodeError for a short frame, a reserved type, mode or version."""
    if len(psdu) >= _COMPACT_SIZE:
        control, sequence, pan, destination, source = _COMPACT_HEADER.unpack_from(psdu)
        if control & _COMPACT_MASK == _COMPACT:
            return Frame(control, sequence, pan, destination, None, source, psdu[_COMPACT_SIZE:])
    return _decode_general(psdu)


def _decode_general(psdu: bytes) -> Frame:
    if len(psdu) < 3:
        raise DecodeError(_LAYER, len(psdu), "frame ends inside the frame control or sequence number")
    control = psdu[0] | psdu[1] << 8
    if control & _RESERVED_TYPE:
        raise DecodeError(_LAYER, 0, f"reserved frame type {control & 7}")
    if control & _LATER_VERSION:
        raise DecodeError(_LAYER, 1, f"frame version {control >> 12 & 3} is later than 802.15.4-2006")
    layout = _LAYOUTS.get(control & _ADDRESSING)
    if layout is None:
        raise DecodeError(_LAYER, 1, "reserved addressing mode 1")
    end = layout.header.size
    if len(psdu) < end:
        raise DecodeError(_LAYER, len(psdu), "frame ends inside the addressing fields")
    _, sequence, *fields = layout.header.unpack_from(psdu)
    has_destination, _, has_source_pan, has_source = layout.present
    destination_pan = destination = source_pan = source = None
    if has_destination:
        destination_pan, destination = fields[:2]
        if control & _DESTINATION_MODE == _DESTINATION_MODE:
            destination = Eui64(destination)
    if has_source_pan:
        source_pan = fields[-2]
    if has_source:
        source = Eui64(fields[-1]) if control & _SOURCE_MODE == _SOURCE_MODE else fields[-1]
    return Frame(control, sequence, destination_pan, destination, source_pan, source, psdu[end:])


def encode(frame: Frame) -> bytes:
    """The PSDU of a frame. Raises EncodeError where its fields disagree with its frame control."""
    control, sequence, destination_pan, destination, source_pan, source, payload = frame
    try:
        if control & _COMPACT_MASK == _COMPACT and source_pan is None:
            return _COMPACT_HEADER.pack(control, sequence, destination_pan, destination, source) + payload
        return _encode_general(frame)
    except struct.error as error:
        raise EncodeError(f"{_LAYER}: frame control 0x{control:04x}: {error}") from None


def _encode_general(frame: Frame) -> bytes:
    control = frame.frame_control
    layout = _LAYOUTS.get(control & _ADDRESSING)
    if layout is None:
        raise EncodeError(f"{_LAYER}: frame control 0x{control:04x}: reserved addressing mode 1")
    _, sequence, destination_pan, destination, source_pan, source, payload = frame
    stated = destination_pan is not None, destination is not None, source_pan is not None, source is not None
    if layout.present != stated:
        raise EncodeError(f"{_LAYER}: frame control 0x{control:04x} announces other addressing fields")
    fields = [field for field in frame[2:6] if field is not None]
    return layout.header.pack(control, sequence, *fields) + payload


def frame_control(
    type: FrameType,
    *,
    ack_request: bool = False,
    frame_pending: bool = False,
    pan_id_compression: bool = False,
    destination_mode: AddressMode = AddressMode.NONE,
    source_mode: AddressMode = AddressMode.NONE,
    version: int = 0,
    security_enabled: bool = False,
) -> int:
    """The frame control field (7.2.1.1)."""
    return (
        type
        | security_enabled << 3
        | frame_pending << 4
        | ack_request << 5
        | pan_id_compression << 6
        | destination_mode << 10
        | version << 12
        | source_mode << 14
    )


def data(
    *,
    sequence: int,
    pan_id: PanId,
    destination: NwkAddress,
    source: NwkAddress,
    payload: bytes,
    ack_request: bool,
    frame_pending: bool = False,
) -> Frame:
    """A data frame between two short addresses of one PAN: 0x8861, or 0x8841 without acknowledgement."""
    control = 0x8841 | ack_request << 5 | frame_pending << 4
    return Frame(control, sequence, pan_id, destination, None, source, payload)


def ack(sequence: int, frame_pending: bool) -> Frame:
    """The acknowledgement (7.2.2.3) of the frame with this sequence number."""
    return Frame(0x0012 if frame_pending else 0x0002, sequence, None, None, None, None, b"")


def wants_ack(psdu: bytes) -> bool:
    """Whether the frame asks for an acknowledgement; False for what is too short to be one."""
    return len(psdu) >= 3 and psdu[0] & ACK_REQUEST != 0


def sequence(psdu: bytes) -> int:
    """The sequence number. Raises DecodeError when the frame ends before it."""
    if len(psdu) < 3:
        raise DecodeError(_LAYER, len(psdu), "frame ends inside the frame control or sequence number")
    return psdu[2]


def is_ack(psdu: bytes) -> bool:
    """Whether this is an acknowledgement of IEEE 802.15.4-2006: three octets without the FCS."""
    return len(psdu) == 3 and psdu[0] & 7 == FrameType.ACK


def is_data_request(psdu: bytes) -> bool:
    """Whether this is the MAC command Data Request (7.3.4), with which a child polls its parent."""
    if len(psdu) < 4 or psdu[0] & 0x0F != FrameType.COMMAND:
        return False
    layout = _LAYOUTS.get((psdu[0] | psdu[1] << 8) & _ADDRESSING)
    if layout is None or len(psdu) <= layout.header.size:
        return False
    return psdu[layout.header.size] == 0x04


def fcs(psdu: bytes) -> int:
    """The frame check sequence (7.2.1.9): ITU-T CRC-16, least significant bit first, initially zero."""
    return crc.kermit(psdu)


def append_fcs(psdu: bytes) -> bytes:
    """The PSDU with its two octets of FCS."""
    return psdu + fcs(psdu).to_bytes(2, "little")


def fcs_is_valid(psdu_with_fcs: bytes) -> bool:
    """Whether the last two octets are the FCS of those before."""
    return len(psdu_with_fcs) >= 2 and append_fcs(psdu_with_fcs[:-2]) == psdu_with_fcs
