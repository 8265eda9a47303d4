"""`verify.ignore`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.primitives import apsme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import NOTHING, Cause, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore(Behaviour):
    """Never answer a Verify-Key: the Confirm-Key is missing.

    Joiners repeat it and leave: Z-Stack after four times 5 s, NXP after three, Telink after about 21 s
    (docs/sources.md, behaviours 12).
    """

    clause: ClassVar[str] = "unverified: a Verify-Key is answered with a Confirm-Key"
    seen: ClassVar[str] = "docs/sources.md, behaviours 12: asked for by name; no product on record"

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Answer with silence."""
        return NOTHING if isinstance(cause, apsme.VerifyKeyIndication) else plan
