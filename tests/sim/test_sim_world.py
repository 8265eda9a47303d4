"""The event queue: order, cancelling, the two ways to drive it."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.sim.world import Event, World
from coordinator.types import Instant
from tests.sim.bench import LowEntropy


def a_world() -> World:
    return World(LowEntropy())


def test_events_run_in_the_order_of_their_time() -> None:
    world, log = a_world(), list[int]()
    for when in (30, 10, 20):
        world.at(Instant(when), partial(log.append, when))
    world.run_until(Instant(100))
    assert log == [10, 20, 30]
    assert world.now == 100


def test_events_of_one_instant_run_in_the_order_they_were_asked_for() -> None:
    world, log = a_world(), list[int]()
    for number in range(50):
        world.at(Instant(5), partial(log.append, number))
    world.run_until(Instant(5))
    assert log == list(range(50))


def test_an_event_asked_for_now_runs_after_those_due_now_already() -> None:
    world, log = a_world(), list[str]()

    def first() -> None:
        log.append("first")
        world.at(world.now, lambda: log.append("third"))

    world.at(Instant(1), first)
    world.at(Instant(1), lambda: log.append("second"))
    world.run_until(Instant(1))
    assert log == ["first", "second", "third"]


def test_now_is_the_time_of_the_event_while_it_runs() -> None:
    world, log = a_world(), list[int]()
    world.after(7, lambda: log.append(world.now))
    world.run_until(Instant(50))
    assert log == [7]


def test_a_call_may_bring_the_horizon_nearer_or_push_it_out() -> None:
    for moved, seen in ((20, [10]), (40, [10, 30])):
        world, log = a_world(), list[int]()

        def move(horizon: int, world: World = world, log: list[int] = log) -> None:
            log.append(10)
            world.horizon = Instant(horizon)

        world.at(Instant(10), partial(move, moved))
        world.at(Instant(30), partial(log.append, 30))
        world.run_until(Instant(35))
        assert log == seen
        assert world.now == moved


def test_run_until_leaves_what_is_due_later() -> None:
    world, log = a_world(), list[int]()
    world.at(Instant(10), lambda: log.append(10))
    world.at(Instant(11), lambda: log.append(11))
    world.run_until(Instant(10))
    assert log == [10]
    assert world.next_event_at() == 11


def test_the_past_cannot_be_scheduled() -> None:
    world = a_world()
    world.run_until(Instant(10))
    with pytest.raises(ValueError, match="9 us"):
        world.at(Instant(9), lambda: None)


def test_step_makes_one_call_and_says_whether_there_was_one() -> None:
    world, log = a_world(), list[int]()
    world.at(Instant(3), lambda: log.append(3))
    world.at(Instant(4), lambda: log.append(4))
    assert world.step()
    assert (world.now, log) == (3, [3])
    assert world.step()
    assert not world.step()
    assert (world.now, log) == (4, [3, 4])


def test_a_cancelled_event_does_not_run_and_is_not_the_next() -> None:
    world, log = a_world(), list[int]()
    event = world.at(Instant(3), lambda: log.append(3))
    world.at(Instant(5), lambda: log.append(5))
    event.cancel()
    event.cancel()
    assert world.next_event_at() == 5
    world.run_until(Instant(9))
    assert log == [5]


def test_an_event_can_cancel_another_of_its_instant() -> None:
    world, log = a_world(), list[int]()
    victims: list[Event] = []
    world.at(Instant(3), lambda: victims[0].cancel())
    victims.append(world.at(Instant(3), lambda: log.append(3)))
    world.run_until(Instant(9))
    assert log == []


def test_cancelling_an_event_that_has_run_is_harmless() -> None:
    world = a_world()
    event = world.at(Instant(3), lambda: None)
    world.run_until(Instant(3))
    event.cancel()
    assert world.next_event_at() is None
    assert len(world) == 0


def test_cancelled_events_do_not_accumulate_before_their_time() -> None:
    world = a_world()
    keep = world.at(Instant(2_000_000), lambda: None)
    for _ in range(100_000):
        world.at(Instant(1_000_000), lambda: None).cancel()
        assert len(world) < 200
    assert world.next_event_at() == keep.when


def test_a_queue_compacted_in_the_middle_of_a_run_goes_on() -> None:
    world, log = a_world(), list[int]()

    def churn() -> None:
        for _ in range(1_000):
            world.at(Instant(500), lambda: None).cancel()

    world.at(Instant(1), churn)
    for when in (600, 2, 300):
        world.at(Instant(when), partial(log.append, when))
    world.run_until(Instant(1_000))
    assert log == [2, 300, 600]


def test_advance_follows_an_outside_clock_and_says_when_to_come_back() -> None:
    world, log = a_world(), list[int]()
    world.at(Instant(10), lambda: log.append(world.now))
    world.at(Instant(40), lambda: log.append(world.now))
    assert world.advance(Instant(5)) == 10
    assert world.advance(Instant(12)) == 40
    assert world.advance(Instant(11)) == 40, "a clock that lags behind does not move the world back"
    assert world.now == 12
    assert world.advance(Instant(40)) is None
    assert log == [10, 40]


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=200))
def test_any_schedule_runs_what_was_kept_sorted_and_stable(schedule: list[tuple[int, bool]]) -> None:
    world, log = a_world(), list[tuple[int, int]]()
    events = []
    for number, (when, _) in enumerate(schedule):
        entry = (when, number)
        events.append(world.at(Instant(when), partial(log.append, entry)))
    for event, (_, keep) in zip(events, schedule, strict=True):
        if not keep:
            event.cancel()
    world.run_until(Instant(50))
    assert log == sorted((when, number) for number, (when, keep) in enumerate(schedule) if keep)
    assert len(world) == 0
