"""`confirm.status`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import STATUS
from coordinator.primitives import Request, apsme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Behaviour):
    """Answer every Verify-Key, right or wrong, with a Confirm-Key of an error status.

    0xAD is a security failure, 0xA3 an illegal request, 0xAA not supported. NXP leaves at once
    (docs/sources.md, behaviours 14).
    """

    clause: ClassVar[str] = "unverified: a Verify-Key with the right hash is confirmed with status SUCCESS"
    seen: ClassVar[str] = "docs/sources.md, behaviours 14: zigbee-on-host, for a hash that does not match"

    status: Annotated[int, STATUS]

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Put the status into each Confirm-Key."""
        return plan.substitute(self._refuse) if isinstance(cause, apsme.VerifyKeyIndication) else plan

    def _refuse(self, request: Request) -> Request:
        return (
            replace(request, status=self.status) if isinstance(request, apsme.ConfirmKeyRequest) else request
        )
