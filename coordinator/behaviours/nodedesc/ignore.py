"""`nodedesc.ignore`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.node_descriptor import is_requested, response_in
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore(Behaviour):
    """Never answer a Node_Desc_req.

    NXP leaves after three times 5 s, Telink after about 21 s, Z-Stack after 20 and 5 s
    (docs/sources.md, behaviours 31).
    """

    clause: ClassVar[str] = "unverified: a Node_Desc_req is answered with a Node_Desc_rsp"
    seen: ClassVar[str] = "ziggurat before its PR#60: Tuya TS0041 and SNZB-01P failed to join"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Take the response out of the answer."""
        if not is_requested(cause):
            return plan
        return Plan(tuple(step for step in plan.steps if response_in(step.request) is None))
