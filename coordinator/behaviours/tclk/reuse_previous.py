"""`tclk.reuse_previous`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.link_key import answer_with, is_requested
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.types import LinkKeyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusePrevious(Behaviour):
    """Answer Request-Key with the last unique key that this device had.

    A device that never had one is answered as ever.
    """

    clause: ClassVar[str] = "unverified: each Request-Key that follows a join is answered with a fresh key"
    seen: ClassVar[str] = (
        "docs/sources.md, behaviours 3: Z-Stack unless the seed's shift moves on; Ember's hashed keys, "
        "always the same "
        "for one EUI-64"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Put the previous unique key in the place of the link key."""
        if is_requested(cause) and cause.previous is not None:
            return answer_with(plan, cause.previous, LinkKeyKind.UNIQUE)
        return plan
