"""Which step of a join a primitive is, and whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.codec import zdp
from coordinator.primitives import Indication, Request, apsme, mlme, nlme, zdo
from coordinator.switching.moment import StepName
from coordinator.trust_center.procedures.join import NETWORK_KEY
from coordinator.trust_center.procedures.link_key import TRUST_CENTER_LINK_KEY
from coordinator.types import Eui64, NwkAddress

FRAMED = frozenset(
    (
        mlme.BeaconRequest,
        mlme.AssociateResponse,
        nlme.LeaveRequest,
        apsme.TransportKeyRequest,
        apsme.RemoveDeviceRequest,
        apsme.ConfirmKeyRequest,
        zdo.CommandRequest,
    )
)
"""Requests that become a frame, and so an answer that may still have to leave."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, of a device if it is known whose."""

    name: StepName
    device: Eui64 | None


def heard(indication: Indication) -> Step | None:
    """The step of the joiner that this is, if it is one."""
    match indication:
        case mlme.BeaconRequestIndication():
            return Step(StepName.BEACON_REQUEST, None)
        case mlme.AssociateIndication():
            return Step(StepName.ASSOCIATION_REQUEST, indication.device)
        case nlme.JoinIndication():
            return Step(StepName.JOIN, indication.device)
        case nlme.LeaveIndication(device=Eui64() as device):
            return Step(StepName.LEAVE, device)
        case apsme.RequestKeyIndication():
            return Step(StepName.REQUEST_KEY, indication.device)
        case apsme.VerifyKeyIndication():
            return Step(StepName.VERIFY_KEY, indication.source)
        case zdo.CommandIndication(command=zdp.DeviceAnnounce() as announced):
            return Step(StepName.DEVICE_ANNOUNCE, announced.ieee)
        case zdo.CommandIndication(command=zdp.NodeDescriptorRequest()):
            return Step(StepName.NODE_DESCRIPTOR_REQUEST, indication.device)
        case _:
            return None


def said(request: Request, addresses: Mapping[NwkAddress, Eui64]) -> Step | None:
    """The step of the Trust Center that the first frame of this request is, if it is one."""
    match request:
        case mlme.AssociateResponse():
            return Step(StepName.ASSOCIATION_RESPONSE, request.device)
        case apsme.TransportKeyRequest(key_type=kind) if kind == NETWORK_KEY:
            return Step(StepName.TRANSPORT_KEY_NWK, request.device)
        case apsme.TransportKeyRequest(key_type=kind) if kind == TRUST_CENTER_LINK_KEY:
            return Step(StepName.TRANSPORT_KEY_TCLK, request.device)
        case apsme.ConfirmKeyRequest():
            return Step(StepName.CONFIRM_KEY, request.device)
        case zdo.CommandRequest(command=zdp.NodeDescriptorResponse()):
            return Step(StepName.NODE_DESCRIPTOR_RESPONSE, addresses.get(request.destination))
        case zdo.CommandRequest(command=zdp.MgmtLeaveRequest()):
            return Step(StepName.REMOVAL, addresses.get(request.destination))
        case apsme.RemoveDeviceRequest():
            return Step(StepName.REMOVAL, request.target)
        case nlme.LeaveRequest():
            return Step(StepName.REMOVAL, request.device)
        case _:
            return None
