"""The MAC beacon payload (IEEE 802.15.4-2006, 7.2.2.1) and the Zigbee one in it (05-3474, 3.6.7)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.types import Eui64, ExtendedPanId, NwkAddress

PAN_COORDINATOR = 0x4000
ASSOCIATION_PERMIT = 0x8000

NO_TX_OFFSET = 0xFFFFFF
"""The TX offset of a network without periodic beacons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beacon:
    """A beacon as the MAC reads it.

    `superframe` is the superframe specification; `gts` all octets of the GTS fields from the GTS
    specification on; `pending_reserved` bits 3 and 7 of the pending address specification.
    """

    superframe: int
    gts: bytes = b"\x00"
    pending_short: tuple[NwkAddress, ...] = ()
    pending_extended: tuple[Eui64, ...] = ()
    pending_reserved: int = 0
    payload: bytes = b""

    @property
    def association_permit(self) -> bool:
        return self.superframe & ASSOCIATION_PERMIT != 0

    @property
    def pan_coordinator(self) -> bool:
        return self.superframe & PAN_COORDINATOR != 0


def superframe(*, association_permit: bool, pan_coordinator: bool) -> int:
    """The superframe specification of a network without periodic beacons (orders and final CAP slot 15)."""
    return 0x0FFF | pan_coordinator << 14 | association_permit << 15


def _gts_size(specification: int) -> int:
    """Octets of the GTS fields: with descriptors come the directions octet and three octets each."""
    count = specification & 7
    return 1 if count == 0 else 2 + 3 * count


def decode(payload: bytes) -> Beacon:
    """Read the payload of a MAC beacon frame. Raises DecodeError when it is cut."""
    cursor = Cursor("beacon", payload)
    specification = cursor.u16("superframe specification")
    gts = cursor.take(1, "GTS specification")
    gts += cursor.take(_gts_size(gts[0]) - 1, "GTS fields")
    pending = cursor.u8("pending address specification")
    short = tuple(NwkAddress(cursor.u16("pending addresses")) for _ in range(pending & 7))
    extended = tuple(cursor.eui64("pending addresses") for _ in range(pending >> 4 & 7))
    return Beacon(
        superframe=specification,
        gts=gts,
        pending_short=short,
        pending_extended=extended,
        pending_reserved=pending & 0x88,
        payload=cursor.rest(),
    )


def encode(beacon: Beacon) -> bytes:
    """The payload of a MAC beacon frame. Raises EncodeError."""
    short, extended = beacon.pending_short, beacon.pending_extended
    if len(short) > 7 or len(extended) > 7 or beacon.pending_reserved & ~0x88:
        raise EncodeError("beacon: the pending address specification cannot say this")
    if not beacon.gts or len(beacon.gts) != _gts_size(beacon.gts[0]):
        raise EncodeError("beacon: the GTS fields are not as long as the GTS specification says")
    pending = len(short) | len(extended) << 4 | beacon.pending_reserved
    try:
        head = struct.pack("<H", beacon.superframe)
        addresses = struct.pack(f"<B{len(short)}H{len(extended)}Q", pending, *short, *extended)
    except struct.error as error:
        raise EncodeError(f"beacon: {error}") from None
    return head + beacon.gts + addresses + beacon.payload


@dataclass(frozen=True, slots=True, kw_only=True)
class ZigbeePayload:
    """What a Zigbee beacon says of its network. R23 may append TLVs: `trailing`.

    `stack_profile` 1 is Zigbee 2007, 2 is Zigbee PRO; `reserved` are bits 8 and 9; `tx_offset` has 24 bits.
    """

    extended_pan_id: ExtendedPanId
    stack_profile: int = 2
    protocol_version: int = 2
    reserved: int = 0
    router_capacity: bool = True
    depth: int = 0
    end_device_capacity: bool = True
    tx_offset: int = NO_TX_OFFSET
    update_id: int = 0
    protocol_id: int = 0
    trailing: bytes = b""


_ZIGBEE = struct.Struct("<BHQHBB")


def decode_zigbee(payload: bytes) -> ZigbeePayload:
    """Read the Zigbee beacon payload. Raises DecodeError when it is shorter than 15 octets."""
    cursor = Cursor("zigbee beacon", payload)
    fields = _ZIGBEE.unpack(cursor.take(_ZIGBEE.size, "Zigbee beacon payload"))
    protocol_id, network, extended_pan_id, tx_offset_low, tx_offset_high, update_id = fields
    return ZigbeePayload(
        protocol_id=protocol_id,
        stack_profile=network & 0x0F,
        protocol_version=network >> 4 & 0x0F,
        reserved=network >> 8 & 3,
        router_capacity=network & 0x0400 != 0,
        depth=network >> 11 & 0x0F,
        end_device_capacity=network & 0x8000 != 0,
        extended_pan_id=ExtendedPanId(Eui64(extended_pan_id)),
        tx_offset=tx_offset_low | tx_offset_high << 16,
        update_id=update_id,
        trailing=cursor.rest(),
    )


def encode_zigbee(payload: ZigbeePayload) -> bytes:
    """The octets of the Zigbee beacon payload. Raises EncodeError."""
    nibbles = payload.stack_profile | payload.protocol_version | payload.depth
    if not 0 <= nibbles <= 0x0F or not 0 <= payload.reserved <= 3:
        raise EncodeError("zigbee beacon: stack profile, protocol version and depth have four bits")
    network = (
        payload.stack_profile
        | payload.protocol_version << 4
        | payload.reserved << 8
        | payload.router_capacity << 10
        | payload.depth << 11
        | payload.end_device_capacity << 15
    )
    offset = payload.tx_offset
    try:
        octets = _ZIGBEE.pack(
            payload.protocol_id,
            network,
            payload.extended_pan_id,
            offset & 0xFFFF,
            offset >> 16,
            payload.update_id,
        )
    except struct.error as error:
        raise EncodeError(f"zigbee beacon: {error}") from None
    return octets + payload.trailing
