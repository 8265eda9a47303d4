"""`leave.remove_device`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.removal import is_due, remove_by
from coordinator.primitives import apsme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDevice(Behaviour):
    """Remove a joiner by APS Remove-Device to the device itself, parent or not.

    A router that is named as the target leaves by itself (docs/sources.md, behaviours 35).
    """

    clause: ClassVar[str] = (
        "unverified: a Trust Center removes its own child by NWK Leave, and any other device by "
        "Remove-Device to its parent (docs/sources.md, protocol 0)"
    )
    seen: ClassVar[str] = "Z-Stack when the Trust Center is not the parent"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Name the device as its own parent in a Remove-Device."""
        if not is_due(cause):
            return plan
        form = apsme.RemoveDeviceRequest(
            parent=cause.device, parent_address=cause.address, target=cause.device
        )
        return remove_by(plan, form)
