"""Each outcome of one attempt, and where one ends and the next begins (issue 2, "Outcome and verdict")."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.outcome import Outcome, Ruling, Step, Verdict
from coordinator.evidence.witness import Witness
from coordinator.primitives import Request, apsme, nlme, zdo
from coordinator.stack.indirect import NOT_FETCHED
from coordinator.types import GLOBAL_LINK_KEY, Key, LinkKeyKind
from tests.evidence.story import ADDRESS, DEVICE, Story, us

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
            "verified a fresh unique key 230 ms after it associated, "
            "and was still there 39.2 s before the window closed"
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
        story.frame(30_000)
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

    def test_a_joiner_that_stays_after_a_negative_confirm_key_joined_without_a_link_key(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.offer(710)
        story.verify(720)
        story.confirm(730, 0xAD)
        verdict = witness.close(us(WINDOW))
        assert (verdict.outcome, verdict.link_key) == (Outcome.JOINED_LEGACY, None)
        assert "a Confirm-Key of status SECURITY_FAIL (0xad)" in verdict.explanation

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
        assert verdict.explanation == (
            "left 5.0 s after the last of its 3 Request-Keys, none of which was answered"
        )

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


class TestWhatComesTooLate:
    """What never left, or left when the attempt was over, the joiner did not see."""

    def test_a_key_that_found_no_route_was_never_given(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.request_key(700)
        story.offer(900, sent=False, delivered=False, reason="no route")
        story.leave(5_700)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.LEFT_BY_JOINER, Step.REQUEST_KEY, Ruling.FAIL)
        assert verdict.explanation == "left 5.0 s after its Request-Key, which was not answered"

    def test_a_key_that_leaves_after_the_joiner_counts_for_nothing(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        for at in (700, 5_700, 10_700):
            story.request_key(at)
        story.leave(15_700)
        story.offer(20_700, delivered=False)
        verdict = witness.close(us(WINDOW))
        assert verdict.step is Step.REQUEST_KEY
        assert verdict.explanation == (
            "left 5.0 s after the last of its 3 Request-Keys, none of which was answered"
        )

    def test_a_key_that_leaves_after_the_request_to_leave_was_not_given_before_it(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        story.tell_to_leave(15_500)
        story.leave(15_507)
        story.offer(20_700, delivered=False)
        verdict = witness.close(us(WINDOW))
        assert (verdict.outcome, verdict.step) == (Outcome.REMOVED_BY_TRUST_CENTER, Step.REQUEST_KEY)
        assert "it had asked for a link key once and was not answered" in verdict.explanation

    def test_a_frame_of_our_own_that_never_left_says_nothing_of_the_joiner(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        command = zdp.ActiveEndpointsRequest(address=ADDRESS)
        request = zdo.CommandRequest(destination=ADDRESS, command=command)
        story.request(20_000, request, sent=False, delivered=False, reason="the transmit queue is full")
        assert witness.close(us(WINDOW)).outcome is Outcome.JOINED_LEGACY

    def test_a_deviation_in_a_frame_that_never_left_is_none_and_a_delay_is_one(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.request_key(700)
        for behaviour, at in (("reqkey.delay", 700), ("tclk.reuse_global", 20_700)):
            deviation = trace.Deviated(
                at=us(at),
                behaviour=behaviour,
                cause="Request-Key (TC link)",
                before="a",
                after="b",
                clause="",
            )
            witness.note(deviation)
            story.offer(20_700, sent=False, delivered=False, deviations=(deviation,), reason="no route")
        verdict = witness.close(us(WINDOW))
        assert [each.behaviour for each in verdict.deviations] == ["reqkey.delay"]


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

    def test_a_joiner_that_did_not_acknowledge_the_request_had_gone_silent_before(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.tell_to_leave(15_500, delivered=False)
        verdict = witness.close(us(WINDOW))
        assert ended(verdict) == (Outcome.INCONCLUSIVE, Step.WENT_SILENT, Ruling.INCONCLUSIVE)
        assert verdict.explanation == (
            "fell silent without a leave: last known of 10 ms after it associated; the request to leave "
            "(NWK Leave) at 15.0 s was not acknowledged, and nothing was heard of it since"
        )

    def test_a_joiner_that_is_heard_after_an_unacknowledged_request_was_removed_and_stayed(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        story.tell_to_leave(15_500, delivered=False)
        story.frame(30_500)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
        assert verdict.explanation.endswith(
            "the request was never acknowledged, and it was still heard 15.0 s later"
        )

    def test_a_sleeper_that_never_fetched_the_request_was_never_told(
        self, witness: Witness, story: Story
    ) -> None:
        story.enter()
        leave = nlme.LeaveRequest(device=DEVICE, address=ADDRESS)
        story.request(15_500, leave, sent=False, delivered=False, reason=NOT_FETCHED, after=7_680)
        assert ended(witness.close(us(WINDOW)))[:2] == (Outcome.INCONCLUSIVE, Step.WENT_SILENT)

    def test_a_joiner_that_stays_against_our_request_is_told_of(self, witness: Witness, story: Story) -> None:
        story.enter()
        story.tell_to_leave(15_500)
        story.frame(30_500)
        verdict = witness.close(us(WINDOW))
        assert verdict.outcome is Outcome.REMOVED_BY_TRUST_CENTER
        assert verdict.explanation.endswith("the request was not obeyed, and it was still heard 15.0 s later")

    def test_each_form_of_leave_is_a_removal(self, witness: Witness) -> None:
        forms: dict[str, Request] = {
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
