"""`assoc.pan_full`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.association import refuse
from coordinator.codec.mac_commands import AssociationStatus
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PanFull(Behaviour):
    """Refuse every association with PAN at capacity (0x01).

    Joiners move on; a router should try again later (docs/sources.md, behaviours 44).
    """

    clause: ClassVar[str] = (
        "unverified: an association is granted while joining is permitted and there is room"
    )
    seen: ClassVar[str] = (
        "ConBee II deconz#3357 and #2348 (stale table); CC2531 zigbee2mqtt#3177; espressif/esp-zigbee-sdk#902"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Refuse."""
        return refuse(cause, plan, AssociationStatus.PAN_AT_CAPACITY)
