"""A node driven in the world: actions are carried out, deadlines kept, power-off forgets it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import pytest

from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.node import (
    Action,
    ReceivedFrame,
    ReceiverOn,
    SetPending,
    Transmit,
    TransmitStatus,
    Tune,
)
from coordinator.types import Instant, NwkAddress
from tests.sim.bench import LowEntropy, data, data_request, tuning

SUCCESS = TransmitStatus.SUCCESS


class Recorder:
    """A node that does what the test puts into `wants`, and is due when the test says."""

    def __init__(self, *wants: Action) -> None:
        self.wants = list(wants)
        self.deadlines: list[int] = []
        self.received: list[tuple[int, bytes]] = []
        self.confirmed: list[tuple[int, int, TransmitStatus, bool]] = []
        self.timeouts: list[int] = []
        self.answer: list[Action] = []

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        self.received.append((now, frame.psdu))
        self.wants += self.answer
        self.answer = []

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        self.confirmed.append((now, handle, status, frame_pending))

    def next_deadline(self) -> Instant | None:
        return Instant(min(self.deadlines)) if self.deadlines else None

    def handle_timeout(self, now: Instant) -> None:
        self.timeouts.append(now)
        self.deadlines = [deadline for deadline in self.deadlines if deadline > now]

    def take(self) -> Sequence[Action]:
        wants, self.wants = self.wants, []
        return wants


class Air:
    def __init__(self) -> None:
        self.world = World(LowEntropy())
        self.medium = Medium(self.world)

    def drive(self, name: str, node: Recorder) -> Driver:
        return Driver(self.world, SimulatedRadio(self.world, self.medium, name), node)


def send(psdu: bytes, handle: int = 1) -> Transmit:
    return Transmit(handle=handle, psdu=psdu)


def pair() -> tuple[Air, Recorder, Driver, Recorder, Driver]:
    air = Air()
    parent, child = Recorder(tuning(0)), Recorder(tuning(1))
    return air, parent, air.drive("parent", parent), child, air.drive("child", child)


def test_what_a_node_wants_at_power_up_is_done_in_order() -> None:
    air = Air()
    parent = Recorder(tuning(0))
    air.drive("parent", parent)
    child = Recorder(tuning(1), send(data(0, 1), handle=6))
    air.drive("child", child)
    air.world.run_until(Instant(10_000))
    assert parent.received == [(1408, data(0, 1))]
    assert child.confirmed == [(1408, 6, SUCCESS, False)]


def test_a_node_answers_from_within_receive() -> None:
    air, parent, _, child, driver = pair()
    parent.answer = [send(data(1, 0))]
    child.wants = [send(data(0, 1))]
    driver.settle()
    air.world.run_until(Instant(10_000))
    assert [psdu for _, psdu in child.received] == [data(1, 0)]
    assert parent.confirmed[0][2] is SUCCESS


def test_a_sleepy_node_gets_what_its_parent_holds() -> None:
    air, parent, parent_driver, child, driver = pair()
    parent.wants = [SetPending(short=frozenset({NwkAddress(1)}), extended=frozenset())]
    parent_driver.settle()
    parent.answer = [send(data(1, 0))]
    child.wants = [ReceiverOn(on=False), send(data_request(0, 1))]
    driver.settle()
    air.world.run_until(Instant(100_000))
    assert child.confirmed[0][2:] == (SUCCESS, True)
    assert [psdu for _, psdu in child.received] == [data(1, 0)]


def test_a_node_is_woken_at_its_deadline_and_not_before() -> None:
    air, parent, driver, _, _ = pair()
    parent.deadlines = [500, 900]
    driver.settle()
    air.world.run_until(Instant(499))
    assert parent.timeouts == []
    air.world.run_until(Instant(10_000))
    assert parent.timeouts == [500, 900]


def test_a_deadline_that_became_earlier_is_kept() -> None:
    air, parent, driver, _, _ = pair()
    for deadline in (900, 500, 700):
        parent.deadlines = [deadline]
        driver.settle()
    air.world.run_until(Instant(10_000))
    assert parent.timeouts == [700]


def test_a_deadline_that_went_away_wakes_nobody() -> None:
    air, parent, driver, _, _ = pair()
    parent.deadlines = [500]
    driver.settle()
    parent.deadlines = []
    driver.settle()
    air.world.run_until(Instant(10_000))
    assert parent.timeouts == []


def test_a_deadline_that_has_passed_already_is_kept_at_once() -> None:
    air, parent, driver, _, _ = pair()
    air.world.run_until(Instant(1_000))
    parent.deadlines = [10]
    driver.settle()
    air.world.run_until(Instant(1_000))
    assert parent.timeouts == [1_000]


def test_a_deadline_that_moves_with_every_call_costs_no_events() -> None:
    air, parent, driver, _, _ = pair()
    for deadline in range(1_000, 21_000):
        parent.deadlines = [deadline]
        driver.settle()
    assert len(air.world) == 1
    air.world.run_until(Instant(30_000))
    assert parent.timeouts == [20_999]


def test_a_deadline_that_comes_ever_nearer_leaves_few_events() -> None:
    air, parent, driver, _, _ = pair()
    for deadline in range(21_000, 1_000, -1):
        parent.deadlines = [deadline]
        driver.settle()
    assert len(air.world) < 200
    air.world.run_until(Instant(1_001))
    assert (parent.timeouts, air.world.next_event_at()) == ([1_001], None)


def test_a_node_that_is_due_for_ever_is_an_error_and_not_a_hang() -> None:
    class Impatient(Recorder):
        def handle_timeout(self, now: Instant) -> None:
            self.timeouts.append(now)

    air = Air()
    node = Impatient(tuning(0))
    node.deadlines = [50]
    air.drive("impatient", node)
    with pytest.raises(AssertionError, match="impatient: still due at 50 us"):
        air.world.run_until(Instant(100))


def test_a_radio_has_one_host() -> None:
    air = Air()
    radio = SimulatedRadio(air.world, air.medium, "radio")
    Driver(air.world, radio, Recorder(tuning(0)))
    with pytest.raises(AssertionError, match="host already"):
        Driver(air.world, radio, Recorder(tuning(0)))


def test_a_node_that_is_off_hears_nothing_and_is_not_woken() -> None:
    air, parent, driver, child, child_driver = pair()
    parent.deadlines = [5_000]
    driver.settle()
    child.wants = [send(data(0, 1))]
    child_driver.settle()
    air.world.run_until(Instant(600))
    driver.power_off()
    driver.power_off()
    air.world.run_until(Instant(100_000))
    assert (driver.powered, parent.received, parent.timeouts) == (False, [], [])
    assert child.confirmed[0][2] is TransmitStatus.NO_ACK


def test_a_radio_serves_a_new_node_after_the_old_one_was_powered_off() -> None:
    air, _, _, child, child_driver = pair()
    radio = SimulatedRadio(air.world, air.medium, "radio")
    first, second = Recorder(tuning(7)), Recorder(tuning(8))
    Driver(air.world, radio, first).power_off()
    Driver(air.world, radio, second)
    child.wants = [send(data(8, 1))]
    child_driver.settle()
    air.world.run_until(Instant(100_000))
    assert (len(first.received), len(second.received)) == (0, 1)


def test_a_node_may_lose_its_power_from_within_its_own_call() -> None:
    air, parent, driver, child, child_driver = pair()

    class Suicidal(Recorder):
        def receive(self, frame: ReceivedFrame, now: Instant) -> None:
            own.power_off()
            self.wants = [send(data(0, 9))]

    node = Suicidal(tuning(9))
    own = air.drive("suicidal", node)
    child.wants = [send(data(9, 1))]
    child_driver.settle()
    air.world.run_until(Instant(100_000))
    assert node.wants, "nobody asks a dead node what it wants"
    assert parent.received == []
    assert driver.powered


@pytest.mark.parametrize("moment", [0, 200, 500, 900, 1_200, 2_000])
def test_power_off_leaves_no_reference_to_the_node(moment: int) -> None:
    air, _, _, _, _ = pair()
    node, radio = Recorder(tuning(2)), SimulatedRadio(air.world, air.medium, "kept")
    driver = Driver(air.world, radio, node)
    node.deadlines = [700_000]
    node.wants = [send(data(0, 2))]
    driver.settle()
    air.world.run_until(Instant(moment))
    driver.power_off()
    gone = weakref.ref(node)
    del node, driver
    gc.collect()
    assert gone() is None
    assert air.world.next_event_at() is None or air.world.now < 1_408


def test_the_world_can_be_driven_by_an_outside_clock_with_the_same_outcome() -> None:
    def outcome(step: int) -> list[tuple[int, int, TransmitStatus, bool]]:
        air, _, _, child, driver = pair()
        child.wants = [send(data(0, 1))]
        child.deadlines = [3_000]
        driver.settle()
        now = 0
        while now < 10_000:
            now += step
            air.world.advance(Instant(now))
        assert child.timeouts == [3_000]
        return child.confirmed

    assert outcome(1) == outcome(977) == outcome(10_000) == [(1408, 1, SUCCESS, False)]


def test_tuning_is_an_action_like_the_others() -> None:
    air, parent, driver, child, child_driver = pair()
    retune: Tune = tuning(5)
    parent.wants = [retune]
    driver.settle()
    child.wants = [send(data(5, 1))]
    child_driver.settle()
    air.world.run_until(Instant(100_000))
    assert len(parent.received) == 1
