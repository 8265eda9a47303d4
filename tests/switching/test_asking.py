"""Asking for changes: compare-and-set, the order of those that are due, and what is told to whom."""

from __future__ import annotations

import pytest

from coordinator.behaviours import registry
from coordinator.primitives import apsme
from coordinator.profiles import load
from coordinator.switching.change import InForce, Misfit, Outdated, add, become, remove
from coordinator.switching.effect import Effect
from coordinator.switching.moment import AfterSpan, AfterStep, StepName
from coordinator.switching.switcher import PENDING, Switcher
from coordinator.types import SECOND, Instant
from tests.switching.bench import BEFORE_ALL, Ask, Bench, formed
from tests.switching.states import indicated

LATER = AfterSpan(span=SECOND)
KEY_REQUESTED = indicated(apsme.RequestKeyIndication)


def pass_time(bench: Bench, span: int) -> None:
    bench.settle()
    bench.simulation.world.run_until(Instant(bench.now + span))


class TestCompareAndSet:
    def test_a_change_for_another_generation_is_refused_and_changes_nothing(self) -> None:
        bench = formed()
        bench.ask("pre-zb3", generation=1)
        before, records = bench.switcher.in_force, list(bench.records)
        for stale in (1, 3, 0):
            with pytest.raises(Outdated) as caught:
                bench.ask("zb3", generation=stale)
            assert str(caught.value) == f"it was asked for generation {stale}, and this is 2"
            with pytest.raises(Outdated):
                bench.ask("zb3", LATER, generation=stale)
        assert bench.switcher.in_force is before
        assert bench.switcher.generation == 2
        assert bench.switcher.pending == ()
        assert bench.records == records

    def test_a_waiting_change_whose_generation_passes_is_withdrawn_as_outdated(self) -> None:
        bench = formed()
        waiting = bench.ask("silent-request-key", LATER, generation=1)
        bench.ask("pre-zb3")
        pass_time(bench, 2 * SECOND)
        assert not waiting.effects
        (misfit,) = waiting.withdrawn
        assert isinstance(misfit, Outdated)
        assert str(misfit) == "it was asked for generation 1, and this is 2"
        assert bench.switcher.in_force.profile.name == "pre-zb3"
        assert bench.switcher.pending == ()

    def test_of_two_for_the_same_generation_at_the_same_moment_the_first_asked_for_wins(self) -> None:
        bench = formed()
        first, second = (bench.ask(name, LATER, generation=1) for name in ("pre-zb3", "ha12"))
        pass_time(bench, 2 * SECOND)
        assert first.effect.generation == 2
        assert [type(each) for each in second.withdrawn] == [Outdated]

    def test_opening_joining_or_a_run_raises_the_generation_as_well(self) -> None:
        bench = formed()
        effect = bench.switcher.advance("permit-join", bench.now)
        assert (effect.generation, effect.profile) == (2, "zb3")
        with pytest.raises(Outdated):
            bench.ask("pre-zb3", generation=1)
        assert bench.switched[0].change == "permit-join"


class TestMisfits:
    def test_what_does_not_fit_now_is_refused_at_once_and_changes_nothing(self) -> None:
        bench = formed()
        with pytest.raises(Misfit) as caught:
            bench.ask(remove("reqkey.ignore"), LATER)
        assert not isinstance(caught.value, Outdated)
        assert bench.switcher.pending == ()
        assert not bench.switched

    def test_what_does_not_fit_any_more_when_its_moment_comes_is_withdrawn_with_the_reason(self) -> None:
        bench = formed("silent-request-key")
        waiting = bench.ask(remove("reqkey.ignore"), LATER)
        bench.ask(remove("reqkey.ignore"))
        pass_time(bench, 2 * SECOND)
        (misfit,) = waiting.withdrawn
        assert misfit is not None
        assert misfit.reasons == ("reqkey.ignore is not in force; in force: none",)

    def test_everything_that_the_radio_cannot_do_is_named(self) -> None:
        bench = formed()
        reasons = ("no shape", "no mangle")

        def assess(after: InForce) -> tuple[str, ...]:
            return reasons if after.profile.name != "zb3" else ()

        switcher = Switcher(bench.simulation.center, bench.profile, assess)
        with pytest.raises(Misfit) as caught:
            switcher.fit(become(load.load("pre-zb3")))
        assert caught.value.reasons == reasons
        assert switcher.fit(add(registry.find("reqkey.ignore").build({}))).profile.name == "zb3"

    def test_more_than_a_few_dozen_do_not_wait_and_one_that_is_due_now_may_still_come(self) -> None:
        bench = formed()
        for _ in range(PENDING):
            bench.ask("pre-zb3", LATER)
        with pytest.raises(Misfit) as caught:
            bench.ask("pre-zb3", LATER)
        assert caught.value.reasons == (f"{PENDING} changes wait for their moment already",)
        assert bench.ask("pre-zb3").effect.generation == 2

    @pytest.mark.parametrize("count", [0, -1])
    def test_a_step_that_can_never_be_counted_to_is_refused(self, count: int) -> None:
        bench = formed()
        with pytest.raises(Misfit) as caught:
            bench.ask("pre-zb3", AfterStep(step=StepName.JOIN, count=count))
        assert caught.value.reasons == (f"steps are counted from 1: there is no step {count}",)


class TestTelling:
    def test_a_cancelled_change_is_told_so_once_and_never_takes_effect(self) -> None:
        bench = formed()
        ask = bench.ask("pre-zb3", LATER)
        assert ask.pending is not None
        assert bench.switcher.cancel(ask.pending)
        assert not bench.switcher.cancel(ask.pending)
        pass_time(bench, 3 * SECOND)
        assert ask.withdrawn == [None]
        assert not ask.effects
        assert not bench.switched

    def test_whoever_is_told_may_cancel_another_that_is_due_at_the_same_moment(self) -> None:
        bench = formed()
        asks: list[Ask] = []

        def cancel_second(_effect: Effect) -> None:
            assert asks[1].pending is not None
            assert bench.switcher.cancel(asks[1].pending)

        asks.append(bench.ask("pre-zb3", LATER, done=cancel_second))
        asks.append(bench.ask("ha12", LATER))
        pass_time(bench, 2 * SECOND)
        assert asks[1].withdrawn == [None]
        assert not asks[1].effects
        assert bench.switcher.generation == 2

    @pytest.mark.parametrize("answered", [True, False])
    def test_whoever_is_told_may_cancel_another_that_waits_for_the_same_step(self, answered: bool) -> None:
        bench = Bench("zb3", "zboss-r22")
        moment = AfterStep(step=StepName.REQUEST_KEY, answered=answered)
        asks: list[Ask] = []

        def cancel_second(_effect: Effect) -> None:
            assert asks[1].pending is not None
            bench.switcher.cancel(asks[1].pending)

        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask("pre-zb3", moment, done=cancel_second)))
        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask("ha12", moment)))
        bench.run()
        assert asks[0].effect.generation == 2
        assert asks[1].withdrawn == [None]
        assert not asks[1].effects

    def test_a_script_is_told_of_one_change_and_asks_for_the_next(self) -> None:
        bench = Bench("silent-request-key", "zstack-3.0.2")
        step = AfterStep(step=StepName.REQUEST_KEY, answered=False)
        asks: list[Ask] = []

        def then(_effect: Effect) -> None:
            asks.append(bench.ask("zb3", step))

        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask("ha12", step, done=then)))
        bench.run()
        requests = [each.at for each in bench.records if KEY_REQUESTED(each)]
        assert [ask.effect.at for ask in asks] == requests[:2]  # one step is not counted for both

    def test_the_first_frame_of_a_generation_is_found_after_the_next_one_has_begun(self) -> None:
        bench = Bench("zb3", "zboss-r22")
        delayed = add(registry.find("reqkey.delay").build({"seconds": 3.0}))
        asks: list[Ask] = []
        moment = AfterStep(step=StepName.REQUEST_KEY, answered=False)
        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask(delayed, moment)))
        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask("zb3", AfterStep(step=StepName.REQUEST_KEY))))
        told: list[int] = []
        bench.switcher.boundaries.found.append(lambda effect: told.append(effect.generation))
        bench.run()
        second, third = (ask.effect for ask in asks)
        assert (second.generation, third.generation, third.outstanding) == (2, 3, 1)
        frames = {
            number: [n for n, each in enumerate(bench.sent, 1) if each.generation == number]
            for number in (2, 3)
        }
        assert second.first_new is not None
        assert second.first_new.number == frames[2][0]
        assert third.first_new is not None
        assert third.first_new.number == frames[3][0]
        assert sorted(told) == [2, 3]
