"""NWK command payloads (05-3474, 3.4). `trailing` is whatever follows the known fields, such as R23's TLVs.

`options` fields are kept as on air; properties name their bits.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec import nwk_routing
from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.codec.nwk_routing import (
    LINK_STATUS_FIRST,
    LINK_STATUS_LAST,
    ROUTE_REPLY_ORIGINATOR_IEEE,
    ROUTE_REPLY_RESPONDER_IEEE,
    ROUTE_REQUEST_DESTINATION_IEEE,
    LinkPowerDelta,
    LinkStatus,
    LinkStatusEntry,
    PowerDelta,
    RouteRecord,
    RouteReply,
    RouteRequest,
)
from coordinator.types import ExtendedPanId, NwkAddress, PanId

__all__ = [
    "LEAVE_REJOIN",
    "LEAVE_REMOVE_CHILDREN",
    "LEAVE_REQUEST",
    "LINK_STATUS_FIRST",
    "LINK_STATUS_LAST",
    "ROUTE_REPLY_ORIGINATOR_IEEE",
    "ROUTE_REPLY_RESPONDER_IEEE",
    "ROUTE_REQUEST_DESTINATION_IEEE",
    "Command",
    "CommandId",
    "EndDeviceTimeoutRequest",
    "EndDeviceTimeoutResponse",
    "Leave",
    "LinkPowerDelta",
    "LinkStatus",
    "LinkStatusEntry",
    "NetworkReport",
    "NetworkStatus",
    "NetworkUpdate",
    "PowerDelta",
    "RejoinRequest",
    "RejoinResponse",
    "RouteRecord",
    "RouteReply",
    "RouteRequest",
    "UnknownCommand",
    "decode",
    "encode",
    "leave_options",
]

_LAYER = "nwk command"


class CommandId(enum.IntEnum):
    """The command frame identifier. R23's commissioning commands (0x0E, 0x0F) stay `UnknownCommand`."""

    ROUTE_REQUEST = 0x01
    ROUTE_REPLY = 0x02
    NETWORK_STATUS = 0x03
    LEAVE = 0x04
    ROUTE_RECORD = 0x05
    REJOIN_REQUEST = 0x06
    REJOIN_RESPONSE = 0x07
    LINK_STATUS = 0x08
    NETWORK_REPORT = 0x09
    NETWORK_UPDATE = 0x0A
    END_DEVICE_TIMEOUT_REQUEST = 0x0B
    END_DEVICE_TIMEOUT_RESPONSE = 0x0C
    LINK_POWER_DELTA = 0x0D


LEAVE_REJOIN = 0x20
LEAVE_REQUEST = 0x40
LEAVE_REMOVE_CHILDREN = 0x80
_COUNT = 0x1F


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkStatus:
    """`status` is a network status code, `target` the address it concerns."""

    status: int
    target: NwkAddress
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """A device leaves, or is asked to; build `options` with `leave_options`."""

    options: int
    trailing: bytes = b""

    @property
    def rejoin(self) -> bool:
        return self.options & LEAVE_REJOIN != 0

    @property
    def request(self) -> bool:
        """True where the receiver shall leave, False where the sender does."""
        return self.options & LEAVE_REQUEST != 0

    @property
    def remove_children(self) -> bool:
        return self.options & LEAVE_REMOVE_CHILDREN != 0


def leave_options(*, rejoin: bool = False, request: bool = False, remove_children: bool = False) -> int:
    """The options of a Leave."""
    return rejoin << 5 | request << 6 | remove_children << 7


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinRequest:
    """`capability` as in an association request."""

    capability: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinResponse:
    """`status` as in an association response."""

    address: NwkAddress
    status: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkReport:
    """`options`: b0-4 count, b5-7 kind. Kind 0, a PAN identifier conflict, lists `pan_ids`."""

    options: int
    extended_pan_id: ExtendedPanId
    pan_ids: tuple[PanId, ...] = ()
    trailing: bytes = b""

    @property
    def kind(self) -> int:
        return self.options >> 5 & 7


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUpdate:
    """`options`: b0-4 count, b5-7 kind. Kind 0, a new PAN identifier, has it in `pan_ids`."""

    options: int
    extended_pan_id: ExtendedPanId
    update_id: int
    pan_ids: tuple[PanId, ...] = ()
    trailing: bytes = b""

    @property
    def kind(self) -> int:
        return self.options >> 5 & 7

    @property
    def new_pan_id(self) -> PanId | None:
        return self.pan_ids[0] if self.pan_ids else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDeviceTimeoutRequest:
    """`timeout`: 0 is 10 s, n is 2**n minutes up to 14; `configuration` is 0."""

    timeout: int
    configuration: int = 0
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDeviceTimeoutResponse:
    """`parent_information`: keepalive by b0 MAC data poll, b1 timeout request; b2 power negotiation."""

    status: int
    parent_information: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownCommand:
    """A command this codec does not read, with everything after its identifier."""

    identifier: int
    octets: bytes


Command = (
    RouteRequest
    | RouteReply
    | NetworkStatus
    | Leave
    | RouteRecord
    | RejoinRequest
    | RejoinResponse
    | LinkStatus
    | NetworkReport
    | NetworkUpdate
    | EndDeviceTimeoutRequest
    | EndDeviceTimeoutResponse
    | LinkPowerDelta
    | UnknownCommand
)


def decode(payload: bytes) -> Command:
    """Read the payload of a NWK command frame, its identifier first. Raises DecodeError when it is cut."""
    cursor = Cursor(_LAYER, payload)
    identifier = cursor.u8("command frame identifier")
    match identifier:
        case CommandId.ROUTE_REQUEST:
            return nwk_routing.decode_route_request(cursor)
        case CommandId.ROUTE_REPLY:
            return nwk_routing.decode_route_reply(cursor)
        case CommandId.NETWORK_STATUS:
            status, target = cursor.u8("status code"), NwkAddress(cursor.u16("target address"))
            return NetworkStatus(status=status, target=target, trailing=cursor.rest())
        case CommandId.LEAVE:
            return Leave(options=cursor.u8("options"), trailing=cursor.rest())
        case CommandId.ROUTE_RECORD:
            return nwk_routing.decode_route_record(cursor)
        case CommandId.REJOIN_REQUEST:
            return RejoinRequest(capability=cursor.u8("capability information"), trailing=cursor.rest())
        case CommandId.REJOIN_RESPONSE:
            address, status = NwkAddress(cursor.u16("network address")), cursor.u8("rejoin status")
            return RejoinResponse(address=address, status=status, trailing=cursor.rest())
        case CommandId.LINK_STATUS:
            return nwk_routing.decode_link_status(cursor)
        case CommandId.NETWORK_REPORT:
            return _decode_network_report(cursor)
        case CommandId.NETWORK_UPDATE:
            return _decode_network_update(cursor)
        case CommandId.END_DEVICE_TIMEOUT_REQUEST:
            timeout, configuration = cursor.u8("requested timeout"), cursor.u8("configuration")
            return EndDeviceTimeoutRequest(
                timeout=timeout, configuration=configuration, trailing=cursor.rest()
            )
        case CommandId.END_DEVICE_TIMEOUT_RESPONSE:
            status, information = cursor.u8("status"), cursor.u8("parent information")
            return EndDeviceTimeoutResponse(
                status=status, parent_information=information, trailing=cursor.rest()
            )
        case CommandId.LINK_POWER_DELTA:
            return nwk_routing.decode_link_power_delta(cursor)
        case _:
            return UnknownCommand(identifier=identifier, octets=cursor.rest())


def _decode_pan_ids(cursor: Cursor, options: int) -> tuple[PanId, ...]:
    count = options & _COUNT if options >> 5 == 0 else 0
    return tuple(PanId(cursor.u16("PAN identifiers")) for _ in range(count))


def _decode_network_report(cursor: Cursor) -> NetworkReport:
    options = cursor.u8("options")
    return NetworkReport(
        options=options,
        extended_pan_id=ExtendedPanId(cursor.eui64("extended PAN identifier")),
        pan_ids=_decode_pan_ids(cursor, options),
        trailing=cursor.rest(),
    )


def _decode_network_update(cursor: Cursor) -> NetworkUpdate:
    options = cursor.u8("options")
    return NetworkUpdate(
        options=options,
        extended_pan_id=ExtendedPanId(cursor.eui64("extended PAN identifier")),
        update_id=cursor.u8("update identifier"),
        pan_ids=_decode_pan_ids(cursor, options),
        trailing=cursor.rest(),
    )


def encode(command: Command) -> bytes:
    """The payload of a NWK command frame, its identifier first. Raises EncodeError."""
    try:
        return _encode(command)
    except struct.error as error:
        raise EncodeError(f"{_LAYER}: {type(command).__name__}: {error}") from None


def _encode(command: Command) -> bytes:
    match command:
        case RouteRequest():
            octets = nwk_routing.encode_route_request(command)
        case RouteReply():
            octets = nwk_routing.encode_route_reply(command)
        case NetworkStatus():
            octets = struct.pack("<BBH", 0x03, command.status, command.target)
        case Leave():
            octets = struct.pack("BB", 0x04, command.options)
        case RouteRecord():
            octets = nwk_routing.encode_route_record(command)
        case RejoinRequest():
            octets = struct.pack("BB", 0x06, command.capability)
        case RejoinResponse():
            octets = struct.pack("<BHB", 0x07, command.address, command.status)
        case LinkStatus():
            octets = nwk_routing.encode_link_status(command)
        case NetworkReport():
            octets = struct.pack("<BBQ", 0x09, command.options, command.extended_pan_id)
            octets += _encode_pan_ids(command)
        case NetworkUpdate():
            head = struct.pack("<BBQ", 0x0A, command.options, command.extended_pan_id)
            octets = head + struct.pack("B", command.update_id) + _encode_pan_ids(command)
        case EndDeviceTimeoutRequest():
            octets = struct.pack("BBB", 0x0B, command.timeout, command.configuration)
        case EndDeviceTimeoutResponse():
            octets = struct.pack("BBB", 0x0C, command.status, command.parent_information)
        case LinkPowerDelta():
            octets = nwk_routing.encode_link_power_delta(command)
        case UnknownCommand():
            return struct.pack("B", command.identifier) + command.octets
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_pan_ids(command: NetworkReport | NetworkUpdate) -> bytes:
    count = command.options & _COUNT if command.kind == 0 else 0
    if len(command.pan_ids) != count:
        raise EncodeError(
            f"{_LAYER}: the options say {count} PAN identifiers, there are {len(command.pan_ids)}"
        )
    return struct.pack(f"<{count}H", *command.pan_ids)
