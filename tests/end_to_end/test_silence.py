"""A device that falls silent is not known to have joined, however far it had come (issue 2).

The plug is pulled in the middle of a run; the Trust Center sees nothing of it but the silence.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import Outcome, Ruling, Step, Verdict
from coordinator.evidence.rungs import Row
from coordinator.primitives import zdo
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.scenario import Scenario, Simulation, power_later
from coordinator.types import SECOND, Duration, Instant
from tests.end_to_end.front_door import simulate

SILENT = (Outcome.INCONCLUSIVE, Step.WENT_SILENT, Ruling.INCONCLUSIVE)


def unplugged(profile: str, joiner: str, at: Duration, seed: int = 1) -> Verdict:
    """The verdict on a joiner that loses its power at `at`."""
    scenario = Scenario(profile=profiles.load(profile), joiners=(joiners.load(joiner),), seed=seed)
    simulation = Simulation(scenario)
    simulation.start()
    world = simulation.world
    _, drivers = power_later(
        world, simulation.medium, scenario.joiners[0], simulation.entropy, 0, scenario.setting
    )
    world.at(Instant(at), lambda: drivers[0].power_off())
    return simulation.witness.close(simulation.window.run(world))


@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize(
    ("profile", "joiner"),
    [("zb3", "zboss-r22"), ("ha12", "ha12"), ("pre-zb3", "telink"), ("zb3", "sleepy-zb3")],
)
def test_a_joiner_without_power_went_silent(profile: str, joiner: str, seed: int) -> None:
    verdict = unplugged(profile, joiner, 6 * SECOND, seed)
    assert (verdict.outcome, verdict.step, verdict.verdict) == SILENT
    assert verdict.explanation.startswith("fell silent without a leave: last known of ")


@pytest.mark.parametrize("seconds", [12, 20, 30, 37])
@pytest.mark.parametrize("joiner", ["zboss-r22", "ha12"])
def test_it_does_not_matter_how_late_a_waking_device_falls_silent(joiner: str, seconds: int) -> None:
    verdict = unplugged("zb3-lenient", joiner, seconds * SECOND)
    assert (verdict.outcome, verdict.step, verdict.verdict) == SILENT
    assert verdict.explanation.endswith("a later frame to it was not acknowledged")


def test_a_joiner_that_was_silent_when_it_was_told_to_leave_was_not_removed() -> None:
    verdict = unplugged("pre-zb3", "zboss-r22-legacy", 6 * SECOND)
    assert (verdict.outcome, verdict.step, verdict.verdict) == SILENT
    assert "the request to leave (NWK Leave) at 15.0 s was not acknowledged" in verdict.explanation


def asked(profile: str, joiner: str) -> list[float]:
    """When, in seconds before the close, the Trust Center asks whether the joiner is there."""
    scenario = Scenario(profile=profiles.load(profile), joiners=(joiners.load(joiner),))
    simulation = Simulation(scenario)
    times: list[Instant] = []

    def note(record: trace.Record) -> None:
        match record:
            case trace.Requested(request=zdo.CommandRequest(command=zdp.IeeeAddressRequest())):
                times.append(record.at)
            case _:
                pass

    simulation.watch(note)
    closed = simulation.run().ended
    return [(closed - at) / SECOND for at in times]


def test_who_is_awake_and_in_the_network_is_asked_once_and_nobody_else() -> None:
    assert asked("zb3", "zboss-r22") == [2.0]
    assert asked("ha12", "ha12") == [2.0]
    assert asked("zb3", "sleepy-zb3") == []  # its polls are heard
    assert asked("zb3", "ha12") == []  # removed
    assert asked("pre-zb3", "zboss-r22") == []  # left
    assert asked("clear-key", "zboss-r22") == []  # never authenticated


# --- what never left, and what was cut off -----------------------------------------------------

LATE_KEY = """
extends = "{extends}"
title = "late key"
summary = "answers Request-Key when the joiner has gone"
imitates = "nothing: a test"
clause = "unverified: a test"
seen = "nowhere"
basis = ["K"]

[[behaviours]]
name = "reqkey.delay"
seconds = {seconds}
clause = "unverified: a test"
seen = "nowhere"
"""


@pytest.mark.parametrize(
    ("extends", "outcome", "words"),
    [
        (
            "zb3-lenient",
            "left-by-joiner",
            "s after the last of its 3 Request-Keys, none of which was answered",
        ),
        ("zb3", "removed-by-trust-center", "it had asked for one 3 times and was not answered"),
    ],
)
def test_a_key_that_comes_when_the_joiner_has_gone_was_never_given(
    extends: str, outcome: str, words: str, tmp_path: Path
) -> None:
    profile = tmp_path / "late.toml"
    profile.write_text(LATE_KEY.format(extends=extends, seconds=20))
    (verdict,) = simulate("--profile", str(profile), "--joiner", "zboss-r22")
    assert (verdict["outcome"], verdict["step"]) == (outcome, "request-key")
    assert words in str(verdict["explanation"])
    assert verdict["deviations"] == ["reqkey.delay"]
    rows = ladder(profile, "zboss-r22")
    keys = [row for row in rows if row.what.startswith("Transport-Key (TC link, ")]
    assert keys
    for row in keys:
        assert row.ghost
        assert row.note == "not sent (no route)"
    assert [row.what for row in rows if row.what == "Verify-Key"] == []


def ladder(profile: Path, joiner: str) -> list[Row]:
    """Every row of a run, those of the close included."""
    scenario = Scenario(profile=profiles.load(str(profile)), joiners=(joiners.load(joiner),))
    simulation, steps = Simulation(scenario), Ladder()
    rows: list[Row] = []
    simulation.watch(lambda record: rows.extend(steps.note(record)))
    closed = simulation.run().ended
    return [*rows, *steps.close(closed)]


def test_an_exchange_that_completed_leaves_no_ghost_of_its_second_answer(tmp_path: Path) -> None:
    profile = tmp_path / "slow.toml"
    profile.write_text(LATE_KEY.format(extends="zb3", seconds=7))
    rows = ladder(profile, "zboss-r22")
    assert len([row for row in rows if row.what.startswith("Transport-Key (TC link, ")]) == 2
    assert [row for row in rows if row.ghost] == []


def test_a_run_cut_off_during_a_scan_is_inconclusive() -> None:
    (verdict,) = simulate("--profile", "zb3", "--joiner", "zboss-r22", "--until", "2")
    assert (verdict["outcome"], verdict["verdict"], verdict["step"]) == ("inconclusive",) * 2 + ("scan",)
    assert "the run ended 946 ms later" in str(verdict["explanation"])
