"""`permit.assoc_off_but_accepts`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class AssocOffButAccepts(Behaviour):
    """Announce a closed network in the beacon and let devices associate all the same.

    Joiners that filter their scan by the permit bit never try (docs/sources.md, behaviours 42).
    """

    clause: ClassVar[str] = (
        "unverified: superframe bit 15 tells whether association is permitted (docs/sources.md, protocol 1.1)"
    )
    seen: ClassVar[str] = "espressif/esp-zigbee-sdk#60 (the bit never set)"

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Keep the permit bit clear, whatever the permit timer says."""
        return replace(policy, beacon_association_permit=False) if isinstance(policy, StackPolicy) else policy
