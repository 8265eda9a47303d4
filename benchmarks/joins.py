"""Whole joins in virtual time: both nodes, the air between them, all security, records to a witness."""

from __future__ import annotations

import statistics
import tempfile
from itertools import count
from pathlib import Path

from benchmarks.measurement import SEED, Effort, Measurement, per_second, seconds
from coordinator.composition import TRUST_CENTER_NAME, Setting
from coordinator.evidence.outcome import Outcome, Verdict
from coordinator.profiles import joiners, load
from coordinator.recording import Files, Recording
from coordinator.scenario import Scenario, Simulation, Succession
from coordinator.types import SECOND

PROFILE = "zb3"
JOINER = "zboss-r22"
OBSERVE = 2 * SECOND
"""The short window of long successions: this joiner is verified 0.6 s after its association."""
FLOOR = 300
ALIVE = 50
LONG_ROUNDS = 3
"""A round with fifty joiners takes seconds by itself."""


def measure_joins(effort: Effort) -> list[Measurement]:
    """Each join on a new network, watched for the 40 s of a real run."""
    profile, model = load.load(PROFILE), joiners.load(JOINER)
    seeds = count(SEED)

    def simulation() -> Simulation:
        return Simulation(Scenario(profile=profile, joiners=(model,), seed=next(seeds)))

    def bare() -> None:
        _require_joined(simulation().run().verdict)

    with tempfile.TemporaryDirectory() as folder:
        files = Files(capture=Path(folder) / "join.pcapng", utc_at_zero=0, radio="sim")

        def captured() -> None:
            run = simulation()
            with Recording(files, TRUST_CENTER_NAME, run.witness.miss) as recording:
                run.watch(recording.note)
                run.medium.observe(recording.hear)
                _require_joined(run.run(before_close=recording.flush).verdict)

        rate, captured_rate = per_second(bare, captured, effort=effort)
        watched = f"{PROFILE} x {JOINER}, a new network each, 40 s observed"
        return [
            Measurement(
                name="full joins",
                value=rate,
                unit="joins/s",
                conditions=watched,
                floor=FLOOR,
            ),
            Measurement(
                name="full joins, captured",
                value=captured_rate,
                unit="joins/s",
                conditions=f"{watched}, pcapng to a file",
            ),
        ]


def measure_succession(effort: Effort) -> list[Measurement]:
    """One network, one joiner after the other: the last must cost what the first did."""
    line = succession()
    costs: list[float] = []
    found: list[Measurement] = []
    mark = 10
    while mark <= effort.succession:
        while len(costs) < mark:
            costs.append(seconds(lambda: join_next(line)))
        found.append(
            Measurement(
                name=f"a join, {mark:,} in sequence",
                value=1000 * statistics.quantiles(costs[mark // 2 :], n=10, method="inclusive")[0],
                unit="ms",
                conditions=f"lowest decile of joins {mark // 2 + 1:,} to {mark:,} on one network, 2 s each",
            )
        )
        mark *= 10
    growth = found[-1].value / found[0].value
    found.append(Measurement(name="last to first", value=growth, unit="ratio", conditions="1 is flat"))
    return found


def measure_alive(effort: Effort) -> list[Measurement]:
    """Fifty routers in one network, powered a second apart, all of them alive to the end."""
    profile, model = load.load(PROFILE), joiners.load(JOINER)
    scenario = Scenario(profile=profile, joiners=(model,) * ALIVE, seed=SEED)

    def run() -> int:
        devices = Simulation(scenario).run().verdict.devices
        return sum(verdict.outcome is Outcome.JOINED_SECURE for verdict in devices)

    joined = run()
    together = min(seconds(run) for _ in range(min(effort.rounds, LONG_ROUNDS)))
    return [
        Measurement(
            name=f"{ALIVE} joiners alive at once",
            value=1000 * together / ALIVE,
            unit="ms/joiner",
            conditions=f"{PROFILE} x {JOINER}, routers, 40 s after the last one; {joined} joined-secure",
        )
    ]


def succession() -> Succession:
    """A network that stays open, for one joiner after the other."""
    setting = Setting(permit=10_000_000 * SECOND)
    model = joiners.load(JOINER)
    scenario = Scenario(
        profile=load.load(PROFILE), joiners=(model,), seed=SEED, setting=setting, observe=OBSERVE
    )
    return Succession(Simulation(scenario))


def join_next(line: Succession) -> None:
    """The next joiner's turn."""
    _require_joined(line.join())


def _require_joined(verdict: Verdict) -> None:
    """A join that failed costs something else."""
    if verdict.outcome is not Outcome.JOINED_SECURE:
        raise AssertionError(f"{PROFILE} x {JOINER}: {verdict.explanation}")
