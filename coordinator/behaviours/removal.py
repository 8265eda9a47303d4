"""The removal of a joiner whose time is up, and the forms that it can take."""

from __future__ import annotations

from typing import TypeGuard

from coordinator.primitives import Request, apsme, bdb, nlme
from coordinator.stack.plan import Cause, Plan


def is_due(cause: Cause) -> TypeGuard[bdb.NodeJoinTimeoutIndication]:
    """True when bdbTrustCenterNodeJoinTimeout ran out for a device."""
    return isinstance(cause, bdb.NodeJoinTimeoutIndication)


def remove_by(plan: Plan, form: Request) -> Plan:
    """The plan with `form` in the place of each leave and Remove-Device."""

    def change(request: Request) -> Request:
        return form if isinstance(request, nlme.LeaveRequest | apsme.RemoveDeviceRequest) else request

    return plan.substitute(change)
