"""Files that a run writes, in a configuration: none is one that it reads, nor the other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from coordinator.cli.invocation import invoke

CONFIGURATION, PASS = 3, 0
PROFILE = '[trust_center]\nprofile = "zb3"\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def errors(text: str, capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """What is wrong, as config check sees it; and a run refuses the same."""
    Path("a.toml").write_text(text)
    code = invoke(["config", "check", "a.toml", "--json"])
    found = json.loads(capsys.readouterr().out)["errors"]
    assert code == (CONFIGURATION if found else PASS)
    if found:
        assert invoke(["--config", "a.toml", "--profile", "zb3"]) == CONFIGURATION
        told = capsys.readouterr().err
        assert all(each["message"] in told for each in found)
    return [(each["path"], each["message"]) for each in found]


@pytest.mark.parametrize("profile", [PROFILE, ""])
def test_both_files_that_would_overwrite_the_configuration_are_told_of(
    profile: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("key").write_text("a1" * 16)
    Path("key").chmod(0o600)
    text = f'{profile}[network]\nkey_file = "key"\n[evidence]\ncapture = "a.toml"\nevents = "key"\n'
    assert errors(text, capsys) == [
        ("evidence.capture", "a.toml: this would overwrite a.toml"),
        ("evidence.events", "key: this would overwrite key"),
    ]


@pytest.mark.parametrize("other", ["run.out", "./run.out", "link"])
def test_one_file_cannot_be_the_capture_and_the_events(
    other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    os.symlink("run.out", "link")
    text = f'{PROFILE}[evidence]\ncapture = "run.out"\nevents = "{other}"\n'
    assert [path for path, _ in errors(text, capsys)] == ["evidence.events"]


def test_what_is_no_file_may_be_both(capsys: pytest.CaptureFixture[str]) -> None:
    text = f'{PROFILE}[evidence]\ncapture = "/dev/null"\nevents = "/dev/null"\n'
    assert errors(text, capsys) == []
