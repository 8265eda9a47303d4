"""What is named as a file and is none: a pipe, a terminal, a device. Nothing is waited for without end."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.dongle.program import DEADLINE, PROGRAM, ROOT

pytestmark = pytest.mark.real_time

GOOD = b'[trust_center]\nprofile = "zb3"\n'
NOBODY = "what writes to it did not end within 5 s"


def checked(*arguments: str, stdin: int = subprocess.DEVNULL) -> tuple[int, str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEGACY_TC")}
    done = subprocess.run(
        [*PROGRAM, "config", "check", *arguments], stdin=stdin, capture_output=True, text=True,
        timeout=DEADLINE, env={**inherited, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_pipe_to_which_nobody_writes_is_told_in_a_line(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    code, out, err = checked(str(pipe))
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert f"{pipe}: cannot be read: it is no file, and {NOBODY}" in err


def test_what_a_file_names_and_is_a_pipe_is_told_too(tmp_path: Path) -> None:
    for name in ("password", "profile.toml"):
        os.mkfifo(tmp_path / name)
    file = tmp_path / "a.toml"
    file.write_text(
        '[trust_center]\nprofile = "profile.toml"\n[mqtt]\nurl = "mqtt://localhost"\nusername = "u"\n'
        'password_file = "password"\n'
    )
    code, _, err = checked(str(file))
    assert code == 3
    assert "mqtt.password_file: " in err
    assert len([line for line in err.splitlines() if NOBODY in line]) == 2


def test_a_pipe_that_says_what_it_has_to_say_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(GOOD,))
    writing.start()
    assert checked(str(pipe)) == (0, f"{pipe}: ok\n", "")
    writing.join(DEADLINE)
    line = f"import sys; sys.stdout.write({GOOD.decode()!r})"
    with subprocess.Popen([sys.executable, "-c", line], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert checked("/dev/stdin", stdin=writer.stdout.fileno()) == (0, "/dev/stdin: ok\n", "")


def test_a_terminal_at_which_nobody_types_is_told_in_a_line() -> None:
    ours, theirs = pty.openpty()
    try:
        code, out, err = checked("/dev/stdin", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (code, out) == (3, "")
    assert NOBODY in err


def test_a_device_without_end_is_too_large_and_a_folder_is_no_file(tmp_path: Path) -> None:
    code, _, err = checked("/dev/zero")
    assert (code, err) == (3, "legacy-tc: /dev/zero: more than 1048576 octets: not a configuration\n")
    code, _, err = checked(str(tmp_path))
    assert (code, err) == (3, f"legacy-tc: {tmp_path}: cannot be read: Is a directory\n")
