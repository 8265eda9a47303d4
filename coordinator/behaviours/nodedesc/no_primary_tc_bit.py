"""`nodedesc.no_primary_tc_bit`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPrimaryTcBit(Behaviour):
    """Do not say in the node descriptor that this is the primary Trust Center.

    Schneider devices are said to stop there (docs/sources.md, behaviours 33).
    """

    clause: ClassVar[str] = (
        "unverified: server mask bit 0 is set at the primary Trust Center (docs/sources.md, protocol 1.6)"
    )
    seen: ClassVar[str] = "ZiGate and ConBee II: Koenkk/zigbee-herdsman#354"

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Clear the bit."""
        if isinstance(policy, StackPolicy):
            return replace(policy, primary_trust_center=False)
        return policy
