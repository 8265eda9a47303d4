"""`beacon.stack_profile`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import Setting
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class StackProfile(Behaviour):
    """Announce another stack profile in the beacon: 1 is ZigBee 2007, 2 is ZigBee PRO.

    Joiners filter the networks that they scan by it (docs/sources.md, behaviours 46).
    """

    clause: ClassVar[str] = (
        "unverified: the beacon of a ZigBee PRO network carries stack profile 2 (docs/sources.md, "
        "protocol 1.1)"
    )
    seen: ClassVar[str] = (
        "docs/sources.md, behaviours 46: misconfiguration; the value 1 is that of ZigBee 2007 networks"
    )

    stack_profile: Annotated[int, Setting("beacon payload bits 0 to 3", low=0, high=15)]

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Set the stack profile."""
        return (
            replace(policy, stack_profile=self.stack_profile) if isinstance(policy, StackPolicy) else policy
        )
