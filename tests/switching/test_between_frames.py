"""Between which two frames: what was decided keeps its manner, and what is due comes before all else."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator import trace
from coordinator.behaviours import registry
from coordinator.primitives import apsme, mlme
from coordinator.scenario import simulated_joiner
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus
from coordinator.switching.change import InForce, add, update
from coordinator.switching.moment import AfterStep, StepName, When
from coordinator.types import SECOND, Channel, Instant
from tests.switching.bench import BEFORE_ALL, Ask, Bench, formed
from tests.switching.states import asked_for, indicated

KEY_REQUESTED, POLLED = indicated(apsme.RequestKeyIndication), indicated(mlme.PollIndication)
BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


@dataclass(frozen=True, slots=True)
class CutShort(Behaviour):
    """Leaves one octet of every frame."""

    def mangle(self, psdu: bytes) -> bytes:
        return psdu[:1]


@dataclass(frozen=True, slots=True)
class OtherSequence(Behaviour):
    """Flips a bit of each MAC sequence number, which no MIC covers and nobody minds."""

    def mangle(self, psdu: bytes) -> bytes:
        return psdu[:2] + bytes((psdu[2] ^ 0x80,)) + psdu[3:]


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
            polls = [each.at for each in bench.records if POLLED(each)]
            return next(each for each in bench.sent if each.request_id is None and each.at in polls)

        reference = Bench("zb3", "sleepy-zb3")
        reference.run()
        bench, asks = Bench("zb3", "sleepy-zb3"), list[Ask]()
        bench.at(polled_for(reference).at - 1000, lambda: asks.append(bench.ask("pre-zb3")))
        bench.run()
        frame = polled_for(bench)
        assert asks[0].effect.at < frame.at
        assert frame.generation == 1

    def test_octets_are_mangled_as_the_generation_does_that_the_frame_was_decided_in(self) -> None:
        """A key waits for a sleeper when a behaviour comes that changes finished octets, and one goes."""
        bench, asks = Bench("zb3", "sleepy-zb3"), list[Ask]()
        bench.once(
            asked_for(apsme.TransportKeyRequest, 1),
            lambda: asks.append(bench.ask(lambda each: replace(each, behaviours=(OtherSequence(),)))),
        )
        bench.once(asked_for(apsme.TransportKeyRequest, 4), lambda: asks.append(bench.ask("zb3")))
        bench.run()
        assert [ask.effect.generation for ask in asks] == [2, 3]
        assert {each.generation for each in bench.sent} == {1, 2, 3}
        for frame in bench.sent:
            assert bool(frame.deviations) is (frame.generation == 2)
        stragglers = [
            each.generation
            for each in bench.records[bench.records.index(bench.switched[1]) :]
            if isinstance(each, trace.Sent) and each.request_id is not None
        ]
        assert stragglers[0] == 2


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
            if KEY_REQUESTED(each)
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
