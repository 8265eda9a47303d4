"""Why somebody may have scanned and not asked to associate: what the beacon said."""

from __future__ import annotations

from coordinator.evidence.explain import span, times
from coordinator.evidence.outcome import Outcome
from coordinator.evidence.register import Scan
from coordinator.primitives import mlme
from coordinator.types import SECOND, Duration, Instant

SCAN_WAIT: Duration = 5 * SECOND
"""How long after its last beacon request here a joiner may still be on its way to associate: it first
scans the other channels. All sixteen take 16 * (2^4 + 1) * 15.36 ms = 4.2 s at bdbScanDuration 4, the
longest of the stacks that were read (protocol.md 2); the rest is for choosing, CSMA and retries."""
_PRO = 2
_NAMED = 3


def judge_scan(scan: Scan, at: Instant) -> tuple[Outcome, str]:
    """Outcome and sentence of a window, closed at `at`, in which beacon requests were heard and nothing
    else."""
    scanned = f"somebody scanned {times(scan.requests)}"
    if scan.refused:
        return Outcome.NOT_ASSOCIATED, _refused(scan)
    since = at - scan.last
    if since < SCAN_WAIT:
        text = (
            f"{scanned}, and the run ended {span(since)} later: too early to tell whether it would associate"
        )
        return Outcome.INCONCLUSIVE, text
    return Outcome.NOT_ASSOCIATED, f"{scanned} and never asked to associate: {_offered(scan.beacon)}"


def explain_nobody(scan: Scan) -> str:
    """Why a window has nobody to judge. Devices of an earlier session go on; only a new join is judged."""
    heard = [str(device) for device, was_heard in scan.resumed.items() if was_heard]
    if not heard:
        return "no joiner was heard"
    who = ", ".join(heard[:_NAMED]) + (" and others" if len(heard) > _NAMED else "")
    return f"nobody began to join; {who} went on from an earlier session, which is not judged"


def _refused(scan: Scan) -> str:
    device, asked = next(iter(scan.refused.items()))
    others = f", and {len(scan.refused) - 1} more" if len(scan.refused) > 1 else ""
    return f"{device} asked to associate {times(asked)} and was denied{others}: --allow does not name it"


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
