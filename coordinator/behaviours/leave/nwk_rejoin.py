"""`leave.nwk_rejoin`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.removal import is_due, remove_by
from coordinator.primitives import nlme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class NwkRejoin(Behaviour):
    """Remove a joiner by a NWK Leave that asks it to rejoin (options 0x60).

    It comes back and is removed again: a loop (docs/sources.md, behaviours 37).
    """

    clause: ClassVar[str] = "unverified: a device that may not stay is not asked to rejoin"
    seen: ClassVar[str] = "Z-Stack with zgAllowRejoinsOptions TRUE"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Send a NWK Leave with rejoin."""
        if not is_due(cause):
            return plan
        return remove_by(plan, nlme.LeaveRequest(device=cause.device, address=cause.address, rejoin=True))
