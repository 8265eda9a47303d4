"""Whatever is asked for and withdrawn, whenever: the node stays sound and everybody is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator import trace
from coordinator.behaviours import registry
from coordinator.evidence.outcome import Outcome
from coordinator.profiles import joiners, load
from coordinator.sim.air import Link, MediumConfig
from coordinator.switching.change import Edit, Misfit, add, become, remove, together
from coordinator.switching.moment import AfterSpan, AfterStep, Moment, StepName, When
from coordinator.types import SECOND
from tests.switching import oracle
from tests.switching.bench import Ask, Bench

PROFILES, JOINERS = tuple(load.catalogue()), tuple(joiners.catalogue())
DELAYED = registry.find("reqkey.delay").build({"seconds": 3.0})

moments: st.SearchStrategy[Moment] = st.one_of(
    st.sampled_from(When),
    st.builds(AfterStep, step=st.sampled_from(StepName), count=st.integers(1, 3), answered=st.booleans()),
    st.builds(AfterSpan, span=st.integers(0, 20 * SECOND)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """To ask at `at`, from outside; to withdraw it `cancelled` later; to ask anew in the call that tells."""

    at: int
    edit: str
    moment: Moment
    stale: int | None
    cancelled: int | None
    again: Moment | None


wishes = st.builds(
    Wish,
    at=st.integers(0, 30 * SECOND),
    edit=st.sampled_from(("first", "second", "add", "remove", "both")),
    moment=moments,
    stale=st.none() | st.integers(1, 4),
    cancelled=st.none() | st.integers(0, 10 * SECOND),
    again=st.none() | moments,
)


def edits(first: str, second: str) -> dict[str, Edit]:
    return {
        "first": become(load.load(first)),
        "second": become(load.load(second)),
        "add": add(DELAYED, 0),
        "remove": remove("reqkey.delay"),
        "both": together(become(load.load(second)), add(DELAYED)),
    }


def wish_for(bench: Bench, wish: Wish, edit: Edit, cancelled: set[int]) -> Callable[[], None]:
    """The call that asks, and sees to the rest."""

    def ask(moment: Moment, *, again: Moment | None) -> Ask | None:
        def told() -> None:
            if again is not None:
                ask(again, again=None)

        try:
            return bench.ask(edit, moment, generation=wish.stale, done=lambda _: told())
        except Misfit:
            return None  # told in that way

    def cancel(asked: Ask) -> None:
        if asked.pending is not None and bench.switcher.cancel(asked.pending):
            cancelled.add(id(asked))

    def call() -> None:
        asked = ask(wish.moment, again=wish.again)
        if asked is not None and wish.cancelled is not None:
            bench.at(bench.now + wish.cancelled, lambda: cancel(asked))

    return call


def assert_told_once(bench: Bench, cancelled: set[int]) -> None:
    waiting = {id(each) for each in bench.switcher.pending}
    for ask in bench.asks:
        told = len(ask.effects) + len(ask.withdrawn)
        assert told == (0 if id(ask.pending) in waiting else 1)
        assert (ask.withdrawn == [None]) is (id(ask) in cancelled)


def assert_boundaries(bench: Bench) -> None:
    """Each effect against the trace."""
    records = bench.records
    effects = sorted(
        (effect for ask in bench.asks for effect in ask.effects), key=lambda each: each.generation
    )
    assert [each.generation for each in effects] == list(range(2, len(effects) + 2))
    assert [each.generation for each in bench.switched] == [each.generation for each in effects]
    oracle.assert_each_frame_has_the_generation_it_was_decided_in(records)
    generations = [each.generation for each in bench.sent]
    for effect in effects:
        switch = oracle.switch_at(records, effect.generation)
        before = sum(isinstance(each, trace.Sent) for each in records[:switch])
        assert effect.next_number == before + 1
        assert (effect.last_old.number if effect.last_old else 0) == before
        assert effect.outstanding == oracle.outstanding_at(records, switch)
        first = generations.index(effect.generation) + 1 if effect.generation in generations else None
        assert (effect.first_new.number if effect.first_new else None) == first


@settings(max_examples=150, deadline=None)
@given(
    first=st.sampled_from(PROFILES),
    second=st.sampled_from(PROFILES),
    joiner=st.sampled_from(JOINERS),
    asked=st.lists(wishes, max_size=8),
    loss=st.sampled_from((0.0, 0.0, 0.15)),
    seed=st.integers(1, 5),
)
def test_whatever_is_asked_for_the_node_stays_sound_and_everybody_is_told_once(
    first: str, second: str, joiner: str, asked: list[Wish], loss: float, seed: int
) -> None:
    bench = Bench(first, joiner, seed=seed, medium=MediumConfig(link=Link(loss=loss)))
    cancelled: set[int] = set()
    known = edits(first, second)
    for wish in asked:
        bench.at(wish.at, wish_for(bench, wish, known[wish.edit], cancelled))
    verdict = bench.run()
    assert all(each.outcome in Outcome for each in verdict.devices)
    assert_told_once(bench, cancelled)
    assert_boundaries(bench)
