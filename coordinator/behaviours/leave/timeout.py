"""`leave.timeout`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from coordinator.behaviours.setting import Setting
from coordinator.stack.behaviour import Behaviour, PolicyPart
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(Behaviour):
    """Remove a joiner that has not verified a link key of its own this long after the network key.

    Where the profile requires no key exchange at all, this requires one of every joiner
    (docs/sources.md, behaviours 40).
    """

    clause: ClassVar[str] = (
        "none at 15 s: bdbTrustCenterNodeJoinTimeout and bdbTrustCenterRequireKeyExchange "
        "(docs/sources.md, protocol 2)"
    )
    seen: ClassVar[str] = "Trust Centers that require the exchange: Z-Stack, NXP, Telink, ZBOSS, MMB"

    seconds: Annotated[
        float,
        Setting("time from the network key's Transport-Key to the removal", unit="s", low=0.001, high=3600),
    ]

    def amend(self, policy: PolicyPart) -> PolicyPart:
        """Set the time, and require the exchange where nothing did."""
        if not isinstance(policy, TrustCenterPolicy):
            return policy
        required = policy.require_key_exchange
        if required is RequireKeyExchange.NEVER:
            required = RequireKeyExchange.ALWAYS
        return replace(policy, require_key_exchange=required, node_join_timeout=round(self.seconds * SECOND))
