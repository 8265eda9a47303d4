"""Each primitive in a few words, as a protocol engineer would say it. Keys are named, never shown."""

from __future__ import annotations

from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Indication, Request, apsde, apsme, bdb, mlme, nlme, trust_center, zdo
from coordinator.types import GLOBAL_LINK_KEY, Key, LinkKeyKind, hex16

KEY_TYPES = {0x00: "TC master", 0x01: "NWK", 0x02: "app master", 0x03: "app link", 0x04: "TC link"}
STATUSES = {0x00: "SUCCESS", 0xAD: "SECURITY_FAIL", 0xA3: "ILLEGAL_REQUEST", 0xAA: "NOT_SUPPORTED"}
ASSOCIATION = {0x00: "success", 0x01: "PAN at capacity", 0x02: "PAN access denied"}


def describe(primitive: Indication | Request) -> str:
    """One line for a ladder row, a deviation's before and after, or an event's summary."""
    match primitive:
        case (
            mlme.BeaconRequestIndication()
            | mlme.BeaconRequest()
            | mlme.AssociateIndication()
            | mlme.AssociateResponse()
            | mlme.PollIndication()
        ):
            return _mlme(primitive)
        case nlme.JoinIndication():
            return f"Joined at {hex16(primitive.address)}"
        case nlme.LeaveIndication():
            return "Leave" + (" (rejoin)" if primitive.rejoin else "")
        case nlme.LeaveRequest(device=None):
            return "Leave" + (" (rejoin)" if primitive.rejoin else "")
        case nlme.LeaveRequest():
            return "NWK Leave request" + (" (rejoin)" if primitive.rejoin else "")
        case nlme.PermitJoiningRequest():
            return f"Permit joining {primitive.seconds} s"
        case nlme.NetworkDiscoveryRequest():
            return f"Scan {len(primitive.channels)} channels"
        case nlme.NetworkDiscoveryConfirm():
            return f"Scan found {len(primitive.networks)}"
        case nlme.JoinRequest():
            return f"Associate with {hex16(primitive.network.address)}"
        case nlme.JoinConfirm():
            return f"Association {primitive.status.value}"
        case nlme.ResetRequest():
            return "NLME-RESET"
        case nlme.SetActiveKeyRequest():
            return f"Network key {primitive.sequence} in use"
        case nlme.StartRouterRequest():
            return "NLME-START-ROUTER"
        case nlme.SyncRequest():
            return "Data Request"
        case zdo.CommandIndication() | zdo.CommandRequest():
            return describe_zdp(primitive.command)
        case bdb.NodeJoinTimeoutIndication():
            return "bdbTrustCenterNodeJoinTimeout"
        case trust_center.NetworkKeyUpdateIndication():
            return f"Network key update (sequence {primitive.sequence})"
        case apsde.DataIndication() | apsde.DataRequest():
            return f"APS data, profile {hex16(primitive.profile)} cluster {hex16(primitive.cluster)}"
        case _:
            return _apsme(primitive)


def _mlme(
    primitive: mlme.BeaconRequestIndication
    | mlme.BeaconRequest
    | mlme.AssociateIndication
    | mlme.AssociateResponse
    | mlme.PollIndication,
) -> str:
    match primitive:
        case mlme.BeaconRequestIndication():
            return "Beacon Request"
        case mlme.BeaconRequest():
            return _beacon(primitive)
        case mlme.AssociateIndication():
            return f"Association Request ({'router' if primitive.capability & 0x02 else 'end device'})"
        case mlme.AssociateResponse(status=0):
            return f"Association Response ({hex16(primitive.address)})"
        case mlme.AssociateResponse():
            return f"Association Response ({ASSOCIATION.get(primitive.status, f'0x{primitive.status:02x}')})"
        case mlme.PollIndication():
            return "Data Request"


def _apsme(
    primitive: apsme.TransportKeyRequest
    | apsme.TransportKeyIndication
    | apsme.UpdateDeviceIndication
    | apsme.RemoveDeviceRequest
    | apsme.RemoveDeviceIndication
    | apsme.RequestKeyRequest
    | apsme.RequestKeyIndication
    | apsme.VerifyKeyRequest
    | apsme.VerifyKeyIndication
    | apsme.ConfirmKeyRequest
    | apsme.ConfirmKeyIndication
    | apsme.SwitchKeyRequest
    | apsme.SwitchKeyIndication,
) -> str:
    match primitive:
        case apsme.TransportKeyRequest():
            return f"Transport-Key ({_transported(primitive)}, {_protection(primitive.protection)})"
        case apsme.TransportKeyIndication():
            return f"Transport-Key ({key_type(primitive.key_type)}, {_protection(primitive.security.aps)})"
        case apsme.UpdateDeviceIndication():
            return f"Update-Device ({primitive.device}, status {primitive.status})"
        case apsme.RemoveDeviceRequest() | apsme.RemoveDeviceIndication():
            return f"Remove-Device ({primitive.target})"
        case apsme.RequestKeyRequest() | apsme.RequestKeyIndication():
            return f"Request-Key ({key_type(primitive.key_type)})"
        case apsme.VerifyKeyRequest() | apsme.VerifyKeyIndication():
            return "Verify-Key"
        case apsme.ConfirmKeyRequest() | apsme.ConfirmKeyIndication():
            return f"Confirm-Key ({STATUSES.get(primitive.status, f'0x{primitive.status:02x}')})"
        case apsme.SwitchKeyRequest() | apsme.SwitchKeyIndication():
            return f"Switch-Key ({primitive.sequence})"


def key_type(value: int) -> str:
    """The StandardKeyType in words."""
    return KEY_TYPES.get(value, f"type 0x{value:02x}")


def name_key(key: Key, kind: LinkKeyKind | None) -> str:
    """What may be said of a key without showing it."""
    if key == GLOBAL_LINK_KEY:
        return "ZigBeeAlliance09"
    return f"{kind.value} key" if kind is not None else "key"


def describe_zdp(command: zdp.Command) -> str:
    """A ZDP command by the name the specification gives it, with its error status if any."""
    name = ZDP_NAMES.get(zdp.cluster_of(command), f"ZDP {hex16(zdp.cluster_of(command))}")
    status = getattr(command, "status", 0)
    if status:
        return f"{name} (status 0x{status:02x})"
    if isinstance(command, zdp.NodeDescriptorResponse) and command.descriptor is not None:
        return f"{name} ({_revision(command.descriptor)})"
    return name


def _revision(descriptor: zdp.NodeDescriptor) -> str:
    revision = f"R{descriptor.stack_revision}" if descriptor.stack_revision else "before R21"
    if descriptor.logical_type == 0 and not descriptor.server_mask & zdp.PRIMARY_TRUST_CENTER:
        return f"{revision}, no primary Trust Center"
    return revision


ZDP_NAMES = {
    0x0000: "NWK_addr_req",
    0x0001: "IEEE_addr_req",
    0x0002: "Node_Desc_req",
    0x0003: "Power_Desc_req",
    0x0004: "Simple_Desc_req",
    0x0005: "Active_EP_req",
    0x0006: "Match_Desc_req",
    0x0013: "Device_annce",
    0x001F: "Parent_annce",
    0x0031: "Mgmt_Lqi_req",
    0x0034: "Mgmt_Leave_req",
    0x0036: "Mgmt_Permit_Joining_req",
    0x0038: "Mgmt_NWK_Update_req",
    0x8000: "NWK_addr_rsp",
    0x8001: "IEEE_addr_rsp",
    0x8002: "Node_Desc_rsp",
    0x8003: "Power_Desc_rsp",
    0x8004: "Simple_Desc_rsp",
    0x8005: "Active_EP_rsp",
    0x8006: "Match_Desc_rsp",
    0x801F: "Parent_annce_rsp",
    0x8031: "Mgmt_Lqi_rsp",
    0x8034: "Mgmt_Leave_rsp",
    0x8036: "Mgmt_Permit_Joining_rsp",
    0x8038: "Mgmt_NWK_Update_notify",
}


def _transported(request: apsme.TransportKeyRequest) -> str:
    if request.key_type == 0x01:
        return f"NWK, sequence {request.key_sequence}"
    return f"{key_type(request.key_type)}, {name_key(request.key, request.kind)}"


def _protection(identifier: KeyIdentifier | None) -> str:
    return "no APS security" if identifier is None else identifier.name.lower().replace("_", "-")


def _beacon(request: mlme.BeaconRequest) -> str:
    payload = request.payload
    flags = [
        "open" if request.association_permit else "closed",
        f"profile {payload.stack_profile}",
        "router room" if payload.router_capacity else "no router room",
        "end-device room" if payload.end_device_capacity else "no end-device room",
    ]
    return f"Beacon ({', '.join(flags)})"
