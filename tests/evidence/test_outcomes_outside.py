"""Attempts that never get into the network (issue 2, "Outcome and verdict")."""

from __future__ import annotations

import pytest

from coordinator.codec import zdp
from coordinator.evidence.outcome import Outcome, Ruling, Step, Verdict
from coordinator.evidence.witness import Witness
from coordinator.primitives import mlme
from tests.evidence.story import ADDRESS, Story, beacon, us

WINDOW = 40_000


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def story(witness: Witness) -> Story:
    return Story(witness.note)


def ended(verdict: Verdict) -> tuple[Outcome, Step, Ruling]:
    return verdict.outcome, verdict.step, verdict.verdict


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

    def test_a_run_that_ends_while_somebody_may_still_be_scanning_is_inconclusive(
        self, witness: Witness, story: Story
    ) -> None:
        for at in (0, 3_000):
            story.indicate(at, mlme.BeaconRequestIndication())
        verdict = witness.close(us(7_999))
        assert ended(verdict) == (Outcome.INCONCLUSIVE, Step.SCAN, Ruling.INCONCLUSIVE)
        assert verdict.explanation == (
            "somebody scanned twice, and the run ended 5.0 s later: "
            "too early to tell whether it would associate"
        )
        assert witness.close(us(8_000)).outcome is Outcome.NOT_ASSOCIATED
