"""`reqkey.delay`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from coordinator.behaviours.link_key import is_requested
from coordinator.behaviours.setting import DELAY
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.types import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Behaviour):
    """Answer Request-Key late.

    Under 5 s nobody minds; up to 15 s joiners ask again and must be answered alike; past that they
    have left when the key comes (docs/sources.md, behaviours 7).
    """

    clause: ClassVar[str] = (
        "unverified: the key comes within bdbcTCLinkKeyExchangeTimeout (5 s, docs/sources.md, protocol "
        "2) of the request"
    )
    seen: ClassVar[str] = "docs/sources.md, behaviours 7: slow hosts and Trust Centers that run on the host"

    seconds: Annotated[float, DELAY]

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Move every step of the answer back."""
        return plan.delay(round(self.seconds * SECOND)) if is_requested(cause) else plan
