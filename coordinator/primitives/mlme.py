"""MLME-SAP: what the MAC sublayer tells and is told (IEEE 802.15.4-2006, clause 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec.beacon import ZigbeePayload
from coordinator.types import Eui64, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconRequestIndication:
    """Somebody scans actively: a beacon request command was heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeaconRequest:
    """Send one beacon. What it says is all here, so that a behaviour can make it say otherwise."""

    association_permit: bool
    pan_coordinator: bool
    payload: ZigbeePayload


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateIndication:
    """MLME-ASSOCIATE.indication: a device asks to associate. `capability` is the octet on air."""

    device: Eui64
    capability: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateResponse:
    """MLME-ASSOCIATE.response: kept until the device polls. `address` is 0xFFFF unless status is 0."""

    device: Eui64
    address: NwkAddress
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PollIndication:
    """A data request command was heard from a device that something may be pending for."""

    source: NwkAddress | Eui64
    device: Eui64 | None
