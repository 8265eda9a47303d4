"""The dongle as the program that users start, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'legacy-tc'; from coordinator.cli import main; main()",
)
EARLY = (
    *PROGRAM[:-1],
    """
import sys
class Told:
    def find_spec(self, name, *_):
        if name == 'coordinator.cli.invocation':
            print('loading', flush=True)
sys.meta_path.insert(0, Told())
"""
    + PROGRAM[-1],
)
"""The same, telling on standard output when it begins to load itself: from then on it heeds an interrupt."""
ROOT = Path(__file__).parents[2]
DEADLINE = 60
"""Seconds for what should take one or two, on a machine that has other things to do."""

Stream = int | IO[bytes]


@contextmanager
def started(
    *arguments: str, stdin: Stream = subprocess.DEVNULL, stdout: Stream = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """``legacy-tc dongle spinel ...``, killed at the end if it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, "dongle", "spinel", "--seed", "1", *arguments],
        stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[bytes]) -> str:
    """Where it can be reached."""
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")
