"""Behaviours that change a standing policy value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND
from tests.behaviours.plans import behaviour

STACK = StackPolicy(primary_trust_center=True, network_manager=True)
TRUST_CENTER = TrustCenterPolicy()


class TestNodedesc:
    """Server masks of protocol.md 1.6."""

    @pytest.mark.parametrize(("revision", "mask"), [(0, 0x0041), (20, 0x2841), (21, 0x2A41), (23, 0x2E41)])
    def test_revision_is_what_the_server_mask_says(self, revision: int, mask: int) -> None:
        assert behaviour("nodedesc.revision", revision=revision).amend(STACK).server_mask == mask

    def test_without_the_primary_trust_center_bit_a_conbee_ii_sends_0x0040(self) -> None:
        policy = behaviour("nodedesc.revision", revision=0).amend(STACK)
        assert behaviour("nodedesc.no_primary_tc_bit").amend(policy).server_mask == 0x0040


class TestBeacon:
    def test_stack_profile_is_announced(self) -> None:
        amended = behaviour("beacon.stack_profile", stack_profile=1).amend(STACK)
        assert amended == replace(STACK, stack_profile=1)

    @pytest.mark.parametrize("router", [True, False])
    @pytest.mark.parametrize("end_device", [True, False])
    def test_capacity_sets_both_bits(self, router: bool, end_device: bool) -> None:
        amended = behaviour("beacon.capacity", router=router, end_device=end_device).amend(STACK)
        assert (amended.router_capacity, amended.end_device_capacity) == (router, end_device)

    def test_a_beacon_can_be_closed_while_devices_are_accepted(self) -> None:
        amended = behaviour("permit.assoc_off_but_accepts").amend(STACK)
        assert amended == replace(STACK, beacon_association_permit=False)


class TestLeaveTimeout:
    def test_sets_the_time(self) -> None:
        amended = behaviour("leave.timeout", seconds=2.5).amend(TRUST_CENTER)
        assert amended.node_join_timeout == 5 * SECOND // 2

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (RequireKeyExchange.NEVER, RequireKeyExchange.ALWAYS),
            (RequireKeyExchange.ALWAYS, RequireKeyExchange.ALWAYS),
            (RequireKeyExchange.IF_R21, RequireKeyExchange.IF_R21),
        ],
    )
    def test_requires_the_exchange_where_nothing_did(
        self, before: RequireKeyExchange, after: RequireKeyExchange
    ) -> None:
        policy = TrustCenterPolicy(require_key_exchange=before)
        assert behaviour("leave.timeout", seconds=5).amend(policy).require_key_exchange is after
