"""Runs in virtual time: one, many seeds, or the product of profiles and joiners."""

from __future__ import annotations

import json as json_format
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.cli.screen import TerminalReporter
from coordinator.composition import TRUST_CENTER_NAME, Setting
from coordinator.daemon import Begun, Order
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import Outcome, Ruling
from coordinator.joiner.model import JoinerModel
from coordinator.profiles.profile import Profile
from coordinator.radio.simulated import KIND
from coordinator.recording import Files, Recording
from coordinator.scenario import Result, Scenario, Simulation, verdict_line
from coordinator.sim.air import MediumConfig
from coordinator.trace import Record
from coordinator.types import MILLISECOND, SECOND, Duration

VIRTUAL_EPOCH = 1_767_225_600 * SECOND
"""UTC at the start of every virtual run, 2026-01-01T00:00:00Z: the same seed gives the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The product of profiles, joiners and seeds, and what every run shares."""

    profiles: list[Profile]
    joiners: list[JoinerModel]
    first_seed: int
    count: int
    setting: Setting
    expect: frozenset[Outcome]
    observe: Duration
    until: Duration
    medium: MediumConfig | None = None

    def __len__(self) -> int:
        return len(self.profiles) * len(self.joiners) * self.count

    def __iter__(self) -> Iterator[Scenario]:
        for profile in self.profiles:
            for joiner in self.joiners:
                for seed in range(self.first_seed, self.first_seed + self.count):
                    yield Scenario(
                        profile=profile,
                        joiners=(joiner,),
                        seed=seed,
                        setting=self.setting,
                        expect=self.expect,
                        observe=self.observe,
                        until=self.until,
                        medium=self.medium,
                    )


def run(runs: Runs, *, json: bool = False, capture: Path | None = None, events: Path | None = None) -> int:
    """Run all; return the exit code of the worst."""
    if len(runs) > 1 and (capture is not None or events is not None):
        raise typer.BadParameter(
            f"a capture or event file holds one run; this is {len(runs)}",
            param_hint="--events" if capture is None else "--capture",
        )
    rulings: set[Ruling] = set()
    for scenario in runs:
        simulation = Simulation(scenario)
        ladder = len(runs) == 1 and not json
        if ladder:
            result = shown(simulation, capture, events)
        else:
            result = recorded(simulation, capture, events)
            line = line_of(scenario, result)
            typer.echo(json_format.dumps(line) if json else text_of(line))
        rulings.add(result.verdict.verdict)
    return exits.worst(rulings)


def recorded(
    simulation: Simulation,
    capture: Path | None,
    events: Path | None,
    begin: Callable[[], None] = lambda: None,
) -> Result:
    """One run with its files, if any; `begin` is called when they are open."""
    scenario = simulation.scenario
    files = Files(
        capture=capture,
        events=events,
        utc_at_zero=VIRTUAL_EPOCH,
        radio=KIND,
        remarks=(
            f"profile: {scenario.profile.name}",
            f"joiner: {scenario.joiners[0].name}",
            f"seed: {scenario.seed}",
            *air_of(scenario),
        ),
    )
    with Recording(files, TRUST_CENTER_NAME, simulation.witness.miss) as recording:
        if recording.wanted:
            simulation.watch(recording.note)
            simulation.medium.observe(recording.hear)
        begin()
        result = simulation.run(before_close=recording.flush)
        recording.verdict(result.ended, line_of(scenario, result))
    return result


def shown(simulation: Simulation, capture: Path | None, events: Path | None) -> Result:
    """One run as the live ladder shows it, all at once."""
    scenario, center = simulation.scenario, simulation.center
    reporter = TerminalReporter()
    ladder = Ladder()

    def climb(record: Record) -> None:
        for row in ladder.note(record):
            reporter.row(row)

    simulation.watch(climb)
    order = Order(
        profile=scenario.profile,
        joiner=scenario.joiners[0],
        seed=scenario.seed,
        setting=scenario.setting,
        expect=scenario.expect,
        observe=scenario.observe,
        medium=scenario.medium,
    )
    begun = Begun(
        order=order,
        network=center.network,
        trust_center=center.host.eui64,
        radio=KIND,
        utc_at_zero=VIRTUAL_EPOCH,
    )
    result = recorded(
        simulation,
        capture,
        events,
        begin=lambda: reporter.started(begun),
    )
    for row in ladder.close(result.ended):
        reporter.row(row)
    reporter.verdict(result.verdict, line_of(scenario, result))
    return result


def air_of(scenario: Scenario) -> Iterator[str]:
    """What a capture says of an air that is not perfect."""
    if scenario.medium is not None:
        link = scenario.medium.link
        collisions = ", collisions" if scenario.medium.collisions else ""
        yield f"air: loss {link.loss:g}, delay {link.delay / MILLISECOND:g} ms{collisions}"


def line_of(scenario: Scenario, result: Result) -> dict[str, object]:
    """The JSON object of a run."""
    return verdict_line(
        result.verdict,
        profile=scenario.profile.name,
        joiner=scenario.joiners[0].name,
        seed=scenario.seed,
        radio=KIND,
        joiner_basis=result.joiner_basis,
    )


def text_of(line: dict[str, object]) -> str:
    """One run of many, in a line."""
    outcome = str(line["outcome"]) + (f" ({line['link_key']})" if line["link_key"] else "")
    return (
        f"{line['profile']!s:20} {line['joiner']!s:24} seed {line['seed']!s:>6}  "
        f"{line['verdict']!s:12} {outcome:32} {line['explanation']}"
    )
