"""`nodedesc.revision`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import Setting
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.stack.policy import StackPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Behaviour):
    """Claim another stack revision in the node descriptor.

    Joiners since R21 skip the key exchange when it is below 21, and count themselves joined
    (docs/sources.md, behaviours 29, 30).
    """

    clause: ClassVar[str] = (
        "unverified: server mask bits 9 to 15 give the revision that the stack has (docs/sources.md, "
        "protocol 1.6)"
    )
    seen: ClassVar[str] = (
        "dresden-elektronik/deconz-rest-plugin#7497 (ConBee); HA 1.2 Trust Centers; "
        "Nerivec/zigbee-on-host#137"
    )

    revision: Annotated[
        int, Setting("the revision claimed; 0 leaves the bits clear, as before R21", low=0, high=127)
    ]

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Set the stack revision."""
        if isinstance(policy, StackPolicy):
            return replace(policy, stack_revision=self.revision or None)
        return policy
