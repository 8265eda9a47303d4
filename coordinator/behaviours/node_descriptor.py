"""A joiner's question for the node descriptor, and the answer to it."""

from __future__ import annotations

from typing import TypeGuard

from coordinator.codec import zdp
from coordinator.primitives import Request, zdo
from coordinator.stack.plan import Cause


def is_requested(cause: Cause) -> TypeGuard[zdo.CommandIndication]:
    """True for a Node_Desc_req."""
    return isinstance(cause, zdo.CommandIndication) and isinstance(cause.command, zdp.NodeDescriptorRequest)


def response_in(request: Request) -> zdp.NodeDescriptorResponse | None:
    """The Node_Desc_rsp that this request sends, if it sends one."""
    if isinstance(request, zdo.CommandRequest) and isinstance(request.command, zdp.NodeDescriptorResponse):
        return request.command
    return None
