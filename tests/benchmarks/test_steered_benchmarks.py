"""The benchmarks of a bench that is steered: small, on a real broker, their numbers nobody's to assert."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

import pytest

from benchmarks import events, turnaround
from benchmarks.__main__ import BENCHMARKS
from benchmarks.onlookers import Taken, taken
from benchmarks.rack import Milled

MILLED = Milled(made=8, began=100.0, ended=101.0, first=3, last=12)


def told(path: Path, *lines: tuple[float, int, int | None]) -> Taken:
    """What is found in a file of these: when each came, its number, and how many it says are lost."""
    with path.open("w") as file:
        for at, seq, lost in lines:
            kind: dict[str, object] = (
                {"kind": "frame"} if lost is None else {"kind": "dropped", "count": lost}
            )
            file.write(f"{at:.9f} {json.dumps({'seq': seq, **kind})}\n")
    return taken(path, MILLED)


def test_events_that_all_came_in_time_are_held(tmp_path: Path) -> None:
    found = told(tmp_path / "events", *((100.1, seq, None) for seq in range(1, 14)))
    assert (found.due, found.in_all, found.in_time, found.dropped) == (10, 10, 10, 0)
    assert found.held
    assert found.rate == found.offered == 10


def test_events_that_came_when_the_mill_had_stopped_are_not_held(tmp_path: Path) -> None:
    found = told(tmp_path / "events", *((100.1 if seq < 9 else 101.5, seq, None) for seq in range(1, 14)))
    assert (found.in_all, found.in_time) == (10, 6)
    assert not found.held


def test_events_that_are_said_to_be_lost_are_counted_and_not_held(tmp_path: Path) -> None:
    lines = [(100.1, seq, None) for seq in range(1, 14) if seq not in (5, 6)]
    found = told(tmp_path / "events", *lines[:4], (100.1, 6, 2), *lines[4:])
    assert (found.in_all, found.dropped) == (8, 2)
    assert not found.held


@pytest.mark.real_time
def test_every_event_of_a_small_load_reaches_the_broker_while_commands_are_carried_out() -> None:
    rung = asyncio.run(events.hold(300, 1.0))
    assert rung.taken.milled.made >= 250
    assert rung.taken.in_all == rung.taken.due > rung.taken.milled.made  # those of the commands too
    assert (rung.taken.dropped, rung.refused) == (0, 0)
    assert rung.switches > 2
    rows = rung.measurements()
    assert [row.unit for row in rows] == ["/s", "events", "/s", "ms", "ms"]
    assert all(math.isfinite(row.value) for row in rows)
    assert all(row.value > 0 for row in rows if row.unit != "events")


@pytest.mark.real_time
def test_a_load_for_which_there_is_no_room_is_dropped_and_that_is_counted() -> None:
    rung = asyncio.run(events.hold(20_000, 0.5, "--outbox", "20"))
    assert rung.taken.dropped > 0
    assert not rung.taken.held
    assert rung.taken.in_all < rung.taken.due <= rung.taken.in_all + rung.taken.dropped
    assert rung.answers


@pytest.mark.real_time
def test_the_turnaround_is_taken_while_the_bench_is_steered_and_its_broker_is_told_of_every_event() -> None:
    figures, _held = asyncio.run(turnaround.steered(20, 300, 100))
    by_name = {figure.name.removeprefix("turnaround, steered at 300/s, "): figure for figure in figures}
    assert by_name["dropped"].value == 0
    assert (
        0 < by_name["p50"].value <= by_name["p99"].value <= by_name["max"].value < 1000 * turnaround.PATIENCE
    )
    assert "commands/s" in by_name["p50"].conditions
    assert "0 switches" not in by_name["p50"].conditions


def test_the_steered_benchmarks_aim_at_what_was_promised() -> None:
    assert {"events", "turnaround-steered", "effect"} <= set(BENCHMARKS)
    assert events.AIM == turnaround.LOADS[0] == 5_000
    assert events.AIM in events.RUNGS
