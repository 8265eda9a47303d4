"""A switch in each state of a join at each moment that can be asked for, judged by the trace (fault 19)."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.evidence.outcome import Outcome
from coordinator.profiles import load
from coordinator.trust_center.device import Standing
from coordinator.types import Eui64, Instant
from tests.switching import oracle
from tests.switching.bench import Ask, Bench
from tests.switching.states import MOMENTS, SPAN, STATES


def test_every_standing_that_a_join_passes_is_switched_in() -> None:
    def moved(standing: Standing) -> trace.StandingChanged:
        return trace.StandingChanged(
            at=Instant(0), device=Eui64(1), before="", event="", after=standing.value
        )

    passed = {each for each in Standing if any(state.reached(moved(each)) for state in STATES.values())}
    assert passed == set(Standing) - {Standing.UNKNOWN}  # that is: before any beacon


def switched(name: str, moment: str) -> tuple[Bench, Ask]:
    """A run in which a change was asked for in this state, for this moment."""
    state = STATES[name]
    bench = Bench(state.profile, state.joiner)
    other = "pre-zb3" if bench.profile.name.startswith("zb3") else "zb3"
    bench.once(state.reached, lambda: bench.ask(other, MOMENTS[moment](state)), within=state.within)
    verdict = bench.run()
    assert verdict.devices
    assert all(each.outcome in Outcome for each in verdict.devices)
    assert {each.outcome for each in verdict.devices} != {Outcome.INCONCLUSIVE}
    (ask,) = bench.asks
    return bench, ask


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", STATES)
def test_a_switch_takes_effect_when_it_was_promised(name: str, moment: str) -> None:
    state, (bench, ask) = STATES[name], switched(name, moment)
    records = bench.records
    if moment.endswith("a step"):
        step = oracle.step_after(records, state.step.value, 1, ask.index)
        assert (step is not None) is state.comes
        if step is None:
            assert not ask.effects
            assert not ask.withdrawn
            assert bench.switcher.pending == (ask.pending,)
            return
        switch = oracle.switch_at(records, 2)
        assert records[switch].at == ask.effect.at == records[step].at
        if moment.startswith("before"):
            assert switch == step + 1
        else:
            assert not any(
                isinstance(each, trace.Heard | trace.Confirmed) for each in records[step + 1 : switch]
            )
        return
    switch = oracle.switch_at(records, 2)
    past = records[:switch]
    if moment == "now":
        assert switch == ask.index
    if moment == "next-exchange":
        promised = oracle.exchange_free_from(past, ask.index, ask.at)
    elif moment == "next-join":
        promised = oracle.join_free_from(past, ask.index, ask.at)
    else:
        promised = ask.at if moment == "now" else Instant(ask.at + SPAN)
    assert records[switch].at == ask.effect.at == promised


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", STATES)
def test_the_boundary_between_two_frames_is_where_the_trace_has_it(name: str, moment: str) -> None:
    bench, ask = switched(name, moment)
    records = bench.records
    oracle.assert_each_frame_has_the_generation_it_was_decided_in(records)
    if not ask.effects:
        assert not bench.switched
        return
    effect, switch = ask.effect, oracle.switch_at(records, 2)
    frames = [record for record in records if isinstance(record, trace.Sent)]
    before = [record for record in records[:switch] if isinstance(record, trace.Sent)]
    assert effect.generation == 2
    assert effect.next_number == len(before) + 1
    if before:
        assert effect.last_old is not None
        assert (effect.last_old.number, effect.last_old.at) == (len(before), before[-1].at)
        assert effect.last_old.mac_sequence == before[-1].psdu[2]
    else:
        assert effect.last_old is None
    assert effect.outstanding == oracle.outstanding_at(records, switch)
    new = [number for number, each in enumerate(frames, 1) if each.generation == 2]
    assert (effect.first_new and effect.first_new.number) == (new[0] if new else None)
    if effect.first_new is not None:
        assert effect.first_new.mac_sequence == frames[new[0] - 1].psdu[2]
    assert bench.switched == [
        trace.Switched(
            at=effect.at,
            generation=2,
            change="a change",
            profile=effect.profile,
            outstanding=effect.outstanding,
        )
    ]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", STATES)
def test_a_frame_deviates_as_the_generation_says_that_it_was_decided_in(name: str, moment: str) -> None:
    bench, ask = switched(name, moment)
    named = {1: {each.name for each in bench.profile.behaviours}}
    if ask.effects:
        named[2] = {each.name for each in load.load(ask.effect.profile).behaviours}
    for frame in bench.sent:
        assert {each.behaviour for each in frame.deviations} <= named[frame.generation]
