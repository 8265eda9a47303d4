"""A parent's side of a join: beacons answered, associations granted or denied (05-3474, 3.6.1.4)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec.beacon import NO_TX_OFFSET, ZigbeePayload
from coordinator.codec.mac_commands import AssociationStatus
from coordinator.primitives import mlme
from coordinator.stack.nib import Nib
from coordinator.stack.plan import Plan
from coordinator.stack.policy import StackPolicy
from coordinator.types import COORDINATOR, NO_ADDRESS, NwkAddress

PROTOCOL_VERSION = 2
"""nwkcProtocolVersion of Zigbee PRO."""
MAX_DEPTH = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacancy:
    """What association depends on: the permit timer, room in the table, the address to give."""

    permits_joining: bool
    room: bool
    address: NwkAddress


def beacon(policy: StackPolicy, nib: Nib, permits_joining: bool, room: bool) -> Plan:
    """The answer to a beacon request. Without `room` in the neighbor table there is no capacity."""
    permit = policy.beacon_association_permit
    return Plan.of(
        mlme.BeaconRequest(
            association_permit=permits_joining if permit is None else permit,
            pan_coordinator=nib.address == COORDINATOR,
            payload=ZigbeePayload(
                protocol_id=0,
                stack_profile=policy.stack_profile,
                protocol_version=PROTOCOL_VERSION,
                router_capacity=policy.router_capacity and room,
                depth=min(nib.depth, MAX_DEPTH),
                end_device_capacity=policy.end_device_capacity and room,
                extended_pan_id=nib.extended_pan_id,
                tx_offset=NO_TX_OFFSET,
                update_id=nib.update_id,
            ),
        )
    )


def association(cause: mlme.AssociateIndication, policy: StackPolicy, vacancy: Vacancy) -> Plan:
    """The answer to an association request, to be fetched by its device."""
    router = bool(cause.capability & 0x02)
    status = AssociationStatus.SUCCESS
    if not vacancy.permits_joining:
        status = AssociationStatus.PAN_ACCESS_DENIED
    elif not vacancy.room or not (policy.router_capacity if router else policy.end_device_capacity):
        status = AssociationStatus.PAN_AT_CAPACITY
    address = vacancy.address if status is AssociationStatus.SUCCESS else NO_ADDRESS
    return Plan.of(mlme.AssociateResponse(device=cause.device, address=address, status=int(status)))
