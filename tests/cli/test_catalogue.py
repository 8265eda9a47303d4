"""`profiles`, `behaviours`, `joiners`, `version`, `matrix`, help, completion: as text and as JSON Lines."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from coordinator import __version__
from coordinator.cli import invoke
from coordinator.cli.app import main_callback
from coordinator.cli.configured import KEYS, NOT_IN_A_FILE
from coordinator.cli.options import (
    complete_behaviour,
    complete_joiner,
    complete_outcome,
    complete_profile,
    complete_shipped_joiner,
    complete_shipped_profile,
)

PROFILES = (
    "zb3", "zb3-lenient", "zb3-r21", "pre-zb3", "key-reuse", "missing-confirm-key", "leave-on-timeout",
    "ha12", "clear-key", "zigbee-2007", "silent-request-key", "no-node-descriptor", "negative-confirm",
    "classic-r20",
)  # fmt: skip
JOINERS = (
    "zboss-r22", "zboss-r22-legacy-update", "zboss-r22-legacy", "emberznet", "zstack-3.0.2", "nxp", "telink",
    "ha12", "sleepy-zb3", "ha12-clear", "schneider",
)  # fmt: skip
"""The names that issue 2 asks for, and two devices that single behaviours are for."""

Object = dict[str, object]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that succeeds prints; it has nothing to complain of."""
    assert invoke(list(arguments)) == 0
    out, err = capsys.readouterr()
    assert not err
    return out


def objects(text: str) -> list[Object]:
    return [cast(Object, json.loads(line)) for line in text.splitlines()]


@pytest.mark.parametrize(("noun", "names"), [("profiles", PROFILES), ("joiners", JOINERS)])
def test_what_there_is_is_listed(
    noun: str, names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    listed = objects(said(capsys, noun, "list", "--json"))
    assert sorted(str(each["name"]) for each in listed) == sorted(names)
    text = said(capsys, noun, "list")
    assert all(name in text for name in names)


@pytest.mark.parametrize("noun", ["profiles", "behaviours", "joiners"])
def test_a_list_that_a_program_reads_is_neither_wrapped_nor_padded(
    noun: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    column = "title" if noun == "joiners" else "summary"
    listed = objects(said(capsys, noun, "list", "--json"))
    assert said(capsys, noun, "list").splitlines() == [f"{each['name']}\t{each[column]}" for each in listed]


def test_every_behaviour_says_what_it_breaks_and_where_it_was_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = objects(said(capsys, "behaviours", "list", "--json"))
    assert len(listed) >= 18
    for behaviour in listed:
        for field in ("name", "summary", "description", "clause", "seen"):
            assert behaviour[field], f"{behaviour['name']} has no {field}"
        shown = objects(said(capsys, "behaviours", "show", str(behaviour["name"]), "--json"))
        assert shown == [behaviour]


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_says_what_it_imitates_breaks_and_where_it_was_seen(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (shown,) = objects(said(capsys, "profiles", "show", name, "--json"))
    text = said(capsys, "profiles", "show", name)
    for field in ("title", "summary", "imitates", "clause", "seen"):
        assert shown[field]
        assert f"{field}: {shown[field]}" in text
    for behaviour in cast(list[Object], shown["behaviours"]):
        assert behaviour["clause"]
        assert behaviour["seen"]
        assert str(behaviour["name"]) in text


@pytest.mark.parametrize("name", JOINERS)
def test_every_trait_of_a_joiner_says_how_it_is_known(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = objects(said(capsys, "joiners", "show", name, "--json"))
    traits = cast(dict[str, Object], shown["traits"])
    assert len(traits) > 15
    for trait, entry in traits.items():
        assert entry["basis"] in ("measured", "source", "assumed"), trait
        assert entry["note"], trait
    text = said(capsys, "joiners", "show", name)
    assert all(trait in text for trait in traits)


def test_all_profiles_are_checked_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "profiles", "check").splitlines()
    assert len(lines) == len(PROFILES)
    assert all(": ok" in line for line in lines)
    checked = objects(said(capsys, "profiles", "check", "--json"))
    assert [each["ok"] for each in checked] == [True] * len(PROFILES)


def test_all_joiners_are_checked_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "joiners", "check").splitlines()
    assert len(lines) == len(JOINERS)
    assert all(": ok" in line for line in lines)
    checked = objects(said(capsys, "joiners", "check", "telink", "--json"))
    assert checked[0]["ok"] is True


def test_spans_are_shown_in_seconds_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "profiles", "show", "zb3")
    assert "node_join_timeout: 15 s\n" in text
    assert "transaction_persistence: 7.68 s\n" in text
    (shown,) = objects(said(capsys, "profiles", "show", "zb3", "--json"))
    assert cast(Object, shown["trust_center"])["node_join_timeout"] == 15.0


@pytest.mark.parametrize(("name", "mask"), [("zb3", "0x2c41"), ("classic-r20", "0x2841"), ("ha12", "0x0041")])
def test_the_server_mask_is_shown_as_it_goes_on_air(
    name: str, mask: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"server_mask: {mask}\n" in said(capsys, "profiles", "show", name)


def test_every_profile_is_checked_though_one_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('extends = "zb3"\ntitel = "x"\n')
    assert invoke(["profiles", "check", str(wrong), "zb3"]) == 3
    out, err = capsys.readouterr()
    assert "zb3: ok" in out
    assert "titel" in err
    assert invoke(["profiles", "check", str(wrong), "zb3", "--json"]) == 3
    out, err = capsys.readouterr()
    assert not err
    first, second = objects(out)
    assert (first["ok"], second["ok"]) == (False, True)
    assert "titel" in str(first["error"])


def test_a_profile_of_ones_own_runs_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "customer.toml"
    mine.write_text(
        'extends = "pre-zb3"\ntitle = "Customer"\nsummary = "s"\nimitates = "i"\nclause = "unverified: c"\n'
        'seen = "w"\nbasis = ["K"]\n[trust_center]\nnode_join_timeout = 5.0\n'
    )
    out = said(capsys, "profiles", "show", str(mine), "--json")
    assert objects(out)[0]["name"] == "customer"
    code = invoke(["simulate", "--json", "--profile", str(mine), "--joiner", "zboss-r22-legacy"])
    assert code == 1
    (verdict,) = objects(capsys.readouterr().out)
    assert (verdict["profile"], verdict["outcome"]) == ("customer", "removed-by-trust-center")
    assert verdict["seconds"] == pytest.approx(5.0, abs=0.1)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == said(capsys, "version")
    assert said(capsys, "version") == f"legacy-tc {__version__}\n"
    assert objects(said(capsys, "version", "--json")) == [{"version": __version__}]


HELPED = [
    (), ("simulate",), ("decode",), ("matrix",), ("version",), ("profiles",), ("profiles", "list"),
    ("profiles", "show"), ("profiles", "check"), ("behaviours",), ("behaviours", "list"),
    ("behaviours", "show"), ("joiners",), ("joiners", "list"), ("joiners", "show"), ("joiners", "check"),
    ("air",), ("joiner",), ("config",), ("config", "check"), ("config", "show"), ("config", "schema"),
    ("config", "keys"),
]  # fmt: skip


@pytest.mark.parametrize("verb", HELPED, ids=" ".join)
def test_help_tells_what_a_verb_does(verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *verb, "--help")
    assert text.startswith(f"Usage: {' '.join(('legacy-tc', *verb))}")
    assert len(text.splitlines()) > 4


def test_every_option_of_a_run_is_a_key_of_the_configuration() -> None:
    offered = set(inspect.signature(main_callback).parameters)
    assert offered - {"context"} == {*KEYS, *NOT_IN_A_FILE}


@pytest.mark.parametrize("verb", HELPED, ids=" ".join)
def test_help_has_an_example(verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *verb, "--help")
    assert "Example" in text
    assert " ".join(("legacy-tc", *verb)) in text.partition("Examples:\n")[2]
    assert "\\b" not in text


def test_help_documents_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    words = " ".join(said(capsys, "--help").split())
    for code in (
        "0 pass, 1 fail, 2 usage, 3 configuration, 4 no radio, 5 radio lost",
        "7 inconclusive, 70 internal error",
        "130/143",
    ):
        assert code in words


def test_names_complete() -> None:
    assert complete_profile("zb3") == ["zb3", "zb3-lenient", "zb3-r21"]
    assert set(complete_profile("")) == {*PROFILES, "all"}
    assert set(complete_joiner("")) == {*JOINERS, "all"}
    assert complete_shipped_profile("zb3-") == ["zb3-lenient", "zb3-r21"]
    assert set(complete_shipped_joiner("")) == set(JOINERS)
    assert complete_behaviour("tclk.reuse_g") == ["tclk.reuse_global"]
    assert complete_outcome("joined") == ["joined-secure", "joined-legacy"]


@pytest.mark.real_time
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_and_asks_us_for_names(shell: str) -> None:
    program = "import sys; sys.argv[0] = 'legacy-tc'; from coordinator.cli import main; main()"
    # typer looks for the shell among its ancestors unless told not to; then the option takes its name
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-c", program]
    script = subprocess.run(
        [*command, "--show-completion", shell], capture_output=True, text=True, timeout=60, env=environment
    )
    assert script.returncode == 0
    assert "_LEGACY_TC_COMPLETE" in script.stdout
    words = "legacy-tc simulate --profile zb3-"
    asked = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": "3", "_LEGACY_TC_COMPLETE": "complete_bash"},
        "zsh": {"_TYPER_COMPLETE_ARGS": words, "_LEGACY_TC_COMPLETE": "complete_zsh"},
        "fish": {
            "_TYPER_COMPLETE_ARGS": words,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_LEGACY_TC_COMPLETE": "complete_fish",
        },
    }[shell]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**environment, **asked})
    assert "zb3-lenient" in answer.stdout
    assert "zb3-r21" in answer.stdout


def test_the_matrix_on_disk_is_checked_for_drift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "matrix.md"
    said(capsys, "matrix", "--output", str(page))
    said(capsys, "matrix", "--check", str(page))
    text = page.read_text()
    assert all(f"| `{name}` |" in text for name in PROFILES)
    assert all(f" `{name}` |" in text for name in JOINERS)
    assert said(capsys, "matrix") == text
    page.write_text(text.replace("secure (global)", "secure (unique)", 1))
    assert invoke(["matrix", "--check", str(page)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "out of date" in err
    assert "secure (global)" in err
