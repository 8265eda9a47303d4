"""bdbTrustCenterRequireKeyExchange and bdbTrustCenterNodeJoinTimeout, 15 s (protocol.md section 2)."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.behaviours.leave.nwk_rejoin import NwkRejoin
from coordinator.behaviours.leave.timeout import Timeout
from coordinator.codec import zdp
from coordinator.primitives import Request, apsme, bdb, nlme, zdo
from coordinator.stack.plan import Step
from coordinator.trust_center.device import Standing
from coordinator.trust_center.policy import RequireKeyExchange, TrustCenterPolicy
from coordinator.types import SECOND, Instant, NwkAddress
from tests.trust_center.bench import ADDRESS, JOINER, ROUTER, ROUTER_ADDRESS, Bench

LEAVE = nlme.LeaveRequest(device=JOINER, address=ADDRESS)
ASK = zdo.CommandRequest(destination=ADDRESS, command=zdp.NodeDescriptorRequest(address=ADDRESS))


def bench_requiring(required: RequireKeyExchange) -> Bench:
    return Bench(TrustCenterPolicy(require_key_exchange=required))


def after(bench: Bench, by: int) -> list[tuple[Instant, Request]]:
    """What is performed in the next `by` microseconds, and when."""
    bench.services.performed.clear()
    bench.advance(by)
    performed = list(bench.services.performed)
    bench.services.performed.clear()
    return performed


class TestAlways:
    def test_a_device_that_proves_nothing_is_told_to_leave_after_exactly_15_s(self) -> None:
        bench = Bench()
        bench.join()
        bench.advance(1 * SECOND)
        bench.announce()
        assert after(bench, 60 * SECOND) == [(Instant(15 * SECOND), LEAVE)]
        assert bench.standing() is Standing.REMOVING

    def test_the_time_out_that_removes_is_in_the_trace_as_concluded_and_one_that_does_not_is_not(
        self,
    ) -> None:
        removed, spared = Bench(), bench_requiring(RequireKeyExchange.NEVER)
        for bench in (removed, spared):
            bench.join()
            bench.announce()
            bench.advance(60 * SECOND)
        timeout = bdb.NodeJoinTimeoutIndication(device=JOINER, address=ADDRESS)
        noted = trace.Indicated(at=Instant(15 * SECOND), indication=timeout, observed=trace.Observed.INFERRED)
        assert noted in removed.services.records
        assert not any(isinstance(record, trace.Indicated) for record in spared.services.records)

    def test_a_device_that_asked_and_never_verified_is_told_to_leave(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.request_key()
        assert after(bench, 60 * SECOND) == [(Instant(15 * SECOND), LEAVE)]

    def test_a_device_whose_every_verification_failed_is_told_to_leave(self) -> None:
        bench = Bench()
        bench.join()
        bench.request_key()
        bench.verify_hash(bytes(16))
        assert after(bench, 60 * SECOND) == [(Instant(15 * SECOND), LEAVE)]

    def test_a_device_that_left_in_time_is_told_nothing(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.advance(5 * SECOND)
        bench.leave()
        assert after(bench, 60 * SECOND) == []

    def test_a_device_that_never_used_the_network_key_is_sent_no_leave_it_could_not_read(self) -> None:
        bench = Bench()
        bench.join()
        assert after(bench, 60 * SECOND) == []
        assert bench.standing() is Standing.KEYED
        assert bench.findings() == [
            "not told to leave: it never used the network key, so it could not read a Leave"
        ]

    def test_the_node_descriptor_is_not_asked_for(self) -> None:
        bench = Bench()
        bench.join()
        bench.requests()
        bench.announce()
        assert bench.requests() == []

    def test_the_time_begins_when_the_network_key_is_sent_not_when_the_device_joins(self) -> None:
        bench = Bench(network_key=False)
        bench.join()
        assert after(bench, 100 * SECOND) == []
        assert bench.standing() is Standing.ASSOCIATED

    def test_a_time_of_zero_removes_at_once(self) -> None:
        bench = Bench(TrustCenterPolicy(node_join_timeout=0))
        bench.join()
        bench.announce()
        assert after(bench, 0) == [(Instant(0), LEAVE)]

    def test_a_time_out_told_from_below_too_early_changes_nothing(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.advance(5 * SECOND)
        bench.engine.indicate(bdb.NodeJoinTimeoutIndication(device=JOINER, address=ADDRESS), bench.now)
        assert after(bench, 60 * SECOND) == [(Instant(15 * SECOND), LEAVE)]
        assert bench.findings() == []

    def test_a_device_that_moved_under_a_router_is_removed_through_that_router(self) -> None:
        bench = Bench()
        bench.secure_join(ROUTER, ROUTER_ADDRESS)
        bench.join()
        bench.announce()
        bench.update_device(status=0x00)
        assert after(bench, 15 * SECOND) == [
            (
                Instant(15 * SECOND),
                apsme.RemoveDeviceRequest(parent=ROUTER, parent_address=ROUTER_ADDRESS, target=JOINER),
            )
        ]
        assert bench.standing() is Standing.REMOVING

    def test_a_device_that_moved_under_an_unknown_router_is_a_finding(self) -> None:
        bench = Bench()
        bench.join()
        bench.announce()
        bench.update_device(status=0x00)
        assert after(bench, 60 * SECOND) == []
        assert bench.findings()[-1] == "not told to leave: it is behind a router that has no record"


class TestNever:
    def test_nobody_is_removed_and_nothing_is_odd_about_it(self) -> None:
        bench = bench_requiring(RequireKeyExchange.NEVER)
        bench.join()
        bench.announce()
        assert after(bench, 3600 * SECOND) == []
        assert bench.standing() is Standing.AUTHENTICATED
        assert bench.findings() == []

    def test_who_asks_for_a_key_still_gets_one(self) -> None:
        bench = bench_requiring(RequireKeyExchange.NEVER)
        bench.secure_join()
        assert bench.standing() is Standing.VERIFIED


class TestIfR21:
    def test_the_descriptor_is_asked_for_after_the_announcement_every_2_s_until_it_comes(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.requests()
        bench.advance(1 * SECOND)
        bench.announce()
        assert bench.requests() == [ASK]
        assert after(bench, 5 * SECOND) == [(Instant(3 * SECOND), ASK), (Instant(5 * SECOND), ASK)]
        bench.describe(22)
        assert after(bench, 8 * SECOND) == []

    @pytest.mark.parametrize(("revision", "removed"), [(0, False), (20, False), (21, True), (22, True)])
    def test_the_revision_decides(self, revision: int, removed: bool) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.describe(revision)
        assert after(bench, 60 * SECOND) == ([(Instant(15 * SECOND), LEAVE)] if removed else [])
        assert bench.findings() == []

    def test_a_descriptor_that_never_comes_is_asked_for_until_the_time_is_up_then_a_finding(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        assert after(bench, 60 * SECOND) == [(Instant(second * SECOND), ASK) for second in range(2, 16, 2)]
        assert bench.standing() is Standing.AUTHENTICATED
        assert bench.findings() == [
            "not removed: its node descriptor never came, so its revision is not known"
        ]

    def test_a_repeated_announcement_does_not_ask_twice(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.requests()
        bench.announce()
        bench.announce()
        assert bench.requests() == [ASK]

    def test_an_asking_that_a_behaviour_repeats_is_still_retried_once_at_a_time(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.services.conductor.carry_out_step(Step(request=ASK), bench.now, ())
        assert after(bench, 3 * SECOND) == [(Instant(2 * SECOND), ASK)]

    def test_the_asking_of_an_earlier_attempt_ends_with_it(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.advance(1 * SECOND)
        bench.join()
        assert after(bench, 10 * SECOND) == []

    def test_a_time_out_told_from_below_too_early_does_not_double_the_one_to_come(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.advance(5 * SECOND)
        bench.engine.indicate(bdb.NodeJoinTimeoutIndication(device=JOINER, address=ADDRESS), bench.now)
        bench.advance(60 * SECOND)
        assert len(bench.findings()) == 1

    def test_an_error_status_ends_the_asking_and_is_a_finding(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.describe(0, status=0x84)
        assert after(bench, 60 * SECOND) == []
        assert bench.findings()[0] == "answered Node_Desc_req with status 0x84 and no descriptor"

    def test_a_descriptor_is_taken_from_a_sender_known_by_its_short_address(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.describe(22, device=None)
        record = bench.engine.devices.find(JOINER)
        assert record is not None
        assert record.stack_revision == 22

    def test_the_descriptor_of_another_device_is_not_taken_for_its_own(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        response = zdp.NodeDescriptorResponse(status=0x81, address=NwkAddress(0x7777))
        bench.command(response, JOINER, ADDRESS)
        assert after(bench, 2 * SECOND) == [(Instant(2 * SECOND), ASK)]

    def test_a_verified_device_is_not_asked_any_more(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.secure_join()
        assert after(bench, 60 * SECOND) == []

    def test_a_retry_of_zero_asks_once(self) -> None:
        policy = TrustCenterPolicy(require_key_exchange=RequireKeyExchange.IF_R21, node_descriptor_retry=0)
        bench = Bench(policy)
        bench.join()
        bench.announce()
        assert after(bench, 14 * SECOND) == []

    def test_a_new_attempt_asks_anew(self) -> None:
        bench = bench_requiring(RequireKeyExchange.IF_R21)
        bench.join()
        bench.announce()
        bench.describe(22)
        bench.join()
        bench.requests()
        bench.announce()
        assert bench.requests() == [ASK]


class TestAmended:
    def test_a_removal_brought_forward_is_a_deviation_from_silence(self) -> None:
        bench = Bench(behaviours=[Timeout(seconds=5.0)])
        bench.join()
        bench.announce()
        assert after(bench, 60 * SECOND) == [(Instant(5 * SECOND), LEAVE)]
        (deviation,) = bench.deviations()
        assert (deviation.behaviour, deviation.before) == ("leave.timeout", "silence")
        assert deviation.after == "NWK Leave request"

    def test_a_removal_put_off_is_a_deviation_at_the_compliant_time_and_happens_at_the_other(self) -> None:
        bench = Bench(behaviours=[Timeout(seconds=30.0)])
        bench.join()
        bench.announce()
        assert after(bench, 60 * SECOND) == [(Instant(30 * SECOND), LEAVE)]
        (deviation,) = bench.deviations()
        assert (deviation.at, deviation.before, deviation.after) == (
            15 * SECOND,
            "NWK Leave request",
            "silence",
        )

    def test_who_proves_a_key_between_the_two_times_stays(self) -> None:
        bench = Bench(behaviours=[Timeout(seconds=30.0)])
        bench.join()
        bench.announce()
        bench.request_key()
        key = bench.offered()
        bench.advance(20 * SECOND)
        bench.verify(key)
        assert after(bench, 60 * SECOND) == []

    def test_another_form_of_leave_is_followed_all_the_same(self) -> None:
        bench = Bench(behaviours=[NwkRejoin()])
        bench.join()
        bench.announce()
        ((_, request),) = after(bench, 60 * SECOND)
        assert request == nlme.LeaveRequest(device=JOINER, address=ADDRESS, rejoin=True)
        assert bench.standing() is Standing.REMOVING
        bench.leave(rejoin=True)
        assert bench.standing() is Standing.REJOINING
        assert bench.findings() == []

    def test_a_profile_switched_in_the_middle_of_an_attempt_decides_when_the_time_is_up(self) -> None:
        bench = bench_requiring(RequireKeyExchange.NEVER)
        bench.join()
        bench.announce()
        bench.advance(10 * SECOND)
        bench.services.switch([Timeout(seconds=15.0)])
        assert after(bench, 60 * SECOND) == [(Instant(15 * SECOND), LEAVE)]
