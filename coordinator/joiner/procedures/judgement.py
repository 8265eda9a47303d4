"""What the Trust Center's node descriptor means to a device that could exchange its link key."""

from __future__ import annotations

import enum

from coordinator.codec import zdp
from coordinator.joiner.model import DescriptorErrorReaction, Exchange

FIRST_REVISION_WITH_EXCHANGE = 21
"""R21: a Trust Center of this stack revision or later can exchange link keys (protocol.md 0, fact 3)."""


class Judgement(enum.Enum):
    """What to do after a Node_Desc_rsp."""

    EXCHANGE = "exchange"
    FINISH_WITHOUT = "finish without"
    FAIL = "fail"
    WAIT = "wait"


def judge_descriptor(
    response: zdp.NodeDescriptorResponse, traits: Exchange
) -> tuple[Judgement, tuple[str, ...]]:
    """What the device makes of this answer, and the traits it went by."""
    if response.status != zdp.Status.SUCCESS:
        return _ON_ERROR[traits.node_descriptor_error], ("exchange.node_descriptor_error",)
    descriptor = response.descriptor
    if descriptor is None:
        return Judgement.WAIT, ()
    consulted: list[str] = []
    judgement = Judgement.EXCHANGE
    if not descriptor.server_mask & zdp.PRIMARY_TRUST_CENTER:
        consulted.append("exchange.requires_primary_trust_center")
        if traits.requires_primary_trust_center:
            return Judgement.FAIL, tuple(consulted)
    if descriptor.stack_revision < FIRST_REVISION_WITH_EXCHANGE:
        consulted.append("exchange.skips_exchange_before_r21")
        judgement = Judgement.FINISH_WITHOUT if traits.skips_exchange_before_r21 else Judgement.FAIL
    return judgement, tuple(consulted)


_ON_ERROR = {
    DescriptorErrorReaction.FAIL: Judgement.FAIL,
    DescriptorErrorReaction.PRE_R21: Judgement.FINISH_WITHOUT,
    DescriptorErrorReaction.IGNORE: Judgement.WAIT,
}
