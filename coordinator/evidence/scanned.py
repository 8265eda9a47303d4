"""Why somebody may have scanned and not asked to associate: what the beacon said."""

from __future__ import annotations

from coordinator.evidence.explain import times
from coordinator.evidence.register import Scan
from coordinator.primitives import mlme

_PRO = 2


def explain_scan(scan: Scan) -> str:
    """The sentence for a window in which beacon requests were heard and nothing else."""
    return f"somebody scanned {times(scan.requests)} and never asked to associate: {_offered(scan.beacon)}"


def _offered(beacon: mlme.BeaconRequest | None) -> str:
    if beacon is None:
        return "no beacon was sent"
    said = []
    if not beacon.association_permit:
        said.append("association is not permitted")
    if not beacon.payload.router_capacity:
        said.append("there is no room for routers")
    if not beacon.payload.end_device_capacity:
        said.append("there is no room for end devices")
    if beacon.payload.stack_profile != _PRO:
        said.append(f"the stack profile is {beacon.payload.stack_profile}")
    if not said:
        return "the beacon was open to all, so it may have looked for another network"
    return f"the beacon said that {' and '.join(said)}"
