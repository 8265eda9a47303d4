"""One core, two drivers: what the world runs in virtual time, asyncio runs alike, record for record.

This is what licenses believing the simulator about the daemon (architecture.md, Time).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from coordinator import daemon, trace
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.scenario import Scenario, Simulation
from coordinator.sim.air import Link, MediumConfig
from coordinator.types import Duration

JOINERS = tuple(joiners.catalogue())
LOSSY = MediumConfig(link=Link(loss=0.15))


@dataclass(frozen=True, slots=True)
class Audience:
    """A reporter that remembers the verdicts."""

    verdicts: list[Verdict] = field(default_factory=list)

    def started(self, run: daemon.Begun) -> None:
        assert run.radio == "sim"

    def row(self, row: Row) -> None: ...

    def waiting(self, left: Duration | None, observing: bool) -> None: ...

    def radio(self, change: trace.RadioChanged) -> None: ...

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        self.verdicts.append(verdict)


def in_the_world(
    profile: str, joiner: str, seed: int, medium: MediumConfig | None
) -> tuple[list[trace.Record], Verdict]:
    scenario = Scenario(
        profile=profiles.load(profile), joiners=(joiners.load(joiner),), seed=seed, medium=medium
    )
    simulation = Simulation(scenario)
    records: list[trace.Record] = []
    simulation.watch(records.append)
    return records, simulation.run().verdict


def under_asyncio(
    profile: str, joiner: str, seed: int, medium: MediumConfig | None
) -> tuple[list[trace.Record], Verdict]:
    records: list[trace.Record] = []
    audience = Audience()
    order = daemon.Order(
        profile=profiles.load(profile), joiner=joiners.load(joiner), seed=seed, medium=medium, once=True
    )

    async def session() -> daemon.Ending:
        async with daemon.session(order, audience, utc_at_zero=0) as running:
            running.watch(records.append)
            never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await running.run(never)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        ending = runner.run(session())
    (verdict,) = audience.verdicts
    assert ending == daemon.Ending(verdict=verdict)
    return records, verdict


def assert_alike(profile: str, joiner: str, seed: int, medium: MediumConfig | None = None) -> None:
    expected, verdict = in_the_world(profile, joiner, seed, medium)
    records, other = under_asyncio(profile, joiner, seed, medium)
    assert len(expected) > 10
    for number, (one, two) in enumerate(zip(expected, records, strict=True)):
        assert one == two, f"{profile}, {joiner}, seed {seed}: record {number} differs"
    assert (verdict.outcome, verdict.verdict, verdict.attempts) == (
        other.outcome,
        other.verdict,
        other.attempts,
    )
    assert verdict.closed == other.closed


@pytest.mark.parametrize("profile", profiles.catalogue())
def test_every_profile_leaves_the_same_records_with_every_joiner(profile: str) -> None:
    for joiner in JOINERS:
        assert_alike(profile, joiner, seed=1)


@pytest.mark.parametrize("joiner", JOINERS)
def test_the_seeds_coordinator_leaves_the_same_records_whatever_the_seed(joiner: str) -> None:
    for seed in range(2, 12):
        assert_alike("pre-zb3", joiner, seed)


@pytest.mark.parametrize("joiner", ["zboss-r22", "sleepy-zb3", "ha12"])
def test_frames_get_lost_alike(joiner: str) -> None:
    for seed in range(20):
        assert_alike("zb3", joiner, seed, LOSSY)
