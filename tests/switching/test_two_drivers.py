"""What is switched in virtual time is switched alike under asyncio, record for record."""

from __future__ import annotations

import asyncio

import pytest

from coordinator import daemon, trace
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.rungs import Direction
from coordinator.profiles import joiners, load
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.switching.change import become
from coordinator.switching.effect import Effect
from coordinator.switching.moment import AfterSpan, AfterStep, Moment, StepName
from coordinator.switching.switcher import Switcher
from coordinator.types import SECOND, Instant
from tests.end_to_end.test_one_core_two_drivers import Audience
from tests.switching.bench import Bench

MOMENTS: dict[str, Moment] = {
    "before its beacon": AfterStep(step=StepName.BEACON_REQUEST, answered=False),
    "after its association": AfterStep(step=StepName.ASSOCIATION_RESPONSE),
    "before the answer to its Request-Key": AfterStep(step=StepName.REQUEST_KEY, answered=False),
    "after the answer to its Request-Key": AfterStep(step=StepName.REQUEST_KEY),
    "in its third second": AfterSpan(span=3 * SECOND),
}


def in_the_world(before: str, after: str, joiner: str, moment: Moment) -> tuple[list[trace.Record], Effect]:
    bench = Bench(before, joiner)
    ask = bench.ask(after, moment)
    bench.simulation.run()
    return bench.records, ask.effect


def under_asyncio(before: str, after: str, joiner: str, moment: Moment) -> tuple[list[trace.Record], Effect]:
    profile = load.load(before)
    records: list[trace.Record] = []
    effects: list[Effect] = []
    order = daemon.Order(profile=profile, joiner=joiners.load(joiner), seed=1, once=True)

    async def session() -> None:
        async with daemon.session(order, Audience(), utc_at_zero=0) as running:
            running.watch(records.append)
            switcher = Switcher(running.center, profile)
            switcher.ask(
                become(load.load(after)),
                "a change",
                moment,
                Instant(0),
                done=effects.append,
                withdrawn=lambda misfit: pytest.fail(str(misfit)),
            )
            never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            await running.run(never)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(session())
    (effect,) = effects
    return records, effect


@pytest.mark.parametrize("joiner", ["zboss-r22", "sleepy-zb3", "zstack-3.0.2"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("before", "after"), [("zb3", "pre-zb3"), ("silent-request-key", "zb3")])
def test_both_drivers_switch_between_the_same_two_records(
    before: str, after: str, joiner: str, moment: str
) -> None:
    expected, effect = in_the_world(before, after, joiner, MOMENTS[moment])
    records, other = under_asyncio(before, after, joiner, MOMENTS[moment])
    assert any(isinstance(each, trace.Switched) for each in expected)
    for number, (one, two) in enumerate(zip(expected, records, strict=True)):
        assert one == two, f"record {number} differs"
    assert effect == other


def test_the_ladder_has_a_rung_where_the_trust_center_became_another() -> None:
    records, effect = in_the_world("zb3", "pre-zb3", "zboss-r22", MOMENTS["after its association"])
    ladder = Ladder()
    rows = [row for record in records for row in ladder.note(record)]
    (rung,) = (row for row in rows if row.direction is Direction.HERE and "generation" in row.what)
    assert (rung.at, rung.device, rung.what) == (effect.at, None, "generation 2: a change")
