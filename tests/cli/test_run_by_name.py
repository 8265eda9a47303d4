"""`legacy-tc run ...` is `legacy-tc ...`: one list of options, one configuration, one exit code."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from coordinator.cli import invoke
from coordinator.config.configuration import Configuration

USAGE = 2


@pytest.fixture(autouse=True)
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Configuration, bool]]:
    """What a run was begun with, without running it: configuration, and whether it writes JSON."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("LEGACY_TC_"):
            monkeypatch.delenv(name)
    found: list[tuple[Configuration, bool]] = []

    def run(configuration: Configuration, *, json: bool) -> int:
        found.append((configuration, json))
        return 42

    monkeypatch.setattr("coordinator.cli.run.run", run)
    Path("bench.toml").write_text('[trust_center]\nprofile = "pre-zb3"\n[run]\nobserve_seconds = 5\n')
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--profile zb3",
        "--config bench.toml --observe 40 --json",
        "--profile zb3 --once --expect left-by-joiner --seed 7 --mqtt mqtt://127.0.0.1 --tc-id rack7-tc0",
        "--profile zb3 --radio spinel:/dev/ttyACM0 --allow 00:12:4b:00:01:02:03:04 --permit-join 60",
    ],
)
@pytest.mark.parametrize("variable", ["", "bench.toml"])
def test_a_run_by_its_name_is_the_run_without_a_verb(
    arguments: str,
    variable: str,
    begun: list[tuple[Configuration, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable:
        monkeypatch.setenv("LEGACY_TC_CONFIG", variable)
    assert [invoke(arguments.split()), invoke(["run", *arguments.split()])] == [42, 42]
    (alone, json_alone), (named, json_named) = begun
    assert (named.values, named.origins, json_named) == (alone.values, alone.origins, json_alone)


def test_both_take_the_same_options(capsys: pytest.CaptureFixture[str]) -> None:
    def options(*verb: str) -> list[str]:
        assert invoke([*verb, "--help"]) == 0
        told = capsys.readouterr().out.partition("\nOptions:\n")[2].partition("\n\n")[0]
        return re.findall(r"^  (?:-\w, )?(--[a-z0-9-]+)", told, re.MULTILINE)

    named = options("run")
    assert named[0] == "--config"
    assert named == [each for each in options() if not each.endswith("-completion")]


def test_an_option_before_the_name_is_refused_rather_than_not_heard(
    begun: list[tuple[Configuration, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["--profile", "zb3", "run"]) == USAGE
    assert "an option goes after the verb 'run'" in capsys.readouterr().err
    assert begun == []
