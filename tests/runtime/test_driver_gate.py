"""Frames wait for what they depend on, in order, and no longer than a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from coordinator.radio.base import Confirms, Hears
from coordinator.runtime.driver import LONGEST_HOLD, Driver
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.stack.node import Action, ReceivedFrame, SetPending, Transmit, TransmitStatus
from coordinator.types import Channel, Duration, Instant

FIRST, SECOND, PENDING = Transmit(handle=1, psdu=b"1"), Transmit(handle=2, psdu=b"2"), SetPending()


class Bench:
    """Radio, node, clock and gate in one: acts are put in by hand, and what left is looked at."""

    kind = "bench"

    def __init__(self) -> None:
        self.left: list[Action] = []
        self.confirmed: list[tuple[int, TransmitStatus]] = []
        self.actions: list[Action] = []
        self.mark = 0
        self.durable = 0
        self.failure = ""
        self.listener: Callable[[], None] | None = None

    async def start(self, hears: Hears, confirms: Confirms) -> None: ...

    def post(self, action: Action) -> None:
        self.left.append(action)

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        return -90

    async def close(self) -> None: ...

    def now(self) -> Instant:
        return Instant(round(asyncio.get_running_loop().time() * 1_000_000))

    def loop_time(self, when: Instant) -> float:
        return when / 1_000_000

    def receive(self, frame: ReceivedFrame, now: Instant) -> None: ...

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        self.confirmed.append((handle, status))

    def next_deadline(self) -> Instant | None:
        return None

    def handle_timeout(self, now: Instant) -> None: ...

    def take(self) -> Sequence[Action]:
        actions, self.actions = self.actions, []
        return actions

    def settle(self, now: Instant) -> int:
        return self.mark

    def listen(self, listener: Callable[[], None] | None) -> None:
        self.listener = listener

    def reach(self, durable: int) -> None:
        self.durable = durable
        assert self.listener is not None
        self.listener()

    def do(self, driver: Driver, mark: int, *actions: Action) -> None:
        self.mark = mark
        self.actions.extend(actions)
        driver.settle()


def run(story: Callable[[Bench, Driver], Coroutine[None, None, None]]) -> Bench:
    bench = Bench()

    async def session() -> None:
        async with Driver(bench, bench, bench, bench) as driver:
            await story(bench, driver)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(session())
    return bench


def test_what_depends_on_nothing_new_leaves_at_once() -> None:
    async def story(bench: Bench, driver: Driver) -> None:
        bench.do(driver, 0, FIRST, PENDING)
        assert bench.left == [FIRST, PENDING]

    run(story)


def test_what_depends_on_the_disk_waits_for_it_and_keeps_its_order() -> None:
    async def story(bench: Bench, driver: Driver) -> None:
        bench.do(driver, 1, FIRST)
        bench.do(driver, 2, PENDING, SECOND)
        assert bench.left == []
        bench.reach(1)
        await asyncio.sleep(0)
        assert bench.left == [FIRST]
        bench.reach(2)
        await asyncio.sleep(0)
        assert bench.left == [FIRST, PENDING, SECOND]

    assert run(story).confirmed == []


def test_when_nothing_can_be_saved_the_frame_is_given_up_and_its_sender_told() -> None:
    async def story(bench: Bench, driver: Driver) -> None:
        bench.do(driver, 1, FIRST)
        bench.failure = "disk full"
        bench.reach(0)
        await asyncio.sleep(0)

    bench = run(story)
    assert bench.left == []
    assert bench.confirmed == [(1, TransmitStatus.ABORTED)]


def test_a_disk_that_never_answers_holds_a_frame_for_a_bounded_time_only() -> None:
    async def story(bench: Bench, driver: Driver) -> None:
        bench.do(driver, 1, FIRST)
        for _ in range(3):
            await asyncio.sleep(LONGEST_HOLD / 4)
            driver.settle()  # other things go on
        assert bench.confirmed == []
        await asyncio.sleep(LONGEST_HOLD / 2)
        assert bench.confirmed == [(1, TransmitStatus.ABORTED)]

    assert run(story).left == []


def test_after_the_driver_closed_nothing_is_let_go() -> None:
    async def story(bench: Bench, driver: Driver) -> None:
        bench.do(driver, 1, FIRST)

    bench = run(story)
    bench.durable = 1
    assert bench.listener is None
    assert bench.left == []
