"""Asking for changes: compare-and-set, the order of those that are due, and what is told to whom."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from coordinator import trace
from coordinator.behaviours import registry
from coordinator.primitives import apsme
from coordinator.profiles import load
from coordinator.scenario import simulated_joiner
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus
from coordinator.switching.change import InForce, Misfit, Outdated, add, become, remove, update
from coordinator.switching.effect import Effect
from coordinator.switching.moment import AfterSpan, AfterStep, StepName, When
from coordinator.switching.switcher import PENDING, Switcher
from coordinator.types import SECOND, Channel, Instant
from tests.switching.bench import Ask, Bench

BEFORE_ALL = SECOND // 4
"""The network is formed, and nobody is powered."""
LATER = AfterSpan(span=SECOND)
BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


def formed(profile: str = "zb3") -> Bench:
    """A Trust Center that nobody joins: time passes when `run_until` says so."""
    bench = Bench(profile)
    bench.simulation.start()
    bench.simulation.world.run_until(Instant(BEFORE_ALL))
    return bench


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
        requests = [each.at for each in bench.records if _is_request_key(each)]
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


def _is(record: trace.Record, indication: str) -> bool:
    return isinstance(record, trace.Indicated) and type(record.indication).__name__ == indication


def _is_request_key(record: trace.Record) -> bool:
    return _is(record, "RequestKeyIndication")


@dataclass(frozen=True, slots=True)
class CutShort(Behaviour):
    """Leaves one octet of every frame."""

    def mangle(self, psdu: bytes) -> bytes:
        return psdu[:1]


class TestBoundary:
    def test_a_frame_that_was_cut_short_has_a_number_and_no_sequence(self) -> None:
        bench = formed()
        ask = bench.ask(lambda state: InForce(profile=state.profile, behaviours=(CutShort(),)))
        bench.simulation.center.host.receive(heard(BEACON_REQUEST), bench.now)
        assert ask.effect.first_new is not None
        assert ask.effect.first_new.number == ask.effect.next_number
        assert ask.effect.first_new.mac_sequence is None

    def test_a_frame_that_waits_for_the_radio_leaves_as_it_was_decided(self) -> None:
        """Three beacons are asked for while the radio is busy with the first, and the switch comes then."""
        bench = formed()
        host = bench.simulation.center.host
        for _ in range(3):
            host.receive(heard(BEACON_REQUEST), bench.now)
        first = next(each for each in host.take() if isinstance(each, Transmit))
        ask = bench.ask(add(registry.find("beacon.stack_profile").build({"stack_profile": 1})))
        assert ask.effect.outstanding == 2
        host.receive(heard(BEACON_REQUEST), bench.now)
        drain(bench, first)
        beacons = [each for each in bench.sent if each.psdu[0] & 7 == 0][-4:]
        assert [each.generation for each in beacons] == [1, 1, 1, 2]
        assert len({beacon.psdu[:2] + beacon.psdu[3:] for beacon in beacons[:3]}) == 1
        assert [bool(each.deviations) for each in beacons] == [False, False, False, True]

    def test_a_frame_of_the_stacks_own_is_of_the_generation_that_it_was_queued_in(
        self,
    ) -> None:
        bench = formed()
        host = bench.simulation.center.host
        host.receive(heard(BEACON_REQUEST), bench.now)
        first = next(each for each in host.take() if isinstance(each, Transmit))
        host.handle_timeout(Instant(bench.now + 60 * SECOND))  # a Link Status is due every 15 s
        bench.ask("pre-zb3")
        drain(bench, first)
        own = [each for each in bench.sent if each.request_id is None]
        assert own
        assert {each.generation for each in own} == {1}

    def test_the_stacks_own_frame_that_waits_for_a_poll_is_of_the_generation_it_was_held_in(self) -> None:
        """The End Device Timeout Response to a sleeper, which no behaviour and no application decides."""

        def polled_for(bench: Bench) -> trace.Sent:
            polls = [each.at for each in bench.records if _is(each, "PollIndication")]
            return next(each for each in bench.sent if each.request_id is None and each.at in polls)

        reference = Bench("zb3", "sleepy-zb3")
        reference.run()
        bench, asks = Bench("zb3", "sleepy-zb3"), list[Ask]()
        bench.at(polled_for(reference).at - 1000, lambda: asks.append(bench.ask("pre-zb3")))
        bench.run()
        frame = polled_for(bench)
        assert asks[0].effect.at < frame.at
        assert frame.generation == 1


def heard(psdu: bytes) -> ReceivedFrame:
    return ReceivedFrame(psdu=psdu, channel=Channel(15), rssi=-40, lqi=255)


def drain(bench: Bench, outstanding: Transmit) -> None:
    """The radio sends all that waits."""
    host = bench.simulation.center.host
    waiting = [outstanding]
    while waiting:
        host.confirm(waiting.pop().handle, TransmitStatus.SUCCESS, False, bench.now)
        waiting += [each for each in host.take() if isinstance(each, Transmit)]


class TestOrder:
    def test_a_change_asked_for_later_comes_after_one_whose_moment_has_come(self) -> None:
        """The step was heard, its answer given; before the deadline of that is met, somebody asks."""
        bench = formed()
        step = AfterStep(step=StepName.BEACON_REQUEST)
        first = bench.ask("pre-zb3", step)
        bench.simulation.center.host.receive(heard(BEACON_REQUEST), bench.now)
        assert not first.effects
        second = bench.ask("ha12")
        assert (first.effect.generation, second.effect.generation) == (2, 3)
        assert bench.switcher.in_force.profile.name == "ha12"

    def test_what_is_due_comes_before_a_deadline_that_passed_while_the_host_was_busy(self) -> None:
        bench = formed()
        host = bench.simulation.center.host
        late = Instant(bench.now + 60 * SECOND)
        ask = bench.ask("pre-zb3", AfterStep(step=StepName.BEACON_REQUEST))
        seen: list[int] = []
        host.timers.set(Instant(bench.now + SECOND), lambda _: seen.append(bench.switcher.generation))
        host.receive(heard(BEACON_REQUEST), late)
        host.handle_timeout(late)
        assert ask.effect.at == late
        assert seen == [2]

    def test_what_is_due_comes_before_the_answer_to_the_next_frame(self) -> None:
        """Two frames are taken from the radio at once: between them there is no deadline."""
        bench = formed()
        host = bench.simulation.center.host
        ask = bench.ask("zigbee-2007", AfterStep(step=StepName.BEACON_REQUEST))
        for _ in range(2):
            host.receive(heard(BEACON_REQUEST), bench.now)
        answers = [each for each in bench.records if isinstance(each, trace.Requested)][-2:]
        assert [each.generation for each in answers] == [1, 2]
        assert [bool(each.deviations) for each in answers] == [False, True]
        assert ask.effect.outstanding == 0

    def test_what_is_due_comes_before_the_radios_next_word(self) -> None:
        bench = formed()
        host = bench.simulation.center.host
        ask = bench.ask("pre-zb3", AfterStep(step=StepName.BEACON_REQUEST))
        host.receive(heard(BEACON_REQUEST), bench.now)
        (transmit,) = [each for each in host.take() if isinstance(each, Transmit)]
        host.confirm(transmit.handle, TransmitStatus.SUCCESS, False, bench.now)
        assert ask.effects

    def test_a_step_of_another_device_is_not_counted(self) -> None:
        bench = Bench("zb3", "zboss-r22", "zboss-r22")
        second = simulated_joiner(1, 1)
        moment = AfterStep(step=StepName.REQUEST_KEY, device=second, answered=False)
        asks: list[Ask] = []
        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask("pre-zb3", moment)))
        bench.run()
        requests = [
            (each.indication.device, each.at)  # type: ignore[union-attr]
            for each in bench.records
            if isinstance(each, trace.Indicated) and _is_request_key(each)
        ]
        assert len(requests) == 2
        assert (second, asks[0].effect.at) in requests
        assert requests[0][0] != second

    def test_now_next_exchange_and_next_join_are_all_at_once_while_nobody_joins(self) -> None:
        bench = formed()
        for number, when in enumerate(When, 2):
            assert bench.ask("pre-zb3", when).effect.generation == number

    def test_an_update_keeps_the_profile_and_changes_the_answer(self) -> None:
        bench = Bench("negative-confirm", "nxp")
        asks: list[Ask] = []
        edit = update("confirm.status", {"status": 0xA3})
        bench.at(BEFORE_ALL, lambda: asks.append(bench.ask(edit)))
        bench.run()
        assert asks[0].effect.profile == "negative-confirm"
        answers = [each.request for each in bench.records if isinstance(each, trace.Requested)]
        assert [each.status for each in answers if isinstance(each, apsme.ConfirmKeyRequest)] == [0xA3]
