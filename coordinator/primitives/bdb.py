"""Base Device Behavior events at the Trust Center (13-0402)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.types import Eui64, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeJoinTimeoutIndication:
    """bdbTrustCenterNodeJoinTimeout ran out with no verified link key for this device."""

    device: Eui64
    address: NwkAddress
