"""A joiner's request for its Trust Center link key, and the answer to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeGuard

from coordinator.codec.aps_commands import KeyType
from coordinator.primitives import Request, apsme
from coordinator.stack.plan import Cause, Plan
from coordinator.types import Key, LinkKeyKind


def is_requested(cause: Cause) -> TypeGuard[apsme.RequestKeyIndication]:
    """True for a Request-Key of type 0x04; application link keys are another matter."""
    return isinstance(cause, apsme.RequestKeyIndication) and cause.key_type == KeyType.TRUST_CENTER_LINK


def answer_with(plan: Plan, key: Key, kind: LinkKeyKind) -> Plan:
    """The plan with `key` in the place of every Trust Center link key that it transports."""

    def change(request: Request) -> Request:
        if isinstance(request, apsme.TransportKeyRequest) and request.key_type == KeyType.TRUST_CENTER_LINK:
            return replace(request, key=key, kind=kind)
        return request

    return plan.substitute(change)
