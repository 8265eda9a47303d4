"""The same seed gives the same bytes; a clear air gives the same outcomes; a bad one still gives one."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from coordinator.evidence.outcome import Outcome, Ruling
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.scenario import Scenario, simulate
from coordinator.sim.air import Link, MediumConfig
from tests.end_to_end.front_door import run

RUNS = [
    ("pre-zb3", "zboss-r22"),
    ("zb3", "sleepy-zb3"),
    ("clear-key", "emberznet"),
    ("missing-confirm-key", "nxp"),
]


def written(folder: Path, profile: str, joiner: str, seed: int) -> tuple[bytes, bytes, str]:
    """What one run leaves behind: capture, events, stdout."""
    folder.mkdir()
    capture, events = folder / "run.pcapng", folder / "run.jsonl"
    names = ("simulate", "--profile", profile, "--joiner", joiner, "--seed", str(seed))
    _, out, _ = run(*names, "--capture", str(capture), "--events", str(events))
    return capture.read_bytes(), events.read_bytes(), out


@pytest.mark.parametrize(("profile", "joiner"), RUNS)
def test_the_same_seed_gives_the_same_octets(profile: str, joiner: str, tmp_path: Path) -> None:
    first = written(tmp_path / "first", profile, joiner, seed=7)
    random.seed(0)  # whoever else draws must not matter
    assert written(tmp_path / "second", profile, joiner, seed=7) == first
    assert all(first)


@pytest.mark.parametrize(("profile", "joiner"), RUNS)
def test_another_seed_gives_other_octets(profile: str, joiner: str, tmp_path: Path) -> None:
    first = written(tmp_path / "first", profile, joiner, seed=7)
    second = written(tmp_path / "second", profile, joiner, seed=8)
    assert all(one != other for one, other in zip(first, second, strict=True))


def outcome(
    profile: str, joiner: str, seed: int, medium: MediumConfig | None = None
) -> tuple[Outcome, Ruling, str]:
    """How one run ends, with the step."""
    scenario = Scenario(
        profile=profiles.load(profile), joiners=(joiners.load(joiner),), seed=seed, medium=medium
    )
    verdict = simulate(scenario).verdict
    return verdict.outcome, verdict.verdict, verdict.step.value


@pytest.mark.parametrize("profile", profiles.catalogue())
def test_on_a_clear_air_outcomes_do_not_depend_on_the_seed(profile: str) -> None:
    for joiner in joiners.catalogue():
        assert len({outcome(profile, joiner, seed) for seed in range(10)}) == 1, joiner


@pytest.mark.parametrize("loss", [0.1, 0.2])
def test_with_frames_lost_every_run_still_ends_with_an_outcome(loss: float) -> None:
    medium = MediumConfig(link=Link(loss=loss), collisions=True)
    ends: Counter[Outcome] = Counter()
    for seed in range(50):
        for profile in ("pre-zb3", "zb3", "missing-confirm-key"):
            for joiner in ("zboss-r22", "sleepy-zb3", "ha12"):
                ends[outcome(profile, joiner, seed, medium)[0]] += 1
    assert ends.total() == 450
    assert ends[Outcome.JOINED_SECURE] > 50  # retries carry a join through


def test_where_nothing_gets_through_nothing_is_claimed() -> None:
    deaf = MediumConfig(link=Link(loss=1.0))
    found = outcome("zb3", "zboss-r22", 1, deaf)
    assert found[:2] == (Outcome.INCONCLUSIVE, Ruling.INCONCLUSIVE)
