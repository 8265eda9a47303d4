"""MAC command payloads of IEEE 802.15.4-2006 (7.3). `trailing` is whatever follows the known fields."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.types import Channel, NwkAddress, PanId


class CommandId(enum.IntEnum):
    """The command frame identifier (table 82)."""

    ASSOCIATION_REQUEST = 0x01
    ASSOCIATION_RESPONSE = 0x02
    DISASSOCIATION_NOTIFICATION = 0x03
    DATA_REQUEST = 0x04
    PAN_ID_CONFLICT_NOTIFICATION = 0x05
    ORPHAN_NOTIFICATION = 0x06
    BEACON_REQUEST = 0x07
    COORDINATOR_REALIGNMENT = 0x08
    GTS_REQUEST = 0x09


class AssociationStatus(enum.IntEnum):
    """The association status (table 83); ADDRESS_CONFLICT is Zigbee R23's."""

    SUCCESS = 0x00
    PAN_AT_CAPACITY = 0x01
    PAN_ACCESS_DENIED = 0x02
    ADDRESS_CONFLICT = 0xF0


class Capability(enum.IntFlag):
    """The capability information field (7.3.1.2), which Zigbee repeats in its own commands."""

    ALTERNATE_PAN_COORDINATOR = 0x01
    FULL_FUNCTION_DEVICE = 0x02
    MAINS_POWERED = 0x04
    RX_ON_WHEN_IDLE = 0x08
    SECURITY = 0x40
    ALLOCATE_ADDRESS = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationRequest:
    """7.3.1."""

    capability: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationResponse:
    """7.3.2. `address` is 0xFFFF on failure; `status` mostly an `AssociationStatus`."""

    address: NwkAddress
    status: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisassociationNotification:
    """7.3.3. `reason` 1: the coordinator wants the device to leave; 2: the device leaves."""

    reason: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """7.3.4: a child polls its parent."""

    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanIdConflictNotification:
    """7.3.5."""

    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanNotification:
    """7.3.6."""

    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconRequest:
    """7.3.7."""

    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinatorRealignment:
    """7.3.8. `page` is None where the frame ends before the channel page."""

    pan_id: PanId
    coordinator: NwkAddress
    channel: Channel
    address: NwkAddress
    page: int | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class GtsRequest:
    """7.3.9. `characteristics`: length b0-3, direction b4, characteristics type b5."""

    characteristics: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCommand:
    """An identifier that IEEE 802.15.4-2006 does not assign, with everything after it."""

    identifier: int
    octets: bytes


Command = (
    AssociationRequest
    | AssociationResponse
    | DisassociationNotification
    | DataRequest
    | PanIdConflictNotification
    | OrphanNotification
    | BeaconRequest
    | CoordinatorRealignment
    | GtsRequest
    | UnknownCommand
)

_REALIGNMENT = struct.Struct("<BHHBH")


def decode(payload: bytes) -> Command:
    """Read the payload of a MAC command frame, its identifier first. Raises DecodeError when it is cut."""
    cursor = Cursor("mac command", payload)
    identifier = cursor.u8("command frame identifier")
    match identifier:
        case CommandId.ASSOCIATION_REQUEST:
            return AssociationRequest(capability=cursor.u8("capability information"), trailing=cursor.rest())
        case CommandId.ASSOCIATION_RESPONSE:
            address, status = cursor.u16("short address"), cursor.u8("association status")
            return AssociationResponse(address=NwkAddress(address), status=status, trailing=cursor.rest())
        case CommandId.DISASSOCIATION_NOTIFICATION:
            return DisassociationNotification(reason=cursor.u8("reason"), trailing=cursor.rest())
        case CommandId.DATA_REQUEST:
            return DataRequest(trailing=cursor.rest())
        case CommandId.PAN_ID_CONFLICT_NOTIFICATION:
            return PanIdConflictNotification(trailing=cursor.rest())
        case CommandId.ORPHAN_NOTIFICATION:
            return OrphanNotification(trailing=cursor.rest())
        case CommandId.BEACON_REQUEST:
            return BeaconRequest(trailing=cursor.rest())
        case CommandId.COORDINATOR_REALIGNMENT:
            return _decode_realignment(cursor)
        case CommandId.GTS_REQUEST:
            return GtsRequest(characteristics=cursor.u8("GTS characteristics"), trailing=cursor.rest())
        case _:
            return UnknownCommand(identifier=identifier, octets=cursor.rest())


def _decode_realignment(cursor: Cursor) -> CoordinatorRealignment:
    return CoordinatorRealignment(
        pan_id=PanId(cursor.u16("PAN identifier")),
        coordinator=NwkAddress(cursor.u16("coordinator short address")),
        channel=Channel(cursor.u8("logical channel")),
        address=NwkAddress(cursor.u16("short address")),
        page=cursor.u8() if cursor.remaining else None,
        trailing=cursor.rest(),
    )


def encode(command: Command) -> bytes:
    """The payload of a MAC command frame, its identifier first. Raises EncodeError."""
    try:
        return _encode(command)
    except struct.error as error:
        raise EncodeError(f"mac command: {type(command).__name__}: {error}") from None


def _encode(command: Command) -> bytes:
    match command:
        case AssociationRequest():
            octets = struct.pack("BB", CommandId.ASSOCIATION_REQUEST, command.capability)
        case AssociationResponse():
            identifier = CommandId.ASSOCIATION_RESPONSE
            octets = struct.pack("<BHB", identifier, command.address, command.status)
        case DisassociationNotification():
            octets = struct.pack("BB", CommandId.DISASSOCIATION_NOTIFICATION, command.reason)
        case DataRequest():
            octets = b"\x04"
        case PanIdConflictNotification():
            octets = b"\x05"
        case OrphanNotification():
            octets = b"\x06"
        case BeaconRequest():
            octets = b"\x07"
        case CoordinatorRealignment():
            octets = _encode_realignment(command)
        case GtsRequest():
            octets = struct.pack("BB", CommandId.GTS_REQUEST, command.characteristics)
        case UnknownCommand():
            return struct.pack("B", command.identifier) + command.octets
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_realignment(command: CoordinatorRealignment) -> bytes:
    octets = _REALIGNMENT.pack(
        CommandId.COORDINATOR_REALIGNMENT,
        command.pan_id,
        command.coordinator,
        command.channel,
        command.address,
    )
    if command.page is not None:
        return octets + struct.pack("B", command.page)
    if command.trailing:
        raise EncodeError("mac command: trailing octets follow the channel page, which is missing")
    return octets
