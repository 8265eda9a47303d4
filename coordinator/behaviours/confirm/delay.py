"""`confirm.delay`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import DELAY
from coordinator.primitives import apsme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.types import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Behaviour):
    """Confirm a verified key late.

    Past 5 s joiners repeat their Verify-Key, and each repetition gets its own late Confirm-Key
    (docs/sources.md, behaviours 13).
    """

    clause: ClassVar[str] = (
        "unverified: the confirmation comes within bdbcTCLinkKeyExchangeTimeout (5 s, docs/sources.md, "
        "protocol 2)"
    )
    seen: ClassVar[str] = "docs/sources.md, behaviours 13: loaded hosts"

    seconds: Annotated[float, DELAY]

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Move each Confirm-Key back; what else answers the Verify-Key stays where it is."""
        if not isinstance(cause, apsme.VerifyKeyIndication):
            return plan
        late = round(self.seconds * SECOND)
        return Plan(
            tuple(
                replace(step, after=step.after + late)
                if isinstance(step.request, apsme.ConfirmKeyRequest)
                else step
                for step in plan.steps
            )
        )
