"""`beacon.capacity`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import Setting
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity(Behaviour):
    """Say in the beacon whether there is room for routers and for end devices.

    Joiners pass over a parent that claims to have no room for their kind (docs/sources.md, behaviours 45).
    """

    clause: ClassVar[str] = (
        "unverified: the capacity bits say what the parent can accept (docs/sources.md, protocol 1.1)"
    )
    seen: ClassVar[str] = "deconz#766, as docs/sources.md, behaviours 45 has it"

    router: Annotated[bool, Setting("room for routers: beacon payload bit 10")]
    end_device: Annotated[bool, Setting("room for end devices: beacon payload bit 15")]

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Set both capacity bits."""
        if isinstance(policy, StackPolicy):
            return replace(policy, router_capacity=self.router, end_device_capacity=self.end_device)
        return policy
