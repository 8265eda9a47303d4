"""NLME-SAP: network formation, discovery, join and leave (05-3474, clause 3.2.2)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator.codec.beacon import ZigbeePayload
from coordinator.types import Channel, Duration, Eui64, NwkAddress, PanId


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinIndication:
    """NLME-JOIN.indication at the parent: a device associated and has its address."""

    device: Eui64
    address: NwkAddress
    capability: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveIndication:
    """NLME-LEAVE.indication. `device` None: this node itself was told to leave."""

    device: Eui64 | None
    address: NwkAddress
    rejoin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveRequest:
    """NLME-LEAVE.request. `device` None: leave ourselves; else tell that neighbour to leave."""

    device: Eui64 | None
    address: NwkAddress
    rejoin: bool = False
    remove_children: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitJoiningRequest:
    """NLME-PERMIT-JOINING.request: 0 closes, 1 to 254 seconds, 255 until told otherwise."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDescriptor:
    """One beacon heard in a scan (05-3474, table 3-12)."""

    channel: Channel
    pan_id: PanId
    address: NwkAddress
    association_permit: bool
    payload: ZigbeePayload
    lqi: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDiscoveryRequest:
    """NLME-NETWORK-DISCOVERY.request: active scan, `dwell` microseconds on each channel."""

    channels: tuple[Channel, ...]
    dwell: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkDiscoveryConfirm:
    """What the scan heard, in order."""

    networks: tuple[NetworkDescriptor, ...]


class JoinStatus(enum.Enum):
    """How an association ended, seen from the joiner."""

    SUCCESS = "success"
    PAN_AT_CAPACITY = "pan-at-capacity"
    PAN_ACCESS_DENIED = "pan-access-denied"
    NO_ACK = "no-ack"
    NO_DATA = "no-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """NLME-JOIN.request by association (RejoinNetwork 0x00) with the router that sent the beacon."""

    network: NetworkDescriptor
    capability: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinConfirm:
    """NLME-JOIN.confirm. `address` is meaningful when the status is SUCCESS."""

    status: JoinStatus
    address: NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRequest:
    """NLME-RESET.request, cold: forget network, keys and neighbours. Counters stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetActiveKeyRequest:
    """NLME-SET.request of nwkActiveKeySeqNumber: protect with that network key from now on."""

    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRouterRequest:
    """NLME-START-ROUTER.request: authenticated, begin relaying, link status and beacons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """NLME-SYNC.request: poll the parent once for what it holds for us."""
