"""Legacy devices do odd things in odd orders: no order of records upsets the witness or the ladder."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from coordinator import trace
from coordinator.evidence import render
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import Outcome, Ruling
from coordinator.evidence.witness import Witness
from coordinator.primitives import mlme
from coordinator.types import NwkAddress
from tests.evidence.story import DEVICE, OTHER, REUSE, Story, beacon, us

Act = Callable[[Story, float], object]

SPOKEN_UNDER_THE_NETWORK_KEY: list[Act] = [
    lambda story, at: story.announce(at),
    lambda story, at: story.ask_descriptor(at),
    lambda story, at: story.ask_descriptor(at, status=None),
    lambda story, at: story.request_key(at),
    lambda story, at: story.verify(at),
    lambda story, at: story.permit(at),
    lambda story, at: story.leave(at),
]
ALL_ELSE: list[Act] = [
    lambda story, at: story.associate(at),
    lambda story, at: story.associate(at, status=2),
    lambda story, at: story.associate(at, fetched=None),
    lambda story, at: story.network_key(at),
    lambda story, at: story.network_key(at, delivered=False, protection=None),
    lambda story, at: story.offer(at, delivered=False),
    lambda story, at: story.reuse(at),
    lambda story, at: story.confirm(at),
    lambda story, at: story.confirm(at, 0xAD, delivered=None),
    lambda story, at: story.time_out(at),
    lambda story, at: story.tell_to_leave(at, delivered=False),
    lambda story, at: story.frame(at),
    lambda story, at: story.indicate(at, mlme.BeaconRequestIndication()),
    lambda story, at: story.request(at, beacon()),
    lambda story, at: story.note(REUSE),
]


def steps_of(acts: list[Act]) -> st.SearchStrategy[list[tuple[Act, bool, int]]]:
    """Acts, whether the other device does them, and the pause after each in milliseconds."""
    return st.lists(st.tuples(st.sampled_from(acts), st.booleans(), st.integers(0, 20_000)), max_size=40)


@given(steps_of(ALL_ELSE + SPOKEN_UNDER_THE_NETWORK_KEY))
def test_any_order_of_records_ends_in_a_verdict_that_can_be_drawn(steps: list[tuple[Act, bool, int]]) -> None:
    witness, ladder = Witness(), Ladder()
    lines: list[str] = []

    def note(record: trace.Record) -> None:
        witness.note(record)
        lines.extend(render.plain_rung(row) for row in ladder.note(record))

    stories = (Story(note), Story(note, OTHER, NwkAddress(0x5678)))
    at = 0
    for act, other, pause in steps:
        act(stories[other], at)
        at += pause
    lines += [render.plain_rung(row) for row in ladder.close(us(at))]
    verdict = witness.close(us(at))
    assert verdict.explanation
    assert (verdict.verdict is Ruling.INCONCLUSIVE) == (verdict.outcome is Outcome.INCONCLUSIVE)
    assert (verdict.link_key is not None) <= (verdict.outcome is Outcome.JOINED_SECURE)
    lines += render.plain_outcome(verdict, "sim").splitlines()
    assert all(len(line) <= 80 for block in lines for line in block.splitlines())
    for device in (DEVICE, OTHER):
        witness.forget(device)
    assert witness.devices == ()


@given(steps_of(ALL_ELSE))
def test_a_device_is_only_ever_joined_if_it_was_heard_under_the_network_key(
    steps: list[tuple[Act, bool, int]],
) -> None:
    witness = Witness()
    story = Story(witness.note)
    at = 0
    for act, _, pause in steps:
        act(story, at)
        at += pause
    assert witness.close(us(at)).outcome not in (
        Outcome.JOINED_SECURE,
        Outcome.JOINED_LEGACY,
        Outcome.LEFT_BY_JOINER,
        Outcome.REMOVED_BY_TRUST_CENTER,
    )
