"""The ZDO server: what a node answers about itself (05-3474, 2.4.4). Pure: a request in, a plan out."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec import zdp
from coordinator.codec.mac_commands import Capability
from coordinator.codec.zdp import Status
from coordinator.primitives import nlme, zdo
from coordinator.stack.neighbors import Neighbor, NeighborTable, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.plan import NOTHING, Plan, Step
from coordinator.stack.policy import StackPolicy
from coordinator.types import (
    COORDINATOR,
    NO_ADDRESS,
    SECOND,
    DeviceType,
    Duration,
    Eui64,
    NwkAddress,
    is_broadcast,
)

MAX_BUFFER = 82
MAX_TRANSFER = 82
MAINS_POWERED_NOW = 0xC110
"""Power descriptor: receiver as the node descriptor says, mains available and in use, level 100 %."""
BATTERY_POWERED_NOW = 0xC440
"""The same with a disposable battery in the place of the mains."""
UNKNOWN_DEPTH = 0x0F
"""The depth of a neighbour that never told it: what a sibling's link status lacks. Our choice."""
NEIGHBORS_PER_RESPONSE = 2
"""Mgmt_Lqi_rsp entries that surely fit one unfragmented frame beside both security headers."""

PERMIT_LONGEST = 0xFE
LEAVE_DELAY: Duration = SECOND // 10
"""From a Mgmt_Leave_rsp to the leave: the response and its acknowledgement shall be through. Our choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Everything the server may tell of its node."""

    nib: Nib
    endpoints: tuple[zdp.SimpleDescriptor, ...]
    neighbors: NeighborTable


def respond(cause: zdo.CommandIndication, policy: StackPolicy, node: Describe) -> Plan:
    """The answer to a ZDP request; silence for what is no request, or a broadcast with nothing to say."""
    answer = _answer(cause, policy, node)
    if answer is None:
        return NOTHING
    response = zdo.CommandRequest(destination=cause.source, command=answer, sequence=cause.sequence)
    match cause.command:
        case zdp.MgmtPermitJoiningRequest(duration=duration):
            permit = nlme.PermitJoiningRequest(seconds=permit_seconds(duration, policy))
            return Plan.of(permit) if cause.broadcast else Plan.of(permit, response)
        case zdp.MgmtLeaveRequest() as leave if getattr(answer, "status", 1) == Status.SUCCESS:
            departure = nlme.LeaveRequest(
                device=None,
                address=node.nib.address,
                rejoin=leave.rejoin,
                remove_children=leave.remove_children,
            )
            return Plan((Step(request=response), Step(request=departure, after=LEAVE_DELAY)))
        case _:
            return Plan.of(response)


def _answer(cause: zdo.CommandIndication, policy: StackPolicy, node: Describe) -> zdp.Command | None:
    nib = node.nib
    match cause.command:
        case zdp.NodeDescriptorRequest(address=address):
            if address != nib.address:
                return zdp.NodeDescriptorResponse(status=Status.DEVICE_NOT_FOUND, address=address)
            return zdp.NodeDescriptorResponse(
                status=Status.SUCCESS, address=address, descriptor=node_descriptor(policy, nib)
            )
        case zdp.PowerDescriptorRequest(address=address):
            if address != nib.address:
                return zdp.PowerDescriptorResponse(status=Status.DEVICE_NOT_FOUND, address=address)
            return zdp.PowerDescriptorResponse(
                status=Status.SUCCESS, address=address, descriptor=power_descriptor(nib)
            )
        case zdp.SimpleDescriptorRequest(address=address, endpoint=endpoint):
            return _simple(address, endpoint, node)
        case zdp.ActiveEndpointsRequest(address=address):
            if address != nib.address:
                return zdp.ActiveEndpointsResponse(status=Status.DEVICE_NOT_FOUND, address=address)
            endpoints = tuple(simple.endpoint for simple in node.endpoints)
            return zdp.ActiveEndpointsResponse(status=Status.SUCCESS, address=address, endpoints=endpoints)
        case zdp.MatchDescriptorRequest() as match:
            return _match(match, cause, node)
        case zdp.NwkAddressRequest(ieee=ieee):
            return _nwk_address(ieee, cause, node)
        case zdp.IeeeAddressRequest(address=address):
            return _ieee_address(address, node)
        case zdp.MgmtLqiRequest(start_index=start):
            return _lqi(start, node)
        case zdp.MgmtLeaveRequest(device=device):
            if nib.device_type is DeviceType.COORDINATOR:
                return zdp.MgmtLeaveResponse(status=Status.NOT_SUPPORTED)
            ours = device in (nib.eui64, Eui64(0))
            return zdp.MgmtLeaveResponse(status=Status.SUCCESS if ours else Status.DEVICE_NOT_FOUND)
        case zdp.MgmtPermitJoiningRequest():
            return zdp.MgmtPermitJoiningResponse(status=Status.SUCCESS)
        case command:
            return _unsupported(command, cause)


def permit_seconds(duration: int, policy: StackPolicy) -> int:
    """How long a Mgmt_Permit_Joining_req opens joining: 0xFF is for ever before R21 only, then 0xFE [K]."""
    return min(duration, PERMIT_LONGEST) if (policy.stack_revision or 0) >= 21 else duration


def node_descriptor(policy: StackPolicy, nib: Nib) -> zdp.NodeDescriptor:
    """Our own node descriptor (2.3.2.3)."""
    return zdp.NodeDescriptor(
        logical_type=nib.device_type.value,
        mac_capability=nib.capability,
        manufacturer=policy.manufacturer_code,
        max_buffer=MAX_BUFFER,
        max_incoming=MAX_TRANSFER,
        server_mask=policy.server_mask,
        max_outgoing=MAX_TRANSFER,
    )


def power_descriptor(nib: Nib) -> int:
    """Our own power descriptor (2.3.2.4), by the capability that we associate with."""
    return MAINS_POWERED_NOW if nib.capability & Capability.MAINS_POWERED else BATTERY_POWERED_NOW


def _simple(address: NwkAddress, endpoint: int, node: Describe) -> zdp.SimpleDescriptorResponse:
    if address != node.nib.address:
        return zdp.SimpleDescriptorResponse(status=Status.DEVICE_NOT_FOUND, address=address, zero_length=True)
    for simple in node.endpoints:
        if simple.endpoint == endpoint:
            return zdp.SimpleDescriptorResponse(status=Status.SUCCESS, address=address, descriptor=simple)
    status = Status.NOT_ACTIVE if 1 <= endpoint <= 254 else Status.INVALID_EP
    return zdp.SimpleDescriptorResponse(status=status, address=address, zero_length=True)


def _match(
    match: zdp.MatchDescriptorRequest, cause: zdo.CommandIndication, node: Describe
) -> zdp.MatchDescriptorResponse | None:
    if match.address != node.nib.address and not is_broadcast(match.address):
        return zdp.MatchDescriptorResponse(
            status=Status.DEVICE_NOT_FOUND, address=match.address, endpoints=()
        )
    wanted_in, wanted_out = set(match.input_clusters), set(match.output_clusters)
    endpoints = tuple(
        simple.endpoint
        for simple in node.endpoints
        if simple.profile == match.profile
        and (wanted_in & set(simple.input_clusters) or wanted_out & set(simple.output_clusters))
    )
    if not endpoints and (cause.broadcast or is_broadcast(match.address)):
        return None
    return zdp.MatchDescriptorResponse(status=Status.SUCCESS, address=node.nib.address, endpoints=endpoints)


def _nwk_address(ieee: Eui64, cause: zdo.CommandIndication, node: Describe) -> zdp.NwkAddressResponse | None:
    if ieee == node.nib.eui64:
        return zdp.NwkAddressResponse(status=Status.SUCCESS, ieee=ieee, address=node.nib.address)
    child = _end_device(node.neighbors.find_device(ieee))
    if child is not None:
        return zdp.NwkAddressResponse(status=Status.SUCCESS, ieee=ieee, address=child.address)
    if cause.broadcast:
        return None
    return zdp.NwkAddressResponse(status=Status.DEVICE_NOT_FOUND, ieee=ieee, address=NO_ADDRESS)


def _ieee_address(address: NwkAddress, node: Describe) -> zdp.IeeeAddressResponse:
    if address == node.nib.address:
        return zdp.IeeeAddressResponse(status=Status.SUCCESS, ieee=node.nib.eui64, address=address)
    child = _end_device(node.neighbors.find(address))
    if child is not None:
        return zdp.IeeeAddressResponse(status=Status.SUCCESS, ieee=child.device, address=address)
    return zdp.IeeeAddressResponse(status=Status.DEVICE_NOT_FOUND, ieee=Eui64(0), address=address)


def _end_device(neighbor: Neighbor | None) -> Neighbor | None:
    """This neighbour if it is an end device of ours: a parent answers for it."""
    return neighbor if neighbor is not None and neighbor.is_child and not neighbor.is_router else None


def _lqi(start: int, node: Describe) -> zdp.MgmtLqiResponse:
    table = tuple(node.neighbors)
    part = table[start : start + NEIGHBORS_PER_RESPONSE]
    return zdp.MgmtLqiResponse(
        status=Status.SUCCESS,
        table=zdp.NeighborTable(
            total=min(len(table), 255),
            start_index=start,
            neighbors=tuple(
                zdp.Neighbor(
                    extended_pan_id=node.nib.extended_pan_id,
                    ieee=neighbor.device,
                    address=neighbor.address,
                    kind=(
                        (DeviceType.ROUTER.value if neighbor.is_router else DeviceType.END_DEVICE.value)
                        | neighbor.receiver_on_when_idle << 2
                        | neighbor.relationship.value << 4
                    ),
                    permit_joining=2,
                    depth=_depth(neighbor, node.nib),
                    lqi=neighbor.lqi,
                )
                for neighbor in part
            ),
        ),
    )


def _depth(neighbor: Neighbor, nib: Nib) -> int:
    """How far from the coordinator it is, as far as its relationship to us tells."""
    if neighbor.address == COORDINATOR:
        return 0
    if neighbor.is_child:
        return nib.depth + 1
    return max(nib.depth - 1, 0) if neighbor.relationship is Relationship.PARENT else UNKNOWN_DEPTH


def _unsupported(command: zdp.Command, cause: zdo.CommandIndication) -> zdp.Command | None:
    """An unknown unicast request gets its response cluster with NOT_SUPPORTED (2.4.4)."""
    if not isinstance(command, zdp.UnknownMessage) or cause.broadcast:
        return None
    if command.cluster & zdp.RESPONSE:
        return None
    return zdp.UnknownMessage(cluster=command.cluster | zdp.RESPONSE, octets=bytes((Status.NOT_SUPPORTED,)))
