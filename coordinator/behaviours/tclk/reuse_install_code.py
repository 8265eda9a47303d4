"""`tclk.reuse_install_code`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from coordinator.behaviours.link_key import answer_with, is_requested
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan
from coordinator.types import LinkKeyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseInstallCode(Behaviour):
    """Answer Request-Key with the install-code key that the device joined with.

    A device that asks under any other key is answered as ever.
    """

    clause: ClassVar[str] = (
        "unverified: since R21 a Trust Center answers Request-Key with a key other than the one joined with"
    )
    seen: ClassVar[str] = (
        "docs/sources.md, behaviours 2: the same code path as tclk.reuse_global in zigbee-on-host"
    )

    def decide(self, cause: Cause, plan: Plan) -> Plan:
        """Put the install-code key in the place of the link key."""
        if (
            is_requested(cause)
            and cause.current is not None
            and cause.current_kind is LinkKeyKind.INSTALL_CODE
        ):
            return answer_with(plan, cause.current, LinkKeyKind.INSTALL_CODE)
        return plan
