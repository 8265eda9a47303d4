"""The README shows what the product does today: its ladder and its table of profiles are not prose."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coordinator.cli import invoke
from coordinator.profiles import load as profiles

README = Path(__file__).parents[2] / "README.md"


def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_the_ladder_in_the_readme_is_what_the_program_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    arguments = ["simulate", "--profile", "pre-zb3", "--joiner", "zboss-r22", "--expect", "left-by-joiner"]
    assert invoke(arguments) == 0
    printed = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())
    shown = re.search(r"```text\n(.*?)\n```", readme(), re.DOTALL)
    assert shown is not None
    assert shown.group(1) == printed


def test_the_profile_of_ones_own_in_the_readme_is_faultless_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", readme(), re.DOTALL)
    assert blocks
    for block in blocks:
        path = tmp_path / "customer.toml"
        path.write_text(block, encoding="utf-8")
        assert invoke(["profiles", "check", str(path)]) == 0
        assert invoke(["simulate", "--profile", str(path), "--joiner", "telink"]) in (0, 1)
        assert not capsys.readouterr().err


def test_the_table_of_profiles_in_the_readme_is_that_of_the_shipped_files() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \|$", readme(), re.MULTILINE)
    table = {name: (summary, imitates) for name, summary, imitates in rows if name in profiles.catalogue()}
    assert table == {
        name: (profiles.load(name).summary, profiles.load(name).imitates) for name in profiles.catalogue()
    }
