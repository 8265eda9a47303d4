"""`tclk.reuse_global`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.link_key import answer_with, is_requested
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.types import GLOBAL_LINK_KEY, LinkKeyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseGlobal(Behaviour):
    """Answer Request-Key with ZigBeeAlliance09, the key that every device has already.

    Telink accepts, verifies and stays; ZBOSS drops the key, fails and leaves; EmberZNet leaves after
    about 18 s (docs/sources.md, behaviours 1).
    """

    clause: ClassVar[str] = (
        "unverified: since R21 a Trust Center answers Request-Key with a key unique to the device"
    )
    seen: ClassVar[str] = (
        "the coordinator of docs/sources.md, seed; a sniffed Silicon Labs Trust Center; "
        "Nerivec/zigbee-on-host#137; "
        "luar123/zigbee_esphome#76 (Plugwise)"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Put the global key in the place of the link key."""
        return answer_with(plan, GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL) if is_requested(cause) else plan
