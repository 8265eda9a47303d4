"""`assoc.deny`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.association import refuse
from coordinator.codec.mac_commands import AssociationStatus
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny(Behaviour):
    """Refuse every association with PAN access denied (0x02).

    Joiners go on to the next network, or try again (docs/sources.md, behaviours 43).
    """

    clause: ClassVar[str] = "unverified: an association is granted while joining is permitted"
    seen: ClassVar[str] = "docs/sources.md, behaviours 43: normal at a closed network; virtualabs#9"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Refuse."""
        return refuse(cause, plan, AssociationStatus.PAN_ACCESS_DENIED)
