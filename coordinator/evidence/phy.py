"""What surrounds the PSDU in a capture: FCS, PHY header, TAP header; by link type.

Link types by the registry of tcpdump.org: 195 with FCS; 215 four octets of preamble, the start of frame
delimiter, the frame length, then the PSDU with FCS; 230 without FCS; 283 a TAP header (its published
specification, version 1.1) that says whether there is one. `tests/evidence` compares with tshark.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import NamedTuple

from coordinator.codec import mac
from coordinator.codec.cursor import Cursor, DecodeError
from coordinator.evidence.dissection import Fields, LayerError

WITH_FCS = 195
NONASK_PHY = 215
NO_FCS = 230
TAP = 283
_NAMES = {
    WITH_FCS: "IEEE802_15_4_WITHFCS",
    NONASK_PHY: "IEEE802_15_4_NONASK_PHY",
    NO_FCS: "IEEE802_15_4_NOFCS",
    TAP: "IEEE802_15_4_TAP",
}
LINK_TYPES = frozenset(_NAMES)
LAYER = "phy"

_LENGTH_BITS = 0x7F
_TI_CRC_OK = 0x80
_FCS_LENGTHS = {0: 0, 1: 2, 2: 4}

_TAP_HEADER_SIZE = 4
_FCS_TYPE, _RSS, _BIT_RATE, _CHANNEL, _START_OF_FRAME, _END_OF_FRAME, _LQI = 0, 1, 2, 3, 5, 6, 10
_TAP_INTEGERS = {
    _FCS_TYPE: ("fcs_type", 1),
    _BIT_RATE: ("bit_rate", 4),
    _START_OF_FRAME: ("start_of_frame_ns", 8),
    _END_OF_FRAME: ("end_of_frame_ns", 8),
    _LQI: ("lqi", 1),
}


class Unwrapped(NamedTuple):
    """The PSDU without FCS (None where there is none to be found), what was round it, and what is wrong.

    `base` is the octet of the packet at which the PSDU begins. Where `intact` is False, an FCS does
    not hold, or its end was not captured.
    """

    psdu: bytes | None
    base: int
    fields: Fields
    errors: tuple[LayerError, ...]
    intact: bool


def unwrap(link_type: int, octets: bytes, snapped: bool = False) -> Unwrapped:
    """Find the PSDU in a packet; `snapped` says that the packet's end was not captured."""
    fields: Fields = {"link_type": link_type}
    if link_type in _NAMES:
        fields["link_type_name"] = _NAMES[link_type]
    cursor = Cursor(LAYER, octets)
    try:
        if link_type == TAP:
            fcs_length = _read_tap(cursor, fields)
        elif link_type == NONASK_PHY:
            octets = _read_phy_header(cursor, fields, snapped)
            fcs_length = 2
        elif link_type in _NAMES:
            fcs_length = 2 if link_type == WITH_FCS else 0
        else:
            raise DecodeError(LAYER, 0, f"link type {link_type} is not of IEEE 802.15.4")
    except DecodeError as error:
        wrong = LayerError(layer=LAYER, octet=error.offset, reason=error.reason)
        return Unwrapped(None, 0, fields, (wrong,), False)
    base, psdu = cursor.offset, octets[cursor.offset :]
    if snapped:
        wrong = LayerError(layer=LAYER, octet=len(octets), reason="the end of the frame was not captured")
        return Unwrapped(psdu, base, fields, (wrong,), False)
    return _check(psdu, base, fcs_length, fields)


def unwrap_bare(octets: bytes) -> Unwrapped:
    """For octets of which nothing is known: an FCS is one if it holds (wrong once in 65,536 frames)."""
    if len(octets) > 3 and mac.fcs_is_valid(octets):
        return _check(octets, 0, 2, {})
    return Unwrapped(octets, 0, {}, (), True)


def _check(psdu: bytes, base: int, fcs_length: int, fields: Fields) -> Unwrapped:
    """Take off the FCS, or what a TI radio writes in its place: RSSI, then a CRC bit and a correlation."""
    if fcs_length == 0:
        fields["fcs"] = "none"
        return Unwrapped(psdu, base, fields, (), True)
    if len(psdu) < fcs_length:
        wrong = LayerError(layer=LAYER, octet=base + len(psdu), reason="frame ends inside the FCS")
        return Unwrapped(None, base, fields, (wrong,), False)
    at = len(psdu) - fcs_length
    trailer = psdu[at:]
    fields["fcs_octets"] = trailer.hex()
    if fcs_length == 2:
        valid = mac.fcs_is_valid(psdu)
    else:
        valid = zlib.crc32(psdu[:at]).to_bytes(4, "little") == trailer
    if valid:
        fields["fcs"] = "valid"
        return Unwrapped(psdu[:at], base, fields, (), True)
    if fcs_length == 2 and trailer[1] & _TI_CRC_OK:
        fields["fcs"] = "no FCS; read as the trailer of a TI radio, which says that the CRC held"
        fields["rssi"] = int.from_bytes(trailer[:1], "little", signed=True)
        fields["correlation"] = trailer[1] & ~_TI_CRC_OK
        return Unwrapped(psdu[:at], base, fields, (), True)
    fields["fcs"] = "not valid"
    wrong = LayerError(layer=LAYER, octet=base + at, reason=f"the FCS {trailer.hex()} does not hold")
    return Unwrapped(psdu[:at], base, fields, (wrong,), False)


def _read_phy_header(cursor: Cursor, fields: Fields, snapped: bool) -> bytes:
    """Read preamble, delimiter and length; return the packet without what follows the frame."""
    fields["preamble"] = cursor.take(4, "preamble").hex()
    fields["start_of_frame_delimiter"] = cursor.take(1, "start of frame delimiter").hex()
    length = cursor.u8("frame length")
    fields["frame_length"] = length & _LENGTH_BITS
    end = cursor.offset + (length & _LENGTH_BITS)
    if end > len(cursor.octets) and not snapped:
        reason = f"the frame length is {length & _LENGTH_BITS}, but {cursor.remaining} octets follow"
        raise DecodeError(LAYER, 5, reason)
    if end < len(cursor.octets):
        fields["trailing"] = cursor.octets[end:].hex()
    return cursor.octets[:end]


def _read_tap(cursor: Cursor, fields: Fields) -> int:
    """Read the TAP header; return how long the FCS is."""
    version, _, length = struct.unpack("<BBH", cursor.take(_TAP_HEADER_SIZE, "TAP header"))
    fields["tap_version"] = version
    if version != 0:
        raise DecodeError(LAYER, 0, f"TAP version {version} is unknown")
    if length < _TAP_HEADER_SIZE or length > len(cursor.octets):
        raise DecodeError(LAYER, 2, f"the TAP header says {length} octets of {len(cursor.octets)}")
    inner = Cursor(LAYER, cursor.octets[:length], cursor.offset)
    while inner.remaining:
        kind, size = struct.unpack("<HH", inner.take(4, "TAP field header"))
        _read_tap_field(fields, kind, inner.take(size, "TAP field"))
        inner.take(min(-size % 4, inner.remaining))
    cursor.offset = length
    fcs_type = fields.get("fcs_type", 0)
    if not isinstance(fcs_type, int) or fcs_type not in _FCS_LENGTHS:
        raise DecodeError(LAYER, _TAP_HEADER_SIZE, f"FCS type {fcs_type} is unknown")
    return _FCS_LENGTHS[fcs_type]


def _read_tap_field(fields: Fields, kind: int, value: bytes) -> None:
    name, size = _TAP_INTEGERS.get(kind, ("", -1))
    if len(value) == size:
        fields[name] = int.from_bytes(value, "little")
    elif kind == _RSS and len(value) == 4:
        (rss,) = struct.unpack("<f", value)
        fields["rss_dbm"] = rss if math.isfinite(rss) else str(rss)
    elif kind == _CHANNEL and len(value) == 3:
        fields["channel"], fields["channel_page"] = struct.unpack("<HB", value)
    else:
        fields[f"tap_field_{kind}"] = value.hex()
