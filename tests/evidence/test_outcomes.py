"""Each outcome of a single attempt, and where one ends and the next begins (issue 2, "Outcome and verdict")."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.outcome import Outcome, Ruling, Step, Verdict
from coordinator.evidence.witness import Witness
from coordinator.primitives import apsme, mlme, zdo
from coordinator.types import GLOBAL_LINK_KEY, Key, LinkKeyKind
from tests.evidence.story import ADDRESS, DEVICE, FRESH, OTHER, SLEEPY, Story, beacon, us

WINDOW = 40_000


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def story(witness: Witness) -> Story:
    return Story(witness.note)


def ended(verdict: Verdict) -> tuple[Outcome, Step, Ruling]:
    return verdict.outcome, verdict.step, verdict.verdict


class TestJoinedSecure:
    def test_a_delivered_confirm_key_success_and_no_leave_is_a_secure_join(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.ask_descriptor(600)
        story.exchange(700)
        story.permit(800)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.JOINED_SECURE, Step.JOINED, Ruling.PASS)
        assert verdict.link_key is LinkKeyKind.UNIQUE
        assert verdict.seconds == 0.3
        assert verdict.explanation == (
            "verified a fresh unique key 230 ms after it associated, and was still there when the window closed"
        )

    def test_the_octets_of_the_key_tell_a_global_key_whatever_the_request_calls_it(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.exchange(700, GLOBAL_LINK_KEY, LinkKeyKind.UNIQUE)
        verdict = witness.close(us(WINDOW))
        assert verdict.link_key is LinkKeyKind.GLOBAL
        assert "the key it already had (ZigBeeAlliance09)" in verdict.explanation

    def test_the_key_of_an_install_code_sent_back_is_an_install_code_key(
        self, witness: Witness, story: Story
    ) -> None:
        code = Key(bytes.fromhex("66b6900981e1ee3ca4206b6b861c02bb"))
        witness.note(trace.KeyInUse(at=us(0), key=code, device=DEVICE, kind=LinkKeyKind.INSTALL_CODE))
        story.enter(10)
        story.exchange(700, code)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.JOINED_SECURE
        assert verdict.link_key is LinkKeyKind.INSTALL_CODE
        assert "the key it already had (its install code's)" in verdict.explanation

    def test_an_unacknowledged_confirm_key_proves_nothing(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        story.verify(720)
        story.confirm(730, delivered=False)
        story.frame(20_000)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.INCONCLUSIVE, Step.CONFIRM_KEY, Ruling.INCONCLUSIVE)

    def test_a_second_confirm_key_that_arrives_makes_up_for_the_first(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.exchange(700)
        story.verify(5_700)
        story.confirm(5_710)
        assert witness.close(us(WINDOW)).outcome is Outcome.JOINED_SECURE

    def test_a_joiner_that_goes_on_to_permit_joining_had_its_unacknowledged_confirm_key(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        story.verify(720)
        story.confirm(730, delivered=False)
        story.permit(900)
        assert witness.close(us(WINDOW)).outcome is Outcome.JOINED_SECURE

    def test_a_leave_after_the_confirmation_undoes_the_join(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.exchange(700)
        story.leave(9_000)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.LEFT_BY_JOINER, Step.CONFIRM_KEY, Ruling.FAIL)
        assert verdict.explanation == "left 8.3 s after a Confirm-Key with status SUCCESS"
        assert verdict.link_key is None


class TestJoinedLegacy:
    def test_a_joiner_that_asks_for_no_link_key_and_stays_is_a_legacy_join(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.JOINED_LEGACY, Step.JOINED, Ruling.PASS)
        assert verdict.link_key is None
        assert "never asked for a link key" in verdict.explanation

    def test_any_secured_frame_authenticates_not_only_device_annce(
        self, witness: Witness, story: Story
    ) -> None:
        story.associate()
        story.network_key()
        story.command(600, zdp.ActiveEndpointsRequest(address=ADDRESS))
        assert witness.close(us(WINDOW)).outcome is Outcome.JOINED_LEGACY

    def test_a_reused_key_that_is_never_verified_leaves_a_legacy_join(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.reuse(700)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.JOINED_LEGACY
        assert "given the key it already had (ZigBeeAlliance09) and sent no Verify-Key" in verdict.explanation

    def test_a_window_that_closes_in_the_middle_of_an_exchange_is_inconclusive(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        assert ended(witness.close(us(10_700))) == (
            Outcome.INCONCLUSIVE,
            Step.TRANSPORT_LINK_KEY,
            Ruling.INCONCLUSIVE,
        )
        assert witness.close(us(10_711)).outcome is Outcome.JOINED_LEGACY

    def test_a_window_that_closes_at_once_after_the_announcement_is_inconclusive(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        assert ended(witness.close(us(2_509)))[:2] == (Outcome.INCONCLUSIVE, Step.ANNOUNCE)
        assert witness.close(us(2_510)).outcome is Outcome.JOINED_LEGACY


class TestLeftByJoiner:
    def test_the_seeds_second_case_leaves_right_after_the_key_it_already_had(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.ask_descriptor(600)
        story.request_key(700)
        story.reuse(700)
        story.leave(914)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.LEFT_BY_JOINER, Step.TRANSPORT_LINK_KEY, Ruling.FAIL)
        assert verdict.explanation == (
            "left 214 ms after a Transport-Key carrying the key it already had (ZigBeeAlliance09)"
        )
        assert verdict.seconds == 0.414
        (deviation,) = verdict.deviations
        assert (deviation.behaviour, deviation.count) == ("tclk.reuse_global", 1)
        assert deviation.clause == "R21: a fresh key"

    def test_unanswered_request_keys_are_counted(self, witness: Witness, story: Story) -> None:
        story.enter()
        for at in (700, 5_700, 10_700):
            story.request_key(at)
        story.leave(15_700)
        verdict = witness.close(us(WINDOW))
        assert verdict.step is Step.REQUEST_KEY
        assert verdict.explanation == "left 5.0 s after the last of its 3 Request-Keys, none of which was answered"

    def test_an_unconfirmed_verify_key_is_named(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        story.verify(720)
        story.leave(5_720)
        verdict = witness.close(us(WINDOW))
        assert verdict.step is Step.VERIFY_KEY
        assert verdict.explanation == "left 5.0 s after its Verify-Key, which was not confirmed"

    def test_a_negative_confirm_key_is_named_with_its_status(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        story.verify(720)
        story.confirm(730, 0xAD)
        story.leave(731)
        verdict = witness.close(us(WINDOW))
        assert verdict.step is Step.CONFIRM_KEY
        assert verdict.explanation == "left 1.0 ms after a Confirm-Key with status SECURITY_FAIL (0xad)"

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (None, "left 5.0 s after its Node_Desc_req, which was not answered"),
            (0x84, "left 5.0 s after a Node_Desc_rsp with status 0x84"),
            (0, "left 5.0 s after our Node_Desc_rsp, without asking for a link key"),
        ],
    )
    def test_the_node_descriptor_is_blamed_for_what_it_was(
        self, witness: Witness, story: Story, status: int | None, expected: str
    ) -> None:
        story.enter()
        story.ask_descriptor(1_000, status=status)
        story.leave(6_000)
        verdict = witness.close(us(WINDOW))
        assert verdict.step is Step.NODE_DESCRIPTOR
        assert verdict.explanation == expected

    def test_a_leave_before_our_request_is_the_joiners_own(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.leave(14_000)
        story.tell_to_leave(15_500)
        assert witness.close(us(WINDOW)).outcome is Outcome.LEFT_BY_JOINER

    def test_a_leave_that_announces_a_rejoin_says_so(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.leave(14_000, rejoin=True)
        assert witness.close(us(WINDOW)).explanation.endswith("(it said that it would rejoin)")


class TestRemovedByTrustCenter:
    def test_the_seeds_legacy_joiner_is_removed_when_its_time_is_up(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.time_out(15_500)
        story.tell_to_leave(15_500)
        story.leave(15_507)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.REMOVED_BY_TRUST_CENTER, Step.ANNOUNCE, Ruling.FAIL)
        assert verdict.seconds == 15.0
        assert verdict.explanation == (
            "told to leave (NWK Leave) 15.0 s after its network key because bdbTrustCenterNodeJoinTimeout "
            "ran out with no verified link key; it had never asked for one; it left 7.0 ms later"
        )

    def test_the_seeds_first_case_is_removed_with_the_reused_key_in_hand(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.reuse(700)
        story.tell_to_leave(15_500)
        story.leave(15_507)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict)[:2] == (Outcome.REMOVED_BY_TRUST_CENTER, Step.TRANSPORT_LINK_KEY)
        assert "given the key it already had (ZigBeeAlliance09) and sent no Verify-Key" in verdict.explanation

    def test_a_request_that_nobody_acknowledged_is_still_a_removal_and_says_so(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.tell_to_leave(15_500, delivered=False)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
        assert verdict.explanation.endswith(
            "the request was never acknowledged, and nothing was heard of it since"
        )

    def test_a_joiner_that_stays_against_our_request_is_told_of(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.tell_to_leave(15_500)
        story.frame(30_500)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
        assert verdict.explanation.endswith("the request was not obeyed, and it was still heard 15.0 s later")

    def test_each_form_of_leave_is_a_removal(self, witness: Witness) -> None:
        forms = {
            "Remove-Device": apsme.RemoveDeviceRequest(parent=DEVICE, parent_address=ADDRESS, target=DEVICE),
            "Mgmt_Leave_req": zdo.CommandRequest(
                destination=ADDRESS, command=zdp.MgmtLeaveRequest(device=DEVICE)
            ),
            "Mgmt_Leave_req with rejoin": zdo.CommandRequest(
                destination=ADDRESS, command=zdp.MgmtLeaveRequest(device=type(DEVICE)(0), flags=0x80)
            ),
        }
        for number, (form, request) in enumerate(forms.items()):
            story = Story(witness.note)
            story.enter(number * 20_000)
            story.request(number * 20_000 + 15_000, request)
            story.leave(number * 20_000 + 15_010)
            verdict = witness.close(us(100_000))
            assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
            assert f"told to leave ({form}) " in verdict.explanation


class TestNeverAuthenticated:
    def test_a_joiner_that_never_uses_the_network_key_is_never_authenticated(
        self, witness: Witness, story: Story
    ) -> None:
        story.associate()
        story.network_key(protection=None)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.NEVER_AUTHENTICATED, Step.NETWORK_KEY, Ruling.FAIL)
        assert "was sent its network key once in the clear" in verdict.explanation

    def test_an_unsecured_frame_does_not_authenticate(self, witness: Witness, story: Story) -> None:
        story.associate()
        story.network_key()
        story.command(600, zdp.ActiveEndpointsRequest(address=ADDRESS), secured=False)
        assert witness.close(us(WINDOW)).outcome is Outcome.NEVER_AUTHENTICATED

    def test_each_new_association_is_an_attempt_and_the_last_decides(
        self, witness: Witness, story: Story
    ) -> None:
        for start in (0, 4_000, 8_000):
            story.associate(start)
            story.network_key(start + 500)
        verdict = witness.close(us(WINDOW))
        assert [attempt.outcome for attempt in verdict.attempts] == [Outcome.NEVER_AUTHENTICATED] * 3
        assert [attempt.number for attempt in verdict.attempts] == [1, 2, 3]
        assert verdict.attempts[0].explanation.endswith("; it associated again 3.5 s later")
        assert verdict.attempts[0].seconds == 3.5

    def test_a_window_that_closes_while_a_joiner_may_wait_for_its_key_is_inconclusive(
        self, witness: Witness, story: Story
    ) -> None:
        story.associate()
        story.network_key()
        assert witness.close(us(3_499)).outcome is Outcome.INCONCLUSIVE
        assert witness.close(us(3_500)).outcome is Outcome.NEVER_AUTHENTICATED

    def test_a_trust_center_that_never_sent_the_key_is_told_of(self, witness: Witness, story: Story) -> None:
        story.associate()
        verdict = witness.close(us(WINDOW))
        assert ended(verdict)[:2] == (Outcome.NEVER_AUTHENTICATED, Step.ASSOCIATION)
        assert "never sent a network key" in verdict.explanation


class TestNotAssociated:
    @pytest.mark.parametrize(("status", "words"), [(1, "PAN at capacity"), (2, "PAN access denied")])
    def test_a_refusal_is_named(self, witness: Witness, story: Story, status: int, words: str) -> None:
        story.associate(status=status)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.NOT_ASSOCIATED, Step.ASSOCIATION, Ruling.FAIL)
        assert verdict.explanation == f"asked to associate and was refused ({words})"
        assert verdict.seconds is None

    def test_a_response_that_is_never_fetched_is_no_association(self, witness: Witness, story: Story) -> None:
        story.associate(fetched=False)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.NOT_ASSOCIATED
        assert verdict.explanation == "asked to associate and never fetched the Association Response"

    def test_requests_repeated_before_an_answer_is_fetched_are_one_attempt(
        self, witness: Witness, story: Story
    ) -> None:
        story.associate(0, fetched=None)
        story.associate(600)
        story.network_key(1_100)
        story.announce(1_110)
        verdict = witness.close(us(WINDOW))
        assert len(verdict.attempts) == 1
        assert verdict.outcome is Outcome.JOINED_LEGACY

    def test_a_response_that_may_still_be_fetched_is_inconclusive(
        self, witness: Witness, story: Story
    ) -> None:
        story.associate(fetched=None)
        assert ended(witness.close(us(7_679))) == (
            Outcome.INCONCLUSIVE,
            Step.ASSOCIATION,
            Ruling.INCONCLUSIVE,
        )

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (beacon(open_=False), "association is not permitted"),
            (beacon(router_room=False), "there is no room for routers"),
            (beacon(profile=1), "the stack profile is 1"),
            (beacon(), "the beacon was open to all"),
            (None, "no beacon was sent"),
        ],
    )
    def test_a_scan_without_an_association_is_explained_by_the_beacon(
        self, witness: Witness, story: Story, sent: mlme.BeaconRequest | None, words: str
    ) -> None:
        for at in (0, 3_000):
            story.indicate(at, mlme.BeaconRequestIndication())
            if sent is not None:
                story.request(at, sent)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.NOT_ASSOCIATED, Step.SCAN, Ruling.FAIL)
        assert verdict.device is None
        assert verdict.explanation.startswith("somebody scanned twice and never asked to associate: ")
        assert words in verdict.explanation


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
        request = zdo.CommandRequest(
            destination=ADDRESS, command=zdp.ActiveEndpointsRequest(address=ADDRESS)
        )
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

    def test_a_router_without_link_status_for_three_periods_went_silent(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.frame(10_000)
        assert witness.close(us(55_000)).outcome is Outcome.JOINED_LEGACY
        assert witness.close(us(55_001)).step is Step.WENT_SILENT

    def test_a_sleeper_may_keep_quiet(self, witness: Witness) -> None:
        story = Story(witness.note, capability=SLEEPY)
        story.enter()
        story.frame(10_000)
        assert witness.close(us(300_000)).outcome is Outcome.JOINED_LEGACY

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
                    at=us(number), behaviour="beacon.capacity", cause="Beacon Request", before="a", after="b", clause="c"
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


def test_the_key_values_of_the_story_are_not_the_well_known_one() -> None:
    assert FRESH != GLOBAL_LINK_KEY
