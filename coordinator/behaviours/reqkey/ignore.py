"""`reqkey.ignore`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.link_key import is_requested
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import NOTHING, Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore(Behaviour):
    """Never answer a Request-Key for the Trust Center link key.

    Joiners of Zigbee 3.0 give up after their retries and leave, 15 to 25 s after they asked
    (docs/sources.md, behaviours 5).
    """

    clause: ClassVar[str] = (
        "unverified: since R21 a Request-Key of type 0x04 is answered with a Transport-Key"
    )
    seen: ClassVar[str] = (
        "EZSP policy 0x50 (silent denial); Z-Stack unless its security mode is SE_STANDARD; "
        "espressif/esp-zigbee-sdk#808; zigpy/bellows#577"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Answer with silence."""
        return NOTHING if is_requested(cause) else plan
