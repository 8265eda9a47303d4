"""Service primitives: the seam between policy and protocol.

`Indication` is everything a layer may hear from below, `Request` everything it may ask for.
A Trust Center or a joiner sees these and never a frame.
"""

from coordinator.primitives import apsde, apsme, bdb, mlme, nlme, trust_center, zdo

Indication = (
    mlme.BeaconRequestIndication
    | mlme.AssociateIndication
    | mlme.PollIndication
    | nlme.JoinIndication
    | nlme.LeaveIndication
    | nlme.NetworkDiscoveryConfirm
    | nlme.JoinConfirm
    | apsde.DataIndication
    | apsme.TransportKeyIndication
    | apsme.UpdateDeviceIndication
    | apsme.RemoveDeviceIndication
    | apsme.RequestKeyIndication
    | apsme.VerifyKeyIndication
    | apsme.ConfirmKeyIndication
    | apsme.SwitchKeyIndication
    | zdo.CommandIndication
    | bdb.NodeJoinTimeoutIndication
    | trust_center.NetworkKeyUpdateIndication
)

Request = (
    mlme.BeaconRequest
    | mlme.AssociateResponse
    | nlme.LeaveRequest
    | nlme.PermitJoiningRequest
    | nlme.NetworkDiscoveryRequest
    | nlme.JoinRequest
    | nlme.ResetRequest
    | nlme.SetActiveKeyRequest
    | nlme.StartRouterRequest
    | nlme.SyncRequest
    | apsde.DataRequest
    | apsme.TransportKeyRequest
    | apsme.RemoveDeviceRequest
    | apsme.RequestKeyRequest
    | apsme.VerifyKeyRequest
    | apsme.ConfirmKeyRequest
    | apsme.SwitchKeyRequest
    | zdo.CommandRequest
)

__all__ = ["Indication", "Request", "apsde", "apsme", "bdb", "mlme", "nlme", "trust_center", "zdo"]
