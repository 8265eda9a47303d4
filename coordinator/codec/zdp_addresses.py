"""ZDP addresses and announcements (05-3474, 2.4.3.1 and 2.4.4.2); `zdp` dispatches them.

Where a response fails, the fields behind its status may be missing on air: they are None then.
`trailing` is whatever follows the known fields, such as R23's TLVs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.codec.zdp_identifiers import ClusterId, Status
from coordinator.types import Eui64, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NwkAddressRequest:
    """NWK_addr_req. `request_type` 0 asks for one device, 1 for its children too."""

    ieee: Eui64
    request_type: int = 0
    start_index: int = 0
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class IeeeAddressRequest:
    """IEEE_addr_req."""

    address: NwkAddress
    request_type: int = 0
    start_index: int = 0
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class NwkAddressResponse:
    """NWK_addr_rsp. `associated` is None where the device count is missing, as in a single response.

    `start_index` is None where the frame ends after the count.
    """

    status: int
    ieee: Eui64 | None
    address: NwkAddress | None
    associated: tuple[NwkAddress, ...] | None = None
    start_index: int | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class IeeeAddressResponse:
    """IEEE_addr_rsp: the fields of a NWK_addr_rsp."""

    status: int
    ieee: Eui64 | None
    address: NwkAddress | None
    associated: tuple[NwkAddress, ...] | None = None
    start_index: int | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAnnounce:
    """Device_annce. `capability` as in an association request."""

    address: NwkAddress
    ieee: Eui64
    capability: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentAnnounce:
    """Parent_annce: a router names the end devices it holds for its children."""

    children: tuple[Eui64, ...]
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentAnnounceResponse:
    """Parent_annce_rsp: those of the children that the sender holds for its own; None if not on air."""

    status: int
    children: tuple[Eui64, ...] | None = ()
    trailing: bytes = b""


Command = (
    NwkAddressRequest
    | IeeeAddressRequest
    | NwkAddressResponse
    | IeeeAddressResponse
    | DeviceAnnounce
    | ParentAnnounce
    | ParentAnnounceResponse
)


def _decode_nwk_request(cursor: Cursor) -> NwkAddressRequest:
    return NwkAddressRequest(
        ieee=cursor.eui64("IEEE address"),
        request_type=cursor.u8("request type"),
        start_index=cursor.u8("start index"),
        trailing=cursor.rest(),
    )


def _decode_ieee_request(cursor: Cursor) -> IeeeAddressRequest:
    return IeeeAddressRequest(
        address=NwkAddress(cursor.u16("address of interest")),
        request_type=cursor.u8("request type"),
        start_index=cursor.u8("start index"),
        trailing=cursor.rest(),
    )


def _decode_nwk_response(cursor: Cursor) -> NwkAddressResponse:
    status = cursor.u8("status")
    if status != Status.SUCCESS and cursor.remaining < 10:
        return NwkAddressResponse(status=status, ieee=None, address=None, trailing=cursor.rest())
    ieee, address = cursor.eui64("IEEE address"), NwkAddress(cursor.u16("network address"))
    associated, start_index = _decode_associated(cursor)
    return NwkAddressResponse(
        status=status,
        ieee=ieee,
        address=address,
        associated=associated,
        start_index=start_index,
        trailing=cursor.rest(),
    )


def _decode_ieee_response(cursor: Cursor) -> IeeeAddressResponse:
    found = _decode_nwk_response(cursor)
    return IeeeAddressResponse(
        status=found.status,
        ieee=found.ieee,
        address=found.address,
        associated=found.associated,
        start_index=found.start_index,
        trailing=found.trailing,
    )


def _decode_associated(cursor: Cursor) -> tuple[tuple[NwkAddress, ...] | None, int | None]:
    if not cursor.remaining:
        return None, None
    count = cursor.u8("associated device count")
    if not count and not cursor.remaining:
        return (), None
    start_index = cursor.u8("start index")
    return tuple(NwkAddress(cursor.u16("associated devices")) for _ in range(count)), start_index


def _decode_device_announce(cursor: Cursor) -> DeviceAnnounce:
    return DeviceAnnounce(
        address=NwkAddress(cursor.u16("network address")),
        ieee=cursor.eui64("IEEE address"),
        capability=cursor.u8("capability"),
        trailing=cursor.rest(),
    )


def _decode_children(cursor: Cursor) -> tuple[Eui64, ...]:
    return tuple(cursor.eui64("children") for _ in range(cursor.u8("number of children")))


def _decode_parent_announce(cursor: Cursor) -> ParentAnnounce:
    return ParentAnnounce(children=_decode_children(cursor), trailing=cursor.rest())


def _decode_parent_announce_response(cursor: Cursor) -> ParentAnnounceResponse:
    status = cursor.u8("status")
    if status != Status.SUCCESS and not cursor.remaining:
        return ParentAnnounceResponse(status=status, children=None)
    children = _decode_children(cursor)
    return ParentAnnounceResponse(status=status, children=children, trailing=cursor.rest())


DECODERS: dict[int, Callable[[Cursor], Command]] = {
    ClusterId.NWK_ADDRESS_REQUEST: _decode_nwk_request,
    ClusterId.NWK_ADDRESS_RESPONSE: _decode_nwk_response,
    ClusterId.IEEE_ADDRESS_REQUEST: _decode_ieee_request,
    ClusterId.IEEE_ADDRESS_RESPONSE: _decode_ieee_response,
    ClusterId.DEVICE_ANNOUNCE: _decode_device_announce,
    ClusterId.PARENT_ANNOUNCE: _decode_parent_announce,
    ClusterId.PARENT_ANNOUNCE_RESPONSE: _decode_parent_announce_response,
}

CLUSTERS: dict[type[object], ClusterId] = {
    NwkAddressRequest: ClusterId.NWK_ADDRESS_REQUEST,
    NwkAddressResponse: ClusterId.NWK_ADDRESS_RESPONSE,
    IeeeAddressRequest: ClusterId.IEEE_ADDRESS_REQUEST,
    IeeeAddressResponse: ClusterId.IEEE_ADDRESS_RESPONSE,
    DeviceAnnounce: ClusterId.DEVICE_ANNOUNCE,
    ParentAnnounce: ClusterId.PARENT_ANNOUNCE,
    ParentAnnounceResponse: ClusterId.PARENT_ANNOUNCE_RESPONSE,
}


def encode(command: Command) -> bytes:
    """What follows the sequence number. Raises EncodeError, or struct.error that `zdp` turns into one."""
    match command:
        case NwkAddressRequest():
            octets = struct.pack("<QBB", command.ieee, command.request_type, command.start_index)
        case IeeeAddressRequest():
            octets = struct.pack("<HBB", command.address, command.request_type, command.start_index)
        case NwkAddressResponse() | IeeeAddressResponse():
            octets = _encode_address_response(command)
        case DeviceAnnounce():
            octets = struct.pack("<HQB", command.address, command.ieee, command.capability)
        case ParentAnnounce():
            octets = _encode_children(command.children)
        case ParentAnnounceResponse():
            if command.children is None and command.status == Status.SUCCESS:
                raise EncodeError("zdp: a successful Parent_annce_rsp has a number of children")
            octets = struct.pack("B", command.status)
            octets += b"" if command.children is None else _encode_children(command.children)
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_children(children: tuple[Eui64, ...]) -> bytes:
    return struct.pack(f"<B{len(children)}Q", len(children), *children)


def _encode_address_response(command: NwkAddressResponse | IeeeAddressResponse) -> bytes:
    octets = struct.pack("B", command.status)
    if command.ieee is None or command.address is None:
        if command.status == Status.SUCCESS or (command.ieee, command.address) != (None, None):
            raise EncodeError("zdp: only a failing address response may lack both its addresses")
        return octets
    octets += struct.pack("<QH", command.ieee, command.address)
    if command.associated is None:
        return octets
    count = len(command.associated)
    if command.start_index is None:
        if count:
            raise EncodeError("zdp: associated devices follow a start index, which is missing")
        return octets + b"\x00"
    return octets + struct.pack(f"<BB{count}H", count, command.start_index, *command.associated)
