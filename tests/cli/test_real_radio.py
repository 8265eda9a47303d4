"""The program on a radio that is a thing of its own: an emulated RCP, another process, behind a real pty."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordinator.cli import invoke
from tests.end_to_end import wireshark
from tests.pace import unhurried

PROGRAM = [sys.executable, "-c", "from coordinator.cli import main; main()"]
DEADLINE = 120
"""Seconds for what should take ten, on a machine that has other things to do."""


@contextmanager
def dongle(joiner: str) -> Iterator[str]:
    """An emulated RCP with one simulated device on its air; the path of its pty."""
    process = subprocess.Popen(
        [*PROGRAM, "dongle", "spinel", "--listen", "pty", "--joiner", joiner, "--seed", "1"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        found = re.search(r"/dev/pts/\d+", process.stdout.readline())
        assert found is not None
        yield found.group()
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def legacy_tc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False
    )


@pytest.mark.real_time
@pytest.mark.tshark
def test_a_join_over_a_pty_ends_in_a_verdict_and_a_capture_of_what_the_radio_heard(tmp_path: Path) -> None:
    unhurried(lambda: _a_join_over_a_pty(Path(tempfile.mkdtemp(dir=tmp_path))))


def _a_join_over_a_pty(folder: Path) -> None:
    capture, events = folder / "run.pcapng", folder / "run.jsonl"
    with dongle("zboss-r22") as path:
        run = legacy_tc(
            "--profile", "pre-zb3", "--radio", f"spinel:{path}", "--permit-join", "60", "--any-joiner",
            "--once", "--observe", "2", "--expect", "left-by-joiner", "--capture", str(capture),
            "--events", str(events), "--state", str(folder / "state"),
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert "SIMULATED" not in run.stdout
    assert "radio: spinel" in run.stdout
    assert "ANY JOINER IS SERVED" in run.stdout
    frames = wireshark.on_air(wireshark.read(capture))
    (bad,) = wireshark.command(frames, 0x05, key_type=4)
    assert bad.deviations == ("tclk.reuse_global",)
    assert not [frame for frame in frames if any(fault in frame for fault in wireshark.UNDECRYPTED)]
    heard = [json.loads(line) for line in events.read_text().splitlines()]
    polls = [event for event in heard if event["kind"] == "heard" and event["reported_ack"]]
    assert polls, "the radio reported that it acknowledged a data request with frame pending"
    assert [event["kind"] for event in heard].count("verdict") == 1


@pytest.mark.real_time
def test_nobody_is_let_in_who_is_not_on_the_list(tmp_path: Path) -> None:
    with dongle("zboss-r22") as path:
        run = legacy_tc(
            "--profile", "zb3", "--radio", f"spinel:{path}", "--permit-join", "15", "--allow",
            "00:12:4b:00:01:02:03:04", "--once", "--json", "--events", str(tmp_path / "run.jsonl"),
        )  # fmt: skip
    assert run.returncode in (1, 7)
    events = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [event["device"] for event in events if event["kind"] == "turned-away"]
    assert "was denied: --allow does not name it" in run.stdout
    assert not [event for event in events if "TRANSPORT-KEY" in json.dumps(event)]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--permit-join", "60"), 2, "say who may join this real network"),
        (("--permit-join", "60", "--allow", "12"), 2, "not an EUI-64"),
        (("--allow", "00:12:4b:00:01:02:03:04", "--any-joiner"), 2, "either some"),
        (("--seed", "1"), 2, "--seed"),
        (("--joiner", "telink"), 2, "--joiner"),
        ((), 4, "/dev/nothing-there: not there"),
    ],
)
def test_what_a_real_radio_refuses(
    arguments: tuple[str, ...], code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["--profile", "zb3", "--radio", "spinel:/dev/nothing-there", *arguments]) == code
    out, err = capsys.readouterr()
    assert line in err
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.parametrize("radio", ["nothing", "spinel:relative", "spinel+tcp://host", "usb:1", "sim:x"])
def test_what_is_no_radio_is_refused_in_one_line(radio: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["--profile", "zb3", "--radio", radio]) == 2
    err = capsys.readouterr().err
    assert "--radio" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("option", [("--tx-power", "4"), ("--any-joiner",)])
def test_what_only_a_real_radio_has_is_refused_on_a_simulated_one(
    option: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["--profile", "zb3", *option]) == 2
    assert "is for a real radio" in capsys.readouterr().err
