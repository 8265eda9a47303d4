"""ZDP descriptors and endpoints (05-3474, 2.4.3.1 and 2.4.4.2); `zdp` dispatches them.

Where a response fails, the fields behind its status may be missing on air: they are None then.
`trailing` is whatever follows the known fields, such as R23's TLVs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec import zdp_descriptors
from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.codec.zdp_descriptors import NodeDescriptor, SimpleDescriptor
from coordinator.codec.zdp_identifiers import ClusterId, Status
from coordinator.types import NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescriptorRequest:
    """Node_Desc_req. R23 devices may append a fragmentation TLV."""

    address: NwkAddress
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescriptorResponse:
    """Node_Desc_rsp; the descriptor is there if, and only if, the status is SUCCESS."""

    status: int
    address: NwkAddress | None
    descriptor: NodeDescriptor | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDescriptorRequest:
    """Power_Desc_req."""

    address: NwkAddress
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDescriptorResponse:
    """Power_Desc_rsp. `descriptor`: four nibbles, mode, available sources, source, level."""

    status: int
    address: NwkAddress | None
    descriptor: int | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleDescriptorRequest:
    """Simple_Desc_req."""

    address: NwkAddress
    endpoint: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleDescriptorResponse:
    """Simple_Desc_rsp; the descriptor is there if, and only if, the status is SUCCESS.

    `zero_length`: a failing response has the length octet, which is zero.
    """

    status: int
    address: NwkAddress | None
    descriptor: SimpleDescriptor | None = None
    zero_length: bool = False
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveEndpointsRequest:
    """Active_EP_req."""

    address: NwkAddress
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveEndpointsResponse:
    """Active_EP_rsp."""

    status: int
    address: NwkAddress | None
    endpoints: tuple[int, ...] | None = ()
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchDescriptorRequest:
    """Match_Desc_req."""

    address: NwkAddress
    profile: int
    input_clusters: tuple[int, ...] = ()
    output_clusters: tuple[int, ...] = ()
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchDescriptorResponse:
    """Match_Desc_rsp."""

    status: int
    address: NwkAddress | None
    endpoints: tuple[int, ...] | None = ()
    trailing: bytes = b""


Command = (
    NodeDescriptorRequest
    | NodeDescriptorResponse
    | PowerDescriptorRequest
    | PowerDescriptorResponse
    | SimpleDescriptorRequest
    | SimpleDescriptorResponse
    | ActiveEndpointsRequest
    | ActiveEndpointsResponse
    | MatchDescriptorRequest
    | MatchDescriptorResponse
)


def _decode_node_request(cursor: Cursor) -> NodeDescriptorRequest:
    return NodeDescriptorRequest(address=_address(cursor), trailing=cursor.rest())


def _decode_power_request(cursor: Cursor) -> PowerDescriptorRequest:
    return PowerDescriptorRequest(address=_address(cursor), trailing=cursor.rest())


def _decode_simple_request(cursor: Cursor) -> SimpleDescriptorRequest:
    address, endpoint = _address(cursor), cursor.u8("endpoint")
    return SimpleDescriptorRequest(address=address, endpoint=endpoint, trailing=cursor.rest())


def _decode_endpoints_request(cursor: Cursor) -> ActiveEndpointsRequest:
    return ActiveEndpointsRequest(address=_address(cursor), trailing=cursor.rest())


def _decode_match_request(cursor: Cursor) -> MatchDescriptorRequest:
    return MatchDescriptorRequest(
        address=_address(cursor),
        profile=cursor.u16("profile identifier"),
        input_clusters=zdp_descriptors.decode_clusters(cursor),
        output_clusters=zdp_descriptors.decode_clusters(cursor),
        trailing=cursor.rest(),
    )


def _address(cursor: Cursor) -> NwkAddress:
    return NwkAddress(cursor.u16("address of interest"))


def _status_and_address(cursor: Cursor) -> tuple[int, NwkAddress | None]:
    status = cursor.u8("status")
    if status != Status.SUCCESS and cursor.remaining < 2:
        return status, None
    return status, _address(cursor)


def _decode_node_response(cursor: Cursor) -> NodeDescriptorResponse:
    status, address = _status_and_address(cursor)
    descriptor = zdp_descriptors.decode_node(cursor) if status == Status.SUCCESS else None
    return NodeDescriptorResponse(
        status=status, address=address, descriptor=descriptor, trailing=cursor.rest()
    )


def _decode_power_response(cursor: Cursor) -> PowerDescriptorResponse:
    status, address = _status_and_address(cursor)
    descriptor = cursor.u16("power descriptor") if status == Status.SUCCESS else None
    return PowerDescriptorResponse(
        status=status, address=address, descriptor=descriptor, trailing=cursor.rest()
    )


def _decode_simple_response(cursor: Cursor) -> SimpleDescriptorResponse:
    status, address = _status_and_address(cursor)
    if status == Status.SUCCESS:
        descriptor = zdp_descriptors.decode_simple(cursor)
        return SimpleDescriptorResponse(
            status=status, address=address, descriptor=descriptor, trailing=cursor.rest()
        )
    rest = cursor.rest()
    zero_length = address is not None and rest[:1] == b"\x00"
    trailing = rest[1:] if zero_length else rest
    return SimpleDescriptorResponse(
        status=status, address=address, zero_length=zero_length, trailing=trailing
    )


def _endpoints(cursor: Cursor, address: NwkAddress | None, status: int) -> tuple[int, ...] | None:
    if address is None or (status != Status.SUCCESS and not cursor.remaining):
        return None
    return tuple(cursor.take(cursor.u8("endpoint count"), "endpoint list"))


def _decode_endpoints_response(cursor: Cursor) -> ActiveEndpointsResponse:
    status, address = _status_and_address(cursor)
    endpoints = _endpoints(cursor, address, status)
    return ActiveEndpointsResponse(
        status=status, address=address, endpoints=endpoints, trailing=cursor.rest()
    )


def _decode_match_response(cursor: Cursor) -> MatchDescriptorResponse:
    status, address = _status_and_address(cursor)
    endpoints = _endpoints(cursor, address, status)
    return MatchDescriptorResponse(
        status=status, address=address, endpoints=endpoints, trailing=cursor.rest()
    )


DECODERS: dict[int, Callable[[Cursor], Command]] = {
    ClusterId.NODE_DESCRIPTOR_REQUEST: _decode_node_request,
    ClusterId.NODE_DESCRIPTOR_RESPONSE: _decode_node_response,
    ClusterId.POWER_DESCRIPTOR_REQUEST: _decode_power_request,
    ClusterId.POWER_DESCRIPTOR_RESPONSE: _decode_power_response,
    ClusterId.SIMPLE_DESCRIPTOR_REQUEST: _decode_simple_request,
    ClusterId.SIMPLE_DESCRIPTOR_RESPONSE: _decode_simple_response,
    ClusterId.ACTIVE_ENDPOINTS_REQUEST: _decode_endpoints_request,
    ClusterId.ACTIVE_ENDPOINTS_RESPONSE: _decode_endpoints_response,
    ClusterId.MATCH_DESCRIPTOR_REQUEST: _decode_match_request,
    ClusterId.MATCH_DESCRIPTOR_RESPONSE: _decode_match_response,
}

CLUSTERS: dict[type[object], ClusterId] = {
    NodeDescriptorRequest: ClusterId.NODE_DESCRIPTOR_REQUEST,
    NodeDescriptorResponse: ClusterId.NODE_DESCRIPTOR_RESPONSE,
    PowerDescriptorRequest: ClusterId.POWER_DESCRIPTOR_REQUEST,
    PowerDescriptorResponse: ClusterId.POWER_DESCRIPTOR_RESPONSE,
    SimpleDescriptorRequest: ClusterId.SIMPLE_DESCRIPTOR_REQUEST,
    SimpleDescriptorResponse: ClusterId.SIMPLE_DESCRIPTOR_RESPONSE,
    ActiveEndpointsRequest: ClusterId.ACTIVE_ENDPOINTS_REQUEST,
    ActiveEndpointsResponse: ClusterId.ACTIVE_ENDPOINTS_RESPONSE,
    MatchDescriptorRequest: ClusterId.MATCH_DESCRIPTOR_REQUEST,
    MatchDescriptorResponse: ClusterId.MATCH_DESCRIPTOR_RESPONSE,
}


def encode(command: Command) -> bytes:
    """What follows the sequence number. Raises EncodeError, or struct.error that `zdp` turns into one."""
    match command:
        case NodeDescriptorRequest() | PowerDescriptorRequest() | ActiveEndpointsRequest():
            octets = struct.pack("<H", command.address)
        case SimpleDescriptorRequest():
            octets = struct.pack("<HB", command.address, command.endpoint)
        case MatchDescriptorRequest():
            octets = struct.pack("<HH", command.address, command.profile)
            octets += zdp_descriptors.encode_clusters(command.input_clusters)
            octets += zdp_descriptors.encode_clusters(command.output_clusters)
        case NodeDescriptorResponse():
            octets = _encode_head(command.status, command.address, command.descriptor is not None)
            if command.descriptor is not None:
                octets += zdp_descriptors.encode_node(command.descriptor)
        case PowerDescriptorResponse():
            octets = _encode_head(command.status, command.address, command.descriptor is not None)
            if command.descriptor is not None:
                octets += struct.pack("<H", command.descriptor)
        case SimpleDescriptorResponse():
            octets = _encode_head(command.status, command.address, command.descriptor is not None)
            if command.descriptor is not None:
                octets += zdp_descriptors.encode_simple(command.descriptor)
            elif command.zero_length:
                octets += b"\x00"
        case ActiveEndpointsResponse() | MatchDescriptorResponse():
            octets = _encode_endpoints(command)
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_head(status: int, address: NwkAddress | None, described: bool) -> bytes:
    if described != (status == Status.SUCCESS):
        raise EncodeError("zdp: a descriptor goes with the status SUCCESS, and only with it")
    if address is not None:
        return struct.pack("<BH", status, address)
    if described:
        raise EncodeError("zdp: only a failing response may lack its address")
    return struct.pack("B", status)


def _encode_endpoints(command: ActiveEndpointsResponse | MatchDescriptorResponse) -> bytes:
    if command.endpoints is None:
        return _encode_head(command.status, command.address, False)
    count = len(command.endpoints)
    return struct.pack(f"<BHB{count}B", command.status, command.address, count, *command.endpoints)
