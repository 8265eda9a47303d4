"""`nodedesc.status`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.node_descriptor import is_requested, response_in
from coordinator.behaviours.setting import STATUS
from coordinator.primitives import Request, zdo
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Behaviour):
    """Answer Node_Desc_req with an error status and no descriptor.

    NXP takes it for a Trust Center older than R21 and succeeds; Telink goes on waiting and leaves
    (docs/sources.md, behaviours 32).
    """

    clause: ClassVar[str] = "unverified: a Node_Desc_req for the coordinator's own address succeeds"
    seen: ClassVar[str] = "docs/sources.md, behaviours 32: buggy hosts"

    status: Annotated[int, STATUS]

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Refuse in each Node_Desc_rsp."""
        return plan.substitute(self._refuse) if is_requested(cause) else plan

    def _refuse(self, request: Request) -> Request:
        response = response_in(request)
        if response is None or not isinstance(request, zdo.CommandRequest):
            return request
        refusal = replace(response, status=self.status, descriptor=None, trailing=b"")
        return replace(request, command=refusal)
