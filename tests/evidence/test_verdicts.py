"""What is not known, what several attempts and devices amount to, and what a witness keeps."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.outcome import Outcome, Ruling, Step, Verdict
from coordinator.evidence.witness import Witness
from coordinator.primitives import apsde, apsme, mlme, nlme, zdo
from coordinator.types import GLOBAL_LINK_KEY, LinkKeyKind, NwkAddress
from tests.evidence.story import ADDRESS, DEVICE, OTHER, ROUTER, SLEEPY, Story, us

WINDOW = 40_000


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def story(witness: Witness) -> Story:
    return Story(witness.note)


def ended(verdict: Verdict) -> tuple[Outcome, Step, Ruling]:
    return verdict.outcome, verdict.step, verdict.verdict


class TestInconclusive:
    def test_nobody_heard_is_inconclusive(self, witness: Witness) -> None:
        assert ended(witness.close(us(WINDOW))) == (
            Outcome.INCONCLUSIVE,
            Step.NO_JOINER_HEARD,
            Ruling.INCONCLUSIVE,
        )

    def test_an_authenticated_joiner_that_stops_acknowledging_went_silent(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710, delivered=False)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.INCONCLUSIVE, Step.WENT_SILENT, Ruling.INCONCLUSIVE)
        assert "a later frame to it was not acknowledged" in verdict.explanation

    def test_a_verified_joiner_that_goes_silent_is_no_secure_join(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.exchange(700)
        request = zdo.CommandRequest(destination=ADDRESS, command=zdp.ActiveEndpointsRequest(address=ADDRESS))
        story.request(20_000, request, delivered=False)
        assert witness.close(us(WINDOW)).step is Step.WENT_SILENT

    def test_one_lost_frame_is_no_silence_if_the_joiner_is_heard_again(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710, delivered=False)
        story.request_key(5_700)
        story.offer(5_710)
        assert witness.close(us(WINDOW)).outcome is Outcome.JOINED_LEGACY

    @pytest.mark.parametrize(
        ("capability", "proof"),
        [
            (ROUTER, "no frame of this router in the 17.0 s since, link status neither"),
            (SLEEPY, "it has not polled in the 17.0 s since"),
            (0x8C, "nothing was heard of it in the 17.0 s since"),
        ],
    )
    def test_a_joiner_that_was_not_heard_for_a_link_status_period_went_silent(
        self, witness: Witness, capability: int, proof: str
    ) -> None:
        story = Story(witness.note, capability=capability)
        story.enter()
        story.frame(10_000)
        assert witness.close(us(26_000)).outcome is Outcome.JOINED_LEGACY
        verdict = witness.close(us(27_000))
        assert ended(verdict) == (Outcome.INCONCLUSIVE, Step.WENT_SILENT, Ruling.INCONCLUSIVE)
        assert verdict.explanation == (
            f"fell silent without a leave: last known of 9.5 s after it associated, and {proof}"
        )

    def test_silence_means_nothing_to_a_witness_that_is_shown_no_frames(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        assert witness.close(us(300_000)).outcome is Outcome.JOINED_LEGACY

    def test_a_member_that_associates_anew_without_a_leave_went_silent_before(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.enter(12_000)
        verdict = witness.close(us(WINDOW))
        first, second = verdict.attempts
        assert (first.outcome, first.step) == (Outcome.INCONCLUSIVE, Step.WENT_SILENT)
        assert second.outcome is Outcome.JOINED_LEGACY
        assert verdict.outcome is Outcome.JOINED_LEGACY

    def test_missing_evidence_makes_any_verdict_inconclusive(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.exchange(700)
        witness.miss("the radio was reset")
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.JOINED_SECURE, Step.JOINED, Ruling.INCONCLUSIVE)
        assert verdict.incomplete == ("the radio was reset",)


class TestVerdict:
    def test_the_expected_outcome_passes_and_the_usual_one_then_fails(self) -> None:
        witness = Witness(expect={Outcome.LEFT_BY_JOINER})
        gone, stayed = Story(witness.note), Story(witness.note, OTHER, type(ADDRESS)(0x5678))
        gone.enter()
        gone.leave(900)
        stayed.enter()
        assert witness.verdict(DEVICE, us(WINDOW)).verdict is Ruling.PASS
        assert witness.verdict(OTHER, us(WINDOW)).verdict is Ruling.FAIL

    def test_the_worst_of_several_devices_is_the_verdict_on_the_window(self, witness: Witness) -> None:
        good, bad = Story(witness.note), Story(witness.note, OTHER, type(ADDRESS)(0x5678))
        good.enter()
        bad.enter(100)
        good.exchange(700)
        bad.request_key(800)
        bad.reuse(800)
        bad.leave(900)
        verdict = witness.close(us(WINDOW))
        assert (verdict.device, verdict.outcome) == (OTHER, Outcome.LEFT_BY_JOINER)
        assert [each.outcome for each in verdict.devices] == [Outcome.JOINED_SECURE, Outcome.LEFT_BY_JOINER]
        assert verdict.devices[0].deviations == ()

    def test_findings_and_drops_of_a_device_are_kept_with_its_attempt(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        witness.note(trace.Finding(at=us(600), device=DEVICE, summary="its node descriptor never came"))
        witness.note(trace.Dropped(at=us(700), layer="aps", reason="Request-Key in clear", source=ADDRESS))
        witness.note(trace.Dropped(at=us(701), layer="aps", reason="APS duplicate", source=ADDRESS))
        (attempt,) = witness.close(us(WINDOW)).attempts
        assert attempt.findings == ("its node descriptor never came", "dropped (aps): Request-Key in clear")

    def test_a_key_of_an_earlier_attempt_is_recognised(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.exchange(700)
        story.leave(5_000)
        story.enter(6_000)
        story.exchange(6_700)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.JOINED_SECURE
        assert "the unique key of an earlier attempt" in verdict.explanation
        assert "a fresh unique key" not in verdict.explanation

    def test_silent_and_scan_deviations_belong_to_the_attempt_they_hit(
        self, witness: Witness, story: Story
    ) -> None:
        for number in range(2):
            story.indicate(number, mlme.BeaconRequestIndication())
            witness.note(
                trace.Deviated(
                    at=us(number),
                    behaviour="beacon.capacity",
                    cause="Beacon Request",
                    before="a",
                    after="b",
                    clause="c",
                )
            )
        story.enter(100)
        bystander = Story(witness.note, OTHER, type(ADDRESS)(0x5678))
        bystander.enter(200)
        story.request_key(1_000)
        witness.note(
            trace.Deviated(
                at=us(1_000),
                behaviour="reqkey.ignore",
                cause="Request-Key (TC link)",
                before="Transport-Key",
                after="silence",
                clause="",
            )
        )
        verdict = witness.verdict(DEVICE, us(WINDOW))
        assert {each.behaviour: each.count for each in verdict.deviations} == {
            "beacon.capacity": 2,
            "reqkey.ignore": 1,
        }
        assert witness.verdict(OTHER, us(WINDOW)).deviations == ()


class TestWhoseDeviation:
    """A deviation names its cause and no device: the answer it changes, and the instant, tell whose it is."""

    def deviated(self, at: float, cause: str, behaviour: str = "leave.nwk_rejoin") -> trace.Deviated:
        return trace.Deviated(at=us(at), behaviour=behaviour, cause=cause, before="a", after="b", clause="c")

    def test_one_that_a_timer_caused_is_the_only_devices(self, witness: Witness, story: Story) -> None:
        story.enter()
        witness.note(self.deviated(15_500, "bdbTrustCenterNodeJoinTimeout"))
        story.tell_to_leave(15_500)
        verdict = witness.close(us(WINDOW))
        assert [each.behaviour for each in verdict.deviations] == ["leave.nwk_rejoin"]
        assert "because bdbTrustCenterNodeJoinTimeout ran out" in verdict.explanation

    def test_among_several_devices_it_is_whose_request_carries_it(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        other = Story(witness.note, OTHER, NwkAddress(0x5678))
        other.enter(100)
        deviation = self.deviated(15_500, "bdbTrustCenterNodeJoinTimeout")
        witness.note(deviation)
        leave = nlme.LeaveRequest(device=DEVICE, address=ADDRESS, rejoin=True)
        story.request(15_500, leave, deviations=(deviation,))
        assert witness.verdict(OTHER, us(WINDOW)).deviations == ()
        (counted,) = witness.verdict(DEVICE, us(WINDOW)).deviations
        assert (counted.behaviour, counted.count) == ("leave.nwk_rejoin", 1)

    def test_a_cause_of_an_earlier_instant_is_not_its_cause(self, witness: Witness, story: Story) -> None:
        story.enter()
        other = Story(witness.note, OTHER, NwkAddress(0x5678))
        other.enter(100)
        story.request_key(900)
        deviation = self.deviated(950, "Request-Key (TC link)", "tclk.reuse_global")
        witness.note(deviation)
        other.offer(950, GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL, deviations=(deviation,))
        assert witness.verdict(DEVICE, us(WINDOW)).deviations == ()
        assert len(witness.verdict(OTHER, us(WINDOW)).deviations) == 1


class TestThroughARouter:
    def update(self, at: float, status: int) -> trace.Indicated:
        indication = apsme.UpdateDeviceIndication(
            parent=OTHER, device=DEVICE, address=ADDRESS, status=status, security=apsde.NWK_ONLY
        )
        return trace.Indicated(at=us(at), indication=indication)

    def test_an_update_device_of_an_unsecured_join_begins_an_attempt(
        self, witness: Witness, story: Story
    ) -> None:
        witness.note(self.update(0, 0x01))
        story.network_key(10)
        story.announce(20)
        verdict = witness.close(us(WINDOW))
        assert (verdict.device, verdict.outcome) == (DEVICE, Outcome.JOINED_LEGACY)

    def test_an_update_device_of_a_departure_is_a_leave(self, witness: Witness, story: Story) -> None:
        witness.note(self.update(0, 0x01))
        story.network_key(10)
        story.announce(20)
        witness.note(self.update(9_000, 0x02))
        assert witness.close(us(WINDOW)).outcome is Outcome.LEFT_BY_JOINER

    def test_a_parent_that_acknowledges_a_remove_device_says_nothing_of_its_child(
        self, witness: Witness, story: Story
    ) -> None:
        witness.note(self.update(0, 0x01))
        story.network_key(10)
        story.announce(20)
        removal = apsme.RemoveDeviceRequest(parent=OTHER, parent_address=NwkAddress(0x5678), target=DEVICE)
        story.request(15_000, removal)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
        assert verdict.explanation.endswith("no leave was heard from it")


class TestUpkeep:
    def test_it_is_settled_when_everyone_seen_has_left(self, witness: Witness, story: Story) -> None:
        assert not witness.settled()
        story.enter()
        assert not witness.settled()
        story.leave(900)
        assert witness.settled()
        story.enter(2_000)
        assert not witness.settled()

    def test_a_forgotten_device_leaves_nothing_behind(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710, delivered=None)
        witness.forget(DEVICE)
        assert witness.devices == ()
        assert witness.close(us(WINDOW)).step is Step.NO_JOINER_HEARD
        assert not witness._outbound._awaited
        assert not witness._register._addresses

    def test_only_the_last_attempts_of_a_restless_device_are_kept_and_the_rest_counted(
        self, witness: Witness, story: Story
    ) -> None:
        for start in range(0, 100_000, 4_000):
            story.associate(start)
            story.network_key(start + 500)
        verdict = witness.close(us(200_000))
        assert len(verdict.attempts) == 16
        assert verdict.earlier == 9
        assert verdict.attempts[-1].number == 25
