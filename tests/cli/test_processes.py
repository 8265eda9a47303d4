"""The program itself, in real time: a process, its signals, its files, its terminal. Kept few."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.dongle.program import EARLY
from tests.end_to_end import wireshark
from tests.pace import unhurried

pytestmark = pytest.mark.real_time

PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'legacy-tc'; from coordinator.cli import main; main()",
)
ROOT = Path(__file__).parents[2]
DEADLINE = 60
"""Seconds for what should take one or two, on a machine that has other things to do."""


def environment(**more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return {**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "100", **more}


def test_once_in_real_time_ends_as_expected_and_takes_as_long_as_it_says(tmp_path: Path) -> None:
    unhurried(lambda: _once_in_real_time(Path(tempfile.mkdtemp(dir=tmp_path)) / "run.pcapng"))


def _once_in_real_time(capture: Path) -> None:
    began = time.monotonic()
    run = subprocess.run(
        [*PROGRAM, "--profile", "pre-zb3", "--once", "--observe", "2", "--expect", "left-by-joiner",
         "--seed", "1", "--capture", str(capture)],
        capture_output=True, text=True, timeout=DEADLINE, env=environment(),
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert time.monotonic() - began > 4.5  # power on, scan sixteen channels, two seconds of window
    assert "SIMULATED RADIO" in run.stdout
    assert "PASS  left-by-joiner at transport-link-key" in run.stdout
    assert "tclk.reuse_global" in run.stdout
    (bad,) = wireshark.command(wireshark.on_air(wireshark.read(capture)), 0x05, key_type=4)
    assert bad.deviations == ("tclk.reuse_global",)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_daemon_within_five_seconds_and_its_files_are_whole(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    capture, events = tmp_path / "run.pcapng", tmp_path / "run.jsonl"
    daemon = subprocess.Popen(
        [*PROGRAM, "--profile", "zb3", "--json", "--seed", "1", "--capture", str(capture),
         "--events", str(events)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert daemon.stdout is not None
    try:
        for line in daemon.stdout:
            if "Mgmt_Permit_Joining" in json.loads(line).get("what", ""):
                break  # the last step of the join
        sent = time.monotonic()
        daemon.send_signal(number)
        rest, err = daemon.communicate(timeout=DEADLINE)
        assert time.monotonic() - sent < 5
    finally:
        daemon.kill()
        daemon.wait()
    assert daemon.returncode == code
    assert err == ""
    *steps, verdict = [json.loads(line) for line in rest.splitlines()]
    assert all(step["kind"] == "step" for step in steps)
    assert (verdict["kind"], verdict["verdict"]) == ("verdict", "inconclusive")
    assert verdict["incomplete"] == ["interrupted before the window closed"]
    kinds = [json.loads(line)["kind"] for line in events.read_text().splitlines()]
    assert kinds.count("network-formed") == 1
    frames = wireshark.on_air(wireshark.read(capture))
    assert wireshark.command(frames, 0x10)  # the Confirm-Key was written, and is decrypted
    assert not [frame for frame in frames if any(fault in frame for fault in wireshark.UNDECRYPTED)]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_simulate_quietly_and_its_files_are_whole(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    events = tmp_path / "run.jsonl"
    run = subprocess.Popen(
        [*PROGRAM, "simulate", "--profile", "zb3", "--joiner", "sleepy-zb3", "--until", "86400", "--observe",
         "86400", "--json", "--events", str(events)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + DEADLINE
        while not (events.exists() and events.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        run.send_signal(number)
        out, err = run.communicate(timeout=DEADLINE)
    finally:
        run.kill()
        run.wait()
    assert (run.returncode, out, err) == (code, "", "")
    text = events.read_text()
    assert text.endswith("\n")
    assert all(json.loads(line) for line in text.splitlines())


def test_an_interrupt_while_the_program_loads_is_as_quiet(tmp_path: Path) -> None:
    for moment in (0.05, 0.15, 0.3, 0.5):
        run = subprocess.Popen(
            [*EARLY, "simulate", "--profile", "all", "--joiner", "all"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        assert run.stdout is not None
        assert run.stdout.readline() == "loading\n"
        time.sleep(moment)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=DEADLINE)
        assert (run.returncode, err) == (130, ""), moment


LATE = {
    "when its event loop has ended": """
import asyncio
run = asyncio.run
def ending(*arguments):
    try:
        return run(*arguments)
    finally:
        kill()
asyncio.run = ending
""",
    "when it has ended": "import atexit; atexit.register(lambda: kill())",
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize(("moment", "heeded"), [*zip(LATE, (True, False), strict=True)])
def test_a_signal_that_comes_too_late_kills_nobody(moment: str, heeded: bool, number: signal.Signals) -> None:
    told = f"import os; kill = lambda: os.kill(os.getpid(), {int(number)})\n{LATE[moment]}\n"
    run = subprocess.run(
        [*PROGRAM[:-1], told + PROGRAM[-1], "dongle", "spinel", "--listen", "stdio"],
        input="", capture_output=True, text=True, timeout=DEADLINE, env=environment(),
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr) == (128 + number if heeded else 0, "", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize(
    "arguments",
    [("version",), ("profiles", "list"), ("simulate", "--profile", "zb3", "--joiner", "telink")],
    ids=" ".join,
)
def test_a_full_disk_behind_stdout_is_told_in_a_line(arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [*PROGRAM, *arguments],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=DEADLINE, env=environment(),
        )  # fmt: skip
    assert (run.returncode, run.stderr) == (2, "legacy-tc: stdout: No space left on device\n")


def test_a_viewer_can_follow_the_capture_while_it_grows(tmp_path: Path) -> None:
    capture = tmp_path / "run.pcapng"
    daemon = subprocess.Popen(
        [*PROGRAM, "--profile", "zb3", "--json", "--seed", "1", "--capture", str(capture)],
        stdout=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert daemon.stdout is not None
    try:
        for line in daemon.stdout:
            if "Confirm-Key" in json.loads(line).get("what", ""):
                break
        deadline = time.monotonic() + DEADLINE
        while not wireshark.command(wireshark.on_air(wireshark.read(capture)), 0x10):
            assert time.monotonic() < deadline
    finally:
        daemon.terminate()
        daemon.communicate(timeout=DEADLINE)


def test_the_same_seed_gives_the_same_octets_in_every_process(tmp_path: Path) -> None:
    written = []
    for salt in ("1", "2"):
        capture, events = tmp_path / f"{salt}.pcapng", tmp_path / f"{salt}.jsonl"
        run = subprocess.run(
            [*PROGRAM, "simulate", "--profile", "pre-zb3", "--joiner", "telink", "--json",
             "--capture", str(capture), "--events", str(events)],
            capture_output=True, timeout=DEADLINE, env=environment(PYTHONHASHSEED=salt), check=True,
        )  # fmt: skip
        written.append((capture.read_bytes(), events.read_bytes(), run.stdout))
    assert written[0] == written[1]
    assert all(written[0])


def on_a_terminal(*arguments: str, stop_at: str = "", **variables: str) -> str:
    """What a run writes to a terminal; when it has written `stop_at`, it is interrupted."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environment(**variables)
    )
    os.close(slave)
    octets = b""
    try:
        while chunk := os.read(master, 65536):
            octets += chunk
            if stop_at and stop_at.encode() in octets:
                process.send_signal(signal.SIGINT)
                stop_at = ""
    except OSError:
        pass  # Linux says EIO when the last writer has gone
    finally:
        os.close(master)
        process.wait(timeout=DEADLINE)
    return octets.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|9[0-7]|10[0-7]|38|48)\b[0-9;]*m")


def test_a_terminal_gets_colours_and_one_that_says_no_color_gets_none() -> None:
    arguments = ("simulate", "--profile", "pre-zb3", "--joiner", "zboss-r22")
    coloured = on_a_terminal(*arguments)
    assert COLOUR.search(coloured)
    plain = on_a_terminal(*arguments, NO_COLOR="1")
    assert not COLOUR.search(plain)
    for text in (coloured, plain):
        assert "SIMULATED RADIO" in text
        assert "left-by-joiner" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_an_output_without_unicode_gets_ascii(terminal: bool, tmp_path: Path) -> None:
    joiner = tmp_path / "gerät.toml"
    joiner.write_text('extends = "telink"\ntitle = "Gerät"\nimitates = "nothing"\n', encoding="utf-8")
    arguments = ("simulate", "--profile", "zb3", "--joiner", str(joiner))
    if terminal:
        text = on_a_terminal(*arguments, PYTHONIOENCODING="ascii")
    else:
        run = subprocess.run(
            [*PROGRAM, *arguments], capture_output=True, timeout=DEADLINE, check=True,
            env=environment(PYTHONIOENCODING="ascii"),
        )  # fmt: skip
        text = run.stdout.decode()
    assert text.isascii()
    assert "Ger\\xe4t" in text
    assert "PASS  joined-secure" in text


HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


def test_a_terminal_has_its_cursor_again_after_a_signal() -> None:
    # It is interrupted while the line at the bottom says what is being waited for.
    text = on_a_terminal("--profile", "zb3", "--seed", "1", stop_at=HIDE_CURSOR)
    assert HIDE_CURSOR in text
    assert text.rindex(HIDE_CURSOR) < text.rindex(SHOW_CURSOR)


def test_a_reader_that_goes_away_is_no_bug_of_ours() -> None:
    run = subprocess.Popen(
        [*PROGRAM, "simulate", "--profile", "all", "--joiner", "all", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert run.stdout is not None
    run.stdout.readline()
    run.stdout.close()
    assert run.stderr is not None
    complaint = run.stderr.read()
    run.stderr.close()
    assert run.wait(timeout=DEADLINE) == 128 + signal.SIGPIPE
    assert complaint == b""
