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


def judge_descriptor(response: zdp.NodeDescriptorResponse, traits: Exchange) -> tuple[Judgement, str | None]:
    """What the device makes of this answer, and the trait that said so where one was asked."""
    if response.status != zdp.Status.SUCCESS:
        return _ON_ERROR[traits.node_descriptor_error], "exchange.node_descriptor_error"
    descriptor = response.descriptor
    if descriptor is None:
        return Judgement.WAIT, None
    trait = None
    if not descriptor.server_mask & zdp.PRIMARY_TRUST_CENTER:
        trait = "exchange.requires_primary_trust_center"
        if traits.requires_primary_trust_center:
            return Judgement.FAIL, trait
    if descriptor.stack_revision < FIRST_REVISION_WITH_EXCHANGE:
        return Judgement.FINISH_WITHOUT, trait
    return Judgement.EXCHANGE, trait


_ON_ERROR = {
    DescriptorErrorReaction.FAIL: Judgement.FAIL,
    DescriptorErrorReaction.PRE_R21: Judgement.FINISH_WITHOUT,
    DescriptorErrorReaction.IGNORE: Judgement.WAIT,
}
