"""Each shipped model under each fault: what it asks, when, and how it ends.

The rows are behaviours.md 1, 5, 12, 14, 31 and 32 with its joiner shorthand, the timers are
protocol.md 2, the endings profiles.md. Times count from the network key; answers take 10 ms.
"""

from __future__ import annotations

import pytest

from coordinator.codec import zdp
from coordinator.joiner.device import State
from coordinator.joiner.model import Basis
from coordinator.primitives import apsme, nlme
from coordinator.types import COORDINATOR, GLOBAL_LINK_KEY, SECOND, LinkKeyKind
from tests.joiner.bench import TRUST_CENTER, Bench, compliant, joiner

DESCRIBES = (zdp.NodeDescriptorRequest,)
DELIVERS = (zdp.NodeDescriptorRequest, apsme.RequestKeyRequest)
LONG = 120 * SECOND


def spacing(times: list[float], first: float, step: float = 5.0) -> bool:
    """Whether these are `first`, `first + step`, ..."""
    return times == [round(first + step * index, 6) for index in range(len(times))]


def leave_time(bench: Bench) -> float:
    """When it left, once, by itself, for good and without the rejoin flag."""
    [(at, leave)] = bench.made(nlme.LeaveRequest)
    assert (leave.device, leave.rejoin, leave.remove_children) == (None, False, False)
    assert bench.engine.state is State.LEFT
    assert bench.timers.next_deadline() is None
    return bench.since_join(at)


class TestTheKeyItAlreadyHas:
    """behaviours.md 1, `tclk.reuse_global`."""

    def join(self, name: str) -> Bench:
        bench = joiner(name, answers=compliant(key=GLOBAL_LINK_KEY))
        bench.enter_network()
        bench.run(LONG)
        return bench

    def test_zboss_refuses_it_and_leaves_right_after(self) -> None:
        bench = self.join("zboss-r22")
        assert leave_time(bench) == pytest.approx(0.5 + 0.01 + 0.01 + 0.2)
        assert not bench.made(apsme.VerifyKeyRequest)
        assert bench.link_keys.entry(TRUST_CENTER).pending is None
        assert bench.engine.consulted == (
            "exchange.enabled",
            "exchange.accepts_identical_key",
            "exchange.on_failure",
        )
        assert bench.model.weakest_basis(bench.engine.consulted) is Basis.MEASURED  # the seed

    def test_zboss_in_its_legacy_role_with_the_update_forced_on_proves_nothing_and_waits(self) -> None:
        bench = self.join("zboss-r22-legacy-update")
        assert bench.engine.state is State.UNVERIFIED
        assert bench.engine.finished
        assert len(bench.made(apsme.RequestKeyRequest)) == 1
        assert not bench.made(apsme.VerifyKeyRequest)
        assert not bench.made(nlme.LeaveRequest)
        assert not bench.commands(zdp.MgmtPermitJoiningRequest)
        bench.indicate(nlme.LeaveIndication(device=None, address=bench.address, rejoin=False))
        assert bench.state() is State.REMOVED
        assert bench.model.weakest_basis(bench.engine.consulted) is Basis.MEASURED

    def test_emberznet_leaves_18_s_after_joining(self) -> None:
        bench = self.join("emberznet")  # zigbee-on-host#137
        assert leave_time(bench) == 18.0
        assert not bench.made(apsme.VerifyKeyRequest)
        assert bench.model.weakest_basis(bench.engine.consulted) is Basis.MEASURED

    @pytest.mark.parametrize(
        ("name", "basis"),
        [
            ("telink", Basis.MEASURED),  # the capture of protocol.md 0, fact 1
            ("zstack-3.0.2", Basis.SOURCE),  # no equality check, fact 2
            ("nxp", Basis.ASSUMED),  # unknown: closed library
        ],
    )
    def test_these_take_it_verify_it_and_stay(self, name: str, basis: Basis) -> None:
        bench = self.join(name)
        assert bench.engine.state is State.JOINED
        current = bench.link_keys.entry(TRUST_CENTER).current
        assert (current.key, current.kind) == (GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL)
        assert bench.model.weakest_basis(bench.engine.consulted) is basis

    def test_an_install_code_key_that_comes_back_is_identical_too(self) -> None:
        bench = joiner("zboss-r22")  # behaviours.md 2: compared with the provisional key
        install_code_key = type(GLOBAL_LINK_KEY)(bytes.fromhex("66B6900981E1EE3CA4206B6B861C02BB"))
        bench.link_keys.install_code(TRUST_CENTER, install_code_key)
        bench.answers.update(compliant(key=install_code_key))
        bench.enter_network()
        bench.run(LONG)
        assert leave_time(bench) < 1
        other = joiner("telink")
        other.link_keys.install_code(TRUST_CENTER, install_code_key)
        other.answers.update(compliant(key=install_code_key))
        other.enter_network()
        other.run(LONG)
        assert other.link_keys.entry(TRUST_CENTER).current.kind is LinkKeyKind.INSTALL_CODE


class TestNoNodeDescriptor:
    """behaviours.md 31, `nodedesc.ignore`."""

    @pytest.mark.parametrize(
        ("name", "first", "sent", "left"),
        [
            ("zstack-3.0.2", 0.05, 4, 25.05),  # 4 x 5 s, then 5 s
            ("nxp", 0.3, 3, 15.3),  # 3 x 5 s
            ("telink", 1.0, 4, 21.0),  # the ticker: about 21 s
            ("zboss-r22", 0.5, 3, 15.7),
            ("emberznet", 0.5, 3, 18.0),  # about 18 s, whatever failed
            ("sleepy-zb3", 0.5, 3, 15.7),
        ],
    )
    def test_it_asks_every_5_s_and_leaves(self, name: str, first: float, sent: int, left: float) -> None:
        bench = joiner(name)
        bench.enter_network()
        bench.run(LONG)
        asked = bench.times(zdp.NodeDescriptorRequest)
        assert len(asked) == sent
        assert spacing(asked, first)
        assert leave_time(bench) == left
        assert not bench.made(apsme.RequestKeyRequest)

    def test_the_forced_update_fails_and_stays(self) -> None:
        bench = joiner("zboss-r22-legacy-update")
        bench.enter_network()
        bench.run(LONG)
        assert bench.engine.state is State.UNVERIFIED


class TestNodeDescriptorWithAnErrorStatus:
    """behaviours.md 32, `nodedesc.status`: NXP takes it for pre-R21 and succeeds, Telink keeps waiting."""

    def join(self, name: str) -> Bench:
        answers = {zdp.NodeDescriptorRequest: lambda bench: bench.send_descriptor(status=0x80)}
        bench = joiner(name, answers=answers)
        bench.enter_network()
        bench.run(LONG)
        return bench

    def test_nxp_finishes_without_a_key(self) -> None:
        bench = self.join("nxp")
        assert bench.engine.state is State.JOINED
        assert not bench.made(apsme.RequestKeyRequest)
        assert bench.model.weakest_basis(bench.engine.consulted) is Basis.SOURCE

    def test_an_answer_without_a_descriptor_is_none(self) -> None:
        bench = joiner("nxp")
        bench.enter_network()
        bench.run(SECOND)
        bench.send_zdp(zdp.NodeDescriptorResponse(status=0, address=COORDINATOR))
        assert bench.engine.state is State.DESCRIBING

    @pytest.mark.parametrize(("name", "sent", "left"), [("telink", 4, 21.0), ("zstack-3.0.2", 4, 25.05)])
    def test_these_take_it_for_no_answer(self, name: str, sent: int, left: float) -> None:
        bench = self.join(name)
        assert len(bench.times(zdp.NodeDescriptorRequest)) == sent
        assert leave_time(bench) == left

    @pytest.mark.parametrize(
        ("name", "left"), [("zboss-r22", 0.71), ("sleepy-zb3", 0.71), ("emberznet", 18.0)]
    )
    def test_these_fail_at_once(self, name: str, left: float) -> None:
        bench = self.join(name)
        assert bench.times(zdp.NodeDescriptorRequest) == [0.5]
        assert leave_time(bench) == left


class TestRequestKeyUnanswered:
    """behaviours.md 5, `reqkey.ignore`: they leave after 15 to 25 s of retries, EmberZNet at 18 s."""

    @pytest.mark.parametrize(
        ("name", "first", "sent", "left"),
        [
            ("zstack-3.0.2", 0.06, 4, 25.06),  # protocol.md 2: 4 per step, reset at each step
            ("nxp", 0.31, 3, 15.31),
            ("zboss-r22", 0.51, 3, 15.71),
            ("emberznet", 0.51, 3, 18.0),
            ("sleepy-zb3", 0.51, 3, 15.71),
        ],
    )
    def test_request_key_is_repeated_every_5_s(self, name: str, first: float, sent: int, left: float) -> None:
        bench = joiner(name, answers=compliant(answer=DESCRIBES))
        bench.enter_network()
        bench.run(LONG)
        assert len(bench.times(zdp.NodeDescriptorRequest)) == 1
        requests = bench.times(apsme.RequestKeyRequest)
        assert len(requests) == sent
        assert spacing(requests, first)
        assert leave_time(bench) == left

    def test_telink_repeats_node_desc_req_instead_and_each_answer_brings_a_request_key(self) -> None:
        bench = joiner("telink", answers=compliant(answer=DESCRIBES))
        bench.enter_network()
        bench.run(LONG)
        assert bench.times(zdp.NodeDescriptorRequest) == [1.0, 6.0, 11.0, 16.0]
        assert bench.times(apsme.RequestKeyRequest) == [1.01, 6.01, 11.01, 16.01]
        assert leave_time(bench) == 21.0

    def test_emberznet_does_not_wait_for_its_last_retry(self) -> None:
        bench = joiner("emberznet")  # zigbee-on-host#137: about 18 s after joining
        bench.enter_network()
        bench.run(10 * SECOND)
        bench.send_descriptor()
        bench.run(LONG)
        assert bench.times(apsme.RequestKeyRequest) == [10.0, 15.0]
        assert leave_time(bench) == 18.0

    def test_z_stack_that_is_removed_in_its_last_5_s_was_about_to_leave(self) -> None:
        bench = joiner("zstack-3.0.2", answers=compliant(answer=DESCRIBES))
        bench.enter_network()
        bench.run(22 * SECOND)
        assert bench.engine.state is State.FAILED
        bench.indicate(nlme.LeaveIndication(device=None, address=bench.address, rejoin=False))
        bench.run(LONG)
        assert bench.state() is State.REMOVED
        assert not bench.made(nlme.LeaveRequest)
        assert "leave.delay" in bench.engine.consulted


class TestVerifyKeyUnanswered:
    """behaviours.md 12, `verify.ignore`: the missing Confirm-Key."""

    @pytest.mark.parametrize(
        ("name", "first", "sent", "left"),
        [
            ("zstack-3.0.2", 0.07, 4, 25.07),  # 4 x 5 s then leave
            ("nxp", 0.32, 3, 15.32),  # 3 x 5 s then leave
            ("zboss-r22", 0.52, 3, 15.72),
            ("emberznet", 0.52, 3, 18.0),
            ("sleepy-zb3", 0.52, 3, 15.72),
        ],
    )
    def test_verify_key_is_repeated_every_5_s(self, name: str, first: float, sent: int, left: float) -> None:
        bench = joiner(name, answers=compliant(answer=DELIVERS))
        bench.enter_network()
        bench.run(LONG)
        verifies = bench.times(apsme.VerifyKeyRequest)
        assert len(verifies) == sent
        assert spacing(verifies, first)
        assert len(bench.times(apsme.RequestKeyRequest)) == 1
        assert leave_time(bench) == left
        assert bench.link_keys.entry(TRUST_CENTER).pending is None

    def test_telink_goes_through_it_all_again_with_every_tick(self) -> None:
        bench = joiner("telink", answers=compliant(answer=DELIVERS))
        bench.enter_network()
        bench.run(LONG)
        assert bench.times(zdp.NodeDescriptorRequest) == [1.0, 6.0, 11.0, 16.0]
        assert bench.times(apsme.RequestKeyRequest) == [1.01, 6.01, 11.01, 16.01]
        assert bench.times(apsme.VerifyKeyRequest) == [1.02, 6.02, 11.02, 16.02]
        assert leave_time(bench) == 21.0

    def test_nxp_counts_request_key_and_verify_key_together(self) -> None:
        bench = joiner("nxp", answers=compliant(answer=DESCRIBES))  # protocol.md 2
        bench.enter_network()
        bench.run(6 * SECOND)
        assert bench.times(apsme.RequestKeyRequest) == [0.31, 5.31]
        bench.send_link_key()
        bench.run(LONG)
        assert bench.times(apsme.VerifyKeyRequest) == [6.0, 11.0]
        assert leave_time(bench) == 16.0

    def test_z_stack_counts_each_step_anew(self) -> None:
        bench = joiner("zstack-3.0.2", answers=compliant(answer=DESCRIBES))  # protocol.md 2
        bench.enter_network()
        bench.run(6 * SECOND)
        assert bench.times(apsme.RequestKeyRequest) == [0.06, 5.06]
        bench.send_link_key()
        bench.run(LONG)
        assert bench.times(apsme.VerifyKeyRequest) == [6.0, 11.0, 16.0, 21.0]
        assert leave_time(bench) == 31.0

    def test_an_r21_descriptor_clears_the_count_of_nxp(self) -> None:
        bench = joiner("nxp")  # protocol.md 2: reset by an R21+ Node_Desc_rsp
        bench.enter_network()
        bench.run(6 * SECOND)
        bench.send_descriptor()
        bench.run(LONG)
        assert bench.times(apsme.RequestKeyRequest) == [6.0, 11.0, 16.0]
        assert leave_time(bench) == 21.0


class TestConfirmKeyWithAnErrorStatus:
    """behaviours.md 14, `confirm.status`."""

    def join(self, name: str, status: int = 0xAD) -> Bench:
        bench = joiner(name, answers=compliant(confirm=status))
        bench.enter_network()
        bench.run(LONG)
        return bench

    @pytest.mark.parametrize("status", [0xAD, 0xA3, 0xAA])
    def test_nxp_leaves_immediately(self, status: int) -> None:
        bench = self.join("nxp", status)
        assert leave_time(bench) == 0.33
        assert bench.model.weakest_basis(bench.engine.consulted) is Basis.SOURCE

    def test_z_stack_times_out(self) -> None:
        bench = self.join("zstack-3.0.2")  # profiles.md, negative-confirm
        assert len(bench.times(apsme.VerifyKeyRequest)) == 4
        assert leave_time(bench) == 25.07

    @pytest.mark.parametrize(
        ("name", "left"), [("zboss-r22", 0.73), ("sleepy-zb3", 0.73), ("emberznet", 18.0)]
    )
    def test_these_fail_and_leave_as_they_always_do(self, name: str, left: float) -> None:
        assert leave_time(self.join(name)) == left

    def test_telink_ticks_on_and_leaves(self) -> None:
        assert leave_time(self.join("telink")) == 21.0

    @pytest.mark.parametrize("name", ["zboss-r22", "telink", "nxp", "zstack-3.0.2", "emberznet"])
    def test_the_key_that_was_not_confirmed_protects_nothing(self, name: str) -> None:
        entry = self.join(name).link_keys.entry(TRUST_CENTER)
        assert entry.current.key == GLOBAL_LINK_KEY
        assert entry.pending is None


class TestALateKey:
    """behaviours.md 7, `reqkey.delay`: under 5 s nothing shows; from 5 to 15 s requests repeat."""

    @pytest.mark.parametrize("name", ["zboss-r22", "emberznet", "nxp", "zstack-3.0.2"])
    def test_after_7_s_it_is_taken_and_the_duplicate_does_no_harm(self, name: str) -> None:
        bench = joiner(name, answers=compliant(answer=(zdp.NodeDescriptorRequest, apsme.VerifyKeyRequest)))
        bench.enter_network()
        bench.run(7 * SECOND)
        bench.send_link_key()
        bench.run(5 * SECOND)
        bench.send_link_key()
        bench.run(LONG)
        assert bench.engine.state is State.JOINED
        assert len(bench.times(apsme.RequestKeyRequest)) == 2
        assert len(bench.times(apsme.VerifyKeyRequest)) == 1

    def test_one_that_comes_after_it_left_is_tolerated(self) -> None:
        bench = joiner("zboss-r22", answers=compliant(answer=DESCRIBES))
        bench.enter_network()
        bench.run(20 * SECOND)
        bench.send_link_key()
        bench.send_confirmation()
        assert leave_time(bench) == 15.71
