"""APS command payloads (05-3474, 4.4.10).

`trailing` is whatever follows the known fields, such as the TLVs of R23.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.types import Eui64, Key, NwkAddress

_LAYER = "aps command"


class CommandId(enum.IntEnum):
    """The APS command identifier. SKKE (1 to 4) and entity authentication (0x0A to 0x0D) are obsolete."""

    TRANSPORT_KEY = 0x05
    UPDATE_DEVICE = 0x06
    REMOVE_DEVICE = 0x07
    REQUEST_KEY = 0x08
    SWITCH_KEY = 0x09
    TUNNEL = 0x0E
    VERIFY_KEY = 0x0F
    CONFIRM_KEY = 0x10
    RELAY_MESSAGE_DOWNSTREAM = 0x11
    RELAY_MESSAGE_UPSTREAM = 0x12


class KeyType(enum.IntEnum):
    """The key type of Transport-Key, Request-Key, Verify-Key and Confirm-Key.

    0, 2 (in a Transport-Key) and 5 are obsolete; a Request-Key for an application link key says 2.
    """

    TRUST_CENTER_MASTER = 0x00
    NETWORK = 0x01
    APPLICATION_MASTER = 0x02
    APPLICATION_LINK = 0x03
    TRUST_CENTER_LINK = 0x04
    NETWORK_HIGH_SECURITY = 0x05


class UpdateDeviceStatus(enum.IntEnum):
    """The status of Update-Device; 4, 5 and 7 belong to the obsolete high-security mode."""

    STANDARD_SECURED_REJOIN = 0x00
    STANDARD_UNSECURED_JOIN = 0x01
    DEVICE_LEFT = 0x02
    STANDARD_TRUST_CENTER_REJOIN = 0x03


class ConfirmKeyStatus(enum.IntEnum):
    """The statuses of Confirm-Key."""

    SUCCESS = 0x00
    ILLEGAL_REQUEST = 0xA3
    NOT_SUPPORTED = 0xAA
    SECURITY_FAIL = 0xAD


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportNetworkKey:
    """Transport-Key of a standard network key (key type 1); `destination` is 0 in a broadcast."""

    key: Key
    sequence: int
    destination: Eui64
    source: Eui64
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportTrustCenterLinkKey:
    """Transport-Key of a Trust Center link key (key type 4, or the obsolete master key 0)."""

    key: Key
    destination: Eui64
    source: Eui64
    key_type: int = KeyType.TRUST_CENTER_LINK
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportApplicationLinkKey:
    """Transport-Key of an application link key (key type 3, or the obsolete master key 2)."""

    key: Key
    partner: Eui64
    initiator: int
    key_type: int = KeyType.APPLICATION_LINK
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportUnknownKey:
    """Transport-Key of any other type, with everything after the key type."""

    key_type: int
    octets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDevice:
    """A router tells the Trust Center of a device; `status` mostly an `UpdateDeviceStatus`."""

    device: Eui64
    address: NwkAddress
    status: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDevice:
    """The Trust Center tells a parent to remove a child, or a router to leave."""

    target: Eui64
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """A device asks for a key; `partner` is there for an application link key (key type 2) only."""

    key_type: int
    partner: Eui64 | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchKey:
    """Use the network key with this sequence number from now on."""

    sequence: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """A complete APS frame that the receiving router hands to its child `destination`."""

    destination: Eui64
    frame: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyKey:
    """A device proves that it holds its new link key; `hash` has 16 octets."""

    key_type: int
    source: Eui64
    hash: bytes
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmKey:
    """The answer to Verify-Key; `status` mostly a `ConfirmKeyStatus`."""

    status: int
    key_type: int
    destination: Eui64
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCommand:
    """An obsolete, later or unassigned command, with everything after its identifier."""

    identifier: int
    octets: bytes


TransportKey = (
    TransportNetworkKey | TransportTrustCenterLinkKey | TransportApplicationLinkKey | TransportUnknownKey
)
Command = (
    TransportKey
    | UpdateDevice
    | RemoveDevice
    | RequestKey
    | SwitchKey
    | Tunnel
    | VerifyKey
    | ConfirmKey
    | UnknownCommand
)

_TRUST_CENTER_KEY_TYPES = (KeyType.TRUST_CENTER_LINK, KeyType.TRUST_CENTER_MASTER)
_APPLICATION_KEY_TYPES = (KeyType.APPLICATION_LINK, KeyType.APPLICATION_MASTER)


def decode(payload: bytes) -> Command:
    """Read the payload of an APS command frame, its identifier first. Raises DecodeError when it is cut."""
    cursor = Cursor(_LAYER, payload)
    identifier = cursor.u8("command identifier")
    match identifier:
        case CommandId.TRANSPORT_KEY:
            return _decode_transport_key(cursor)
        case CommandId.UPDATE_DEVICE:
            return UpdateDevice(
                device=cursor.eui64("device address"),
                address=NwkAddress(cursor.u16("device short address")),
                status=cursor.u8("status"),
                trailing=cursor.rest(),
            )
        case CommandId.REMOVE_DEVICE:
            return RemoveDevice(target=cursor.eui64("target address"), trailing=cursor.rest())
        case CommandId.REQUEST_KEY:
            key_type = cursor.u8("key type")
            partner = cursor.eui64("partner address") if key_type == KeyType.APPLICATION_MASTER else None
            return RequestKey(key_type=key_type, partner=partner, trailing=cursor.rest())
        case CommandId.SWITCH_KEY:
            return SwitchKey(sequence=cursor.u8("sequence number"), trailing=cursor.rest())
        case CommandId.TUNNEL:
            return Tunnel(destination=cursor.eui64("destination address"), frame=cursor.rest())
        case CommandId.VERIFY_KEY:
            return VerifyKey(
                key_type=cursor.u8("key type"),
                source=cursor.eui64("source address"),
                hash=cursor.take(16, "verification hash"),
                trailing=cursor.rest(),
            )
        case CommandId.CONFIRM_KEY:
            return ConfirmKey(
                status=cursor.u8("status"),
                key_type=cursor.u8("key type"),
                destination=cursor.eui64("destination address"),
                trailing=cursor.rest(),
            )
        case _:
            return UnknownCommand(identifier=identifier, octets=cursor.rest())


def _decode_transport_key(cursor: Cursor) -> TransportKey:
    key_type = cursor.u8("key type")
    if key_type == KeyType.NETWORK:
        return TransportNetworkKey(
            key=cursor.key(),
            sequence=cursor.u8("key sequence number"),
            destination=cursor.eui64("destination address"),
            source=cursor.eui64("source address"),
            trailing=cursor.rest(),
        )
    if key_type in _TRUST_CENTER_KEY_TYPES:
        return TransportTrustCenterLinkKey(
            key_type=key_type,
            key=cursor.key(),
            destination=cursor.eui64("destination address"),
            source=cursor.eui64("source address"),
            trailing=cursor.rest(),
        )
    if key_type in _APPLICATION_KEY_TYPES:
        return TransportApplicationLinkKey(
            key_type=key_type,
            key=cursor.key(),
            partner=cursor.eui64("partner address"),
            initiator=cursor.u8("initiator flag"),
            trailing=cursor.rest(),
        )
    return TransportUnknownKey(key_type=key_type, octets=cursor.rest())


def encode(command: Command) -> bytes:
    """The payload of an APS command frame, its identifier first. Raises EncodeError."""
    try:
        return _encode(command)
    except struct.error as error:
        raise EncodeError(f"{_LAYER}: {type(command).__name__}: {error}") from None


def _encode(command: Command) -> bytes:
    match command:
        case TransportNetworkKey():
            key, sequence = command.key.octets, command.sequence
            tail = struct.pack("<BQQ", sequence, command.destination, command.source)
            octets = b"\x05\x01" + key + tail
        case TransportTrustCenterLinkKey():
            if command.key_type not in _TRUST_CENTER_KEY_TYPES:
                raise EncodeError(f"{_LAYER}: {command.key_type} is not a type of Trust Center link key")
            tail = struct.pack("<QQ", command.destination, command.source)
            octets = struct.pack("BB", 0x05, command.key_type) + command.key.octets + tail
        case TransportApplicationLinkKey():
            if command.key_type not in _APPLICATION_KEY_TYPES:
                raise EncodeError(f"{_LAYER}: {command.key_type} is not a type of application link key")
            tail = struct.pack("<QB", command.partner, command.initiator)
            octets = struct.pack("BB", 0x05, command.key_type) + command.key.octets + tail
        case TransportUnknownKey():
            return struct.pack("BB", 0x05, command.key_type) + command.octets
        case UpdateDevice():
            octets = struct.pack("<BQHB", 0x06, command.device, command.address, command.status)
        case RemoveDevice():
            octets = struct.pack("<BQ", 0x07, command.target)
        case RequestKey():
            octets = _encode_request_key(command)
        case SwitchKey():
            octets = struct.pack("BB", 0x09, command.sequence)
        case Tunnel():
            return struct.pack("<BQ", 0x0E, command.destination) + command.frame
        case VerifyKey():
            if len(command.hash) != 16:
                raise EncodeError(f"{_LAYER}: a verification hash has 16 octets, not {len(command.hash)}")
            octets = struct.pack("<BBQ", 0x0F, command.key_type, command.source) + command.hash
        case ConfirmKey():
            octets = struct.pack("<BBBQ", 0x10, command.status, command.key_type, command.destination)
        case UnknownCommand():
            return struct.pack("B", command.identifier) + command.octets
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_request_key(command: RequestKey) -> bytes:
    if (command.key_type == KeyType.APPLICATION_MASTER) != (command.partner is not None):
        raise EncodeError(f"{_LAYER}: a partner goes with key type 2, and only with it")
    octets = struct.pack("BB", CommandId.REQUEST_KEY, command.key_type)
    return octets if command.partner is None else octets + command.partner.to_octets()
