"""An association refused."""

from __future__ import annotations

from dataclasses import replace

from coordinator.codec.mac_commands import AssociationStatus
from coordinator.primitives import Request, mlme
from coordinator.stack.plan import Cause, Plan
from coordinator.types import NO_ADDRESS


def refuse(cause: Cause, plan: Plan, status: AssociationStatus) -> Plan:
    """The plan with every Association Response turned into a refusal with `status`."""
    if not isinstance(cause, mlme.AssociateIndication):
        return plan

    def change(request: Request) -> Request:
        if isinstance(request, mlme.AssociateResponse):
            return replace(request, address=NO_ADDRESS, status=int(status))
        return request

    return plan.substitute(change)
