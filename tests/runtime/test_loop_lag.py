"""How late the event loop runs, in virtual time: a stall is the clock jumping while nobody looks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from coordinator.runtime.loop_lag import LoopLag, watch
from coordinator.runtime.virtual_time import VirtualTimeLoop

Result = TypeVar("Result")


def in_virtual_time(coroutine: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


class Clock:
    """The loop's clock, and what it was held up by."""

    def __init__(self) -> None:
        self.held_up = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.held_up


async def watched(clock: Clock, story: Coroutine[object, object, None], lag: LoopLag) -> None:
    looking = asyncio.create_task(lag.run())
    await story
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)


def test_a_loop_that_nothing_holds_up_is_not_late() -> None:
    async def scenario() -> tuple[float, int]:
        async with watch() as lag:
            await asyncio.sleep(60)
            return lag.worst, lag.stalls

    worst, stalls = in_virtual_time(scenario())
    assert worst == pytest.approx(0, abs=1e-6)
    assert stalls == 0


def test_a_loop_that_was_blocked_for_three_seconds_is_a_stall_that_is_told_and_forgotten_later() -> None:
    """Fault 35."""
    told: list[float] = []
    seen: list[float] = []

    async def scenario() -> int:
        clock = Clock()
        lag = LoopLag(clock, told.append)

        async def story() -> None:
            await asyncio.sleep(5.05)
            clock.held_up += 3  # no callback ran for so long
            await asyncio.sleep(0.2)
            seen.append(lag.worst)
            await asyncio.sleep(9)
            seen.append(lag.worst)
            await asyncio.sleep(2)
            seen.append(lag.worst)

        await watched(clock, story(), lag)
        return lag.stalls

    assert in_virtual_time(scenario()) == 1
    assert told == [pytest.approx(3)]
    assert seen == [pytest.approx(3), pytest.approx(3), pytest.approx(0, abs=1e-6)]


def test_the_worst_is_the_worst_and_not_the_last() -> None:
    seen: list[float] = []

    async def scenario() -> int:
        clock = Clock()
        lag = LoopLag(clock)

        async def story() -> None:
            for late in (0.3, 0.8, 0.05):
                await asyncio.sleep(2.05)
                clock.held_up += late
                await asyncio.sleep(0.2)
                seen.append(lag.worst)

        await watched(clock, story(), lag)
        return lag.stalls

    assert in_virtual_time(scenario()) == 0
    assert seen == [pytest.approx(0.3), pytest.approx(0.8), pytest.approx(0.8)]


def test_a_day_of_looks_takes_no_room() -> None:
    lag = LoopLag(lambda: 86_400.0)
    for number in range(864_000):
        lag.note(number / 10, number / 10 - (number % 97) / 1000)
    assert len(lag._looks) <= 101


def test_whoever_watches_ends_with_the_context() -> None:
    async def scenario() -> int:
        async with watch():
            await asyncio.sleep(1)
        return len(asyncio.all_tasks())

    assert in_virtual_time(scenario()) == 1


def test_an_error_in_the_context_is_that_error() -> None:
    async def scenario() -> None:
        async with watch():
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        in_virtual_time(scenario())


@pytest.mark.real_time
def test_a_loop_that_is_really_blocked_is_seen() -> None:
    async def scenario() -> tuple[float, int]:
        async with watch() as lag:
            await asyncio.sleep(0.01)
            time.sleep(1.3)
            await asyncio.sleep(0.02)
            return lag.worst, lag.stalls

    worst, stalls = asyncio.run(scenario())
    assert 1.0 < worst < 30
    assert stalls >= 1
