"""`leave.mgmt`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from coordinator.behaviours.removal import is_due, remove_by
from coordinator.behaviours.setting import Setting
from coordinator.codec import zdp
from coordinator.primitives import zdo
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Mgmt(Behaviour):
    """Remove a joiner by Mgmt_Leave_req, as host applications do.

    It answers Mgmt_Leave_rsp and then leaves (docs/sources.md, behaviours 38).
    """

    clause: ClassVar[str] = (
        "unverified: a Trust Center removes its own child by NWK Leave, and any other device by "
        "Remove-Device to its parent (docs/sources.md, protocol 0)"
    )
    seen: ClassVar[str] = "host applications; espressif/esp-zigbee-sdk#847 (rejoin mishandled by the device)"

    rejoin: Annotated[bool, Setting("ask it to rejoin: flags 0x80 in the place of 0x00")] = False

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Send a Mgmt_Leave_req."""
        if not is_due(cause):
            return plan
        command = zdp.MgmtLeaveRequest(device=cause.device, flags=zdp.LEAVE_REJOIN if self.rejoin else 0)
        return remove_by(plan, zdo.CommandRequest(destination=cause.address, command=command))
