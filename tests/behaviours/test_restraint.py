"""What a behaviour leaves alone: every cause, policy, frame and octet that is not its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.behaviours import registry
from coordinator.codec import aps, zdp
from coordinator.primitives import Indication, apsme, bdb, mlme, nlme, zdo
from coordinator.stack.plan import Plan
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import TrustCenterPolicy
from tests.behaviours.plans import behaviour, causes, plans


def _link_key_request(cause: Indication) -> bool:
    return isinstance(cause, apsme.RequestKeyIndication) and cause.key_type == 0x04


def _node_descriptor_request(cause: Indication) -> bool:
    return isinstance(cause, zdo.CommandIndication) and isinstance(cause.command, zdp.NodeDescriptorRequest)


def _is(*kinds: type[Indication]) -> Callable[[Indication], bool]:
    return lambda cause: isinstance(cause, kinds)


CONCERN: dict[str, Callable[[Indication], bool]] = {
    "assoc": _is(mlme.AssociateIndication),
    "confirm": _is(apsme.VerifyKeyIndication),
    "leave": _is(bdb.NodeJoinTimeoutIndication),
    "nodedesc": _node_descriptor_request,
    "nwkkey": _is(nlme.JoinIndication, apsme.UpdateDeviceIndication),
    "reqkey": _link_key_request,
    "tclk": _link_key_request,
    "verify": _is(apsme.VerifyKeyIndication),
}
"""By family, the causes whose answers its behaviours may rewrite; the others rewrite none."""

POLICY: dict[str, type] = {
    "beacon": StackPolicy,
    "leave": TrustCenterPolicy,
    "nodedesc": StackPolicy,
    "permit": StackPolicy,
}
"""By family, the part of the policy that its behaviours may amend; the others amend none."""


@pytest.mark.parametrize("name", registry.catalogue())
class TestEachBehaviour:
    @given(cause=causes, plan=plans)
    @settings(max_examples=60)
    def test_never_changes_a_plan_for_a_cause_it_does_not_concern(
        self, name: str, cause: Indication, plan: Plan
    ) -> None:
        concerns = CONCERN.get(name.partition(".")[0], _is())
        if not concerns(cause):
            assert behaviour(name).decide(cause, plan) == plan

    def test_amends_no_other_part_of_the_policy(self, name: str) -> None:
        own = POLICY.get(name.partition(".")[0])
        for policy in (StackPolicy(), TrustCenterPolicy()):
            if not isinstance(policy, own or ()):
                assert behaviour(name).amend(policy) == policy

    @given(plan=plans, data=st.data())
    @settings(max_examples=30)
    def test_adds_no_step_to_a_plan(self, name: str, plan: Plan, data: st.DataObject) -> None:
        cause = data.draw(causes)
        assert len(behaviour(name).decide(cause, plan).steps) <= len(plan.steps)

    @given(psdu=st.binary(max_size=125))
    @settings(max_examples=10)
    def test_touches_no_frame(self, name: str, psdu: bytes) -> None:
        frame = aps.decode(bytes.fromhex("2111380110000004030201004b120011"))
        assert behaviour(name).shape(frame) == frame
        assert behaviour(name).mangle(psdu) == psdu
