"""STREAM_RAW, the property through which frames pass: as received, as to be sent, and how sending ended.

Layouts of radios.md section 3. PSDUs here carry no FCS; on the wire two octets stand in its place.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from coordinator.codec import spinel
from coordinator.codec.cursor import Cursor, DecodeError, EncodeError
from coordinator.types import Channel

_METADATA = struct.Struct("<bbH")
_PHY = struct.Struct("<BBQ")
_MAC = struct.Struct("<BI")
_TRANSMIT = struct.Struct("<BBB????IIBb")
DEFAULT_POWER = 0x7F
"""`power` of a transmission that leaves it to PHY_TX_POWER; INT8_MAX, "invalid power" to OpenThread."""


class Received(NamedTuple):
    """A frame as the RCP hands it over. `rssi` and `noise` in dBm, `timestamp` in its own microseconds;
    what older firmware leaves out is None.
    """

    psdu: bytes
    fcs: bytes = b"\x00\x00"
    rssi: int = 127
    noise: int = 127
    flags: int = 0
    channel: int | None = None
    lqi: int | None = None
    timestamp: int | None = None


class Transmission(NamedTuple):
    """A frame to be sent. The RCP does CSMA (at most `backoffs`) and repeats `retries` times."""

    psdu: bytes
    channel: Channel
    backoffs: int = 4
    retries: int = 3
    csma: bool = True
    header_updated: bool = True
    is_retransmission: bool = False
    security_processed: bool = True
    delay: int = 0
    delay_base: int = 0
    channel_after: int = 0
    power: int = DEFAULT_POWER


class Outcome(NamedTuple):
    """How a transmission ended: a status by number, the frame-pending bit of the ACK, the ACK itself."""

    status: int
    frame_pending: bool = False
    header_updated: bool = True
    ack: Received | None = None


def _frame(cursor: Cursor) -> tuple[bytes, bytes]:
    octets = cursor.take(cursor.u16("frame length"), "frame")
    if len(octets) < spinel.FCS_OCTETS:
        raise DecodeError(spinel.LAYER, cursor.offset, "a raw frame has no room for its FCS")
    return octets[: -spinel.FCS_OCTETS], octets[-spinel.FCS_OCTETS :]


def decode_received(octets: bytes) -> Received:
    """Read a received frame, with as much of its metadata as there is. Raises DecodeError."""
    return _received(Cursor(spinel.LAYER, octets))


def _received(cursor: Cursor) -> Received:
    psdu, fcs = _frame(cursor)
    if not cursor.remaining:
        return Received(psdu, fcs)
    rssi, noise, flags = _METADATA.unpack(cursor.take(_METADATA.size, "receive metadata"))
    channel: int | None = None
    lqi: int | None = None
    timestamp: int | None = None
    if cursor.remaining:
        phy = cursor.take(cursor.u16("PHY metadata length"), "PHY metadata")
        channel = phy[0] if phy else None
        lqi = phy[1] if len(phy) > 1 else None
        timestamp = int.from_bytes(phy[2:10], "little") if len(phy) >= _PHY.size else None
    return Received(psdu, fcs, rssi, noise, flags, channel, lqi, timestamp)


def encode_received(received: Received) -> bytes:
    """The octets of a received frame with all its metadata: PHY, vendor (error 0) and MAC (no key)."""
    octets = received.psdu + received.fcs
    try:
        return (
            len(octets).to_bytes(2, "little")
            + octets
            + _METADATA.pack(received.rssi, received.noise, received.flags)
            + _PHY.size.to_bytes(2, "little")
            + _PHY.pack(received.channel or 0, received.lqi or 0, received.timestamp or 0)
            + b"\x01\x00\x00"
            + _MAC.size.to_bytes(2, "little")
            + _MAC.pack(0, 0)
        )
    except (struct.error, OverflowError) as error:
        raise EncodeError(f"received frame: {error}") from None


def encode_transmission(transmission: Transmission) -> bytes:
    """The octets of a frame to be sent, every field given. Raises EncodeError."""
    psdu, *fields = transmission
    octets = psdu + bytes(spinel.FCS_OCTETS)
    try:
        return len(octets).to_bytes(2, "little") + octets + _TRANSMIT.pack(*fields)
    except (struct.error, OverflowError) as error:
        raise EncodeError(f"transmission: {error}") from None


def decode_transmission(octets: bytes, default: Transmission) -> Transmission:
    """Read a frame to be sent. Fields may be left out from the end only; `default` has what they are then.

    Raises DecodeError, also for what follows the last field.
    """
    cursor = Cursor(spinel.LAYER, octets)
    psdu, _ = _frame(cursor)
    given: list[int] = []
    for width in (1, 1, 1, 1, 1, 1, 1, 4, 4, 1, 1):
        if not cursor.remaining:
            break
        field = cursor.take(width, "transmit parameters")
        signed = len(given) == 10
        given.append(int.from_bytes(field, "little", signed=signed))
    if cursor.remaining:
        raise DecodeError(spinel.LAYER, cursor.offset, "octets after the transmit parameters")
    values = [*given, *default[1 + len(given) :]]
    values[3:7] = [bool(value) for value in values[3:7]]
    return Transmission(psdu, *values)  # type: ignore[arg-type]  # the fields in their order


def decode_outcome(octets: bytes) -> Outcome:
    """Read the LAST_STATUS that ends a transmission. Raises DecodeError."""
    cursor = Cursor(spinel.LAYER, octets)
    status = spinel.unpack(cursor, "status")
    if not cursor.remaining:
        return Outcome(status)
    pending = cursor.u8("frame pending") != 0
    updated = cursor.u8("header updated") != 0 if cursor.remaining else True
    ack = _received(cursor) if cursor.remaining else None
    return Outcome(status, pending, updated, ack)


def encode_outcome(outcome: Outcome) -> bytes:
    """The LAST_STATUS value that ends a transmission."""
    ack = b"" if outcome.ack is None else encode_received(outcome.ack)
    return spinel.pack(outcome.status) + bytes((outcome.frame_pending, outcome.header_updated)) + ack
