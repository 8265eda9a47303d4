"""Supervision of the key exchange: who must prove a link key, and what happens to those that do not.

bdbTrustCenterRequireKeyExchange and bdbTrustCenterNodeJoinTimeout (protocol.md, section 2), the former
with the third value that the seed's Trust Center seems to have (behaviours.md, row 65).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from coordinator.codec import zdp
from coordinator.primitives import Request, zdo
from coordinator.stack.plan import NOTHING, Plan
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import Duration, NwkAddress

FIRST_REVISION_WITH_EXCHANGE = 21
"""Stack revision R21 brought the Trust Center link key exchange (protocol.md, fact 3)."""


def must_prove(policy: TrustCenterPolicy, stack_revision: int | None) -> bool:
    """Whether a device of this revision must prove a link key; an unknown revision is given the benefit."""
    match policy.require_key_exchange:
        case RequireKeyExchange.NEVER:
            return False
        case RequireKeyExchange.ALWAYS:
            return True
        case RequireKeyExchange.IF_R21:
            return stack_revision is not None and stack_revision >= FIRST_REVISION_WITH_EXCHANGE
        case _ as never:
            assert_never(never)


def ask_descriptor(policy: TrustCenterPolicy, address: NwkAddress, stack_revision: int | None) -> Plan:
    """A Node_Desc_req to a device whose revision matters and is not known."""
    if policy.require_key_exchange is not RequireKeyExchange.IF_R21 or stack_revision is not None:
        return NOTHING
    request = zdp.NodeDescriptorRequest(address=address)
    return Plan.of(zdo.CommandRequest(destination=address, command=request))


def next_check(base: TrustCenterPolicy, current: TrustCenterPolicy, elapsed: Duration) -> Duration | None:
    """When, after the network key was sent, to look next; None when there is no further point.

    Both policies have a say: a removal that a behaviour brings forward or puts off is compared with
    the compliant plan at either time, and so leaves its record.
    """
    later = [timeout for timeout in (base.node_join_timeout, current.node_join_timeout) if timeout > elapsed]
    return min(later, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproved:
    """A device that has proved no link key, `elapsed` after it was sent the network key.

    `removal` is the request that would remove it, None if it is behind a router that has no record.
    """

    elapsed: Duration
    authenticated: bool
    stack_revision: int | None
    removal: Request | None


def time_is_up(policy: TrustCenterPolicy, device: Unproved) -> Plan:
    """The removal, if the policy's time is up for this device and it must have proved a link key.

    A device that never used the network key could not open a Leave that it protects (behaviours.md,
    row 39), so nothing is sent to it (row 36: Z-Stack forgets it silently).
    """
    if device.removal is None or not device.authenticated or device.elapsed < policy.node_join_timeout:
        return NOTHING
    return Plan.of(device.removal) if must_prove(policy, device.stack_revision) else NOTHING


def excuse(policy: TrustCenterPolicy, device: Unproved) -> str | None:
    """What is to be noted of a device that was not removed although its time is up; None: nothing odd."""
    if device.elapsed < policy.node_join_timeout or policy.require_key_exchange is RequireKeyExchange.NEVER:
        return None
    if not device.authenticated:
        return "not told to leave: it never used the network key, so it could not read a Leave"
    if policy.require_key_exchange is RequireKeyExchange.IF_R21 and device.stack_revision is None:
        return "not removed: its node descriptor never came, so its revision is not known"
    if device.removal is None and must_prove(policy, device.stack_revision):
        return "not told to leave: it is behind a router that has no record"
    return None
