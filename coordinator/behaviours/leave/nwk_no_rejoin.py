"""`leave.nwk_no_rejoin`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.removal import is_due, remove_by
from coordinator.primitives import nlme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class NwkNoRejoin(Behaviour):
    """Remove a joiner by a NWK Leave that asks it to leave for good (options 0x40).

    What a compliant Trust Center does to its own child; for others it takes the place of Remove-Device
    (docs/sources.md, behaviours 36).
    """

    clause: ClassVar[str] = (
        "unverified: a Trust Center removes its own child by NWK Leave, and any other device by "
        "Remove-Device to its parent (docs/sources.md, protocol 0)"
    )
    seen: ClassVar[str] = "Z-Stack when the Trust Center is the parent"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Send a NWK Leave without rejoin."""
        if not is_due(cause):
            return plan
        return remove_by(plan, nlme.LeaveRequest(device=cause.device, address=cause.address))
