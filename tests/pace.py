"""How long a test waits, and how it knows what the machine is to blame for."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

PATIENCE = 60.0
"""Seconds for what takes one or two, on a machine that is slower and has other things to do."""

LATE = 0.05
"""Seconds; half of what a bench calls late."""
LOOKS_EVERY = 0.01
SCHEDSTAT = Path("/proc/thread-self/schedstat")
Result = TypeVar("Result")


def until(condition: Callable[[], object], what: object = "", patience: float = PATIENCE) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience:g} s: {what}"
        time.sleep(0.01)


def until_it_heeds(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Until the program has said what it does about this signal, and the kernel does not end it."""
    until(lambda: process.poll() is not None or _catches(process.pid, number), (process.args, number))
    assert process.poll() is None, process.args


def _catches(pid: int, number: signal.Signals) -> bool:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        name, _, mask = line.partition(":")
        if name == "SigCgt":
            return bool(int(mask, 16) >> (number - 1) & 1)
    return False


class Watch:
    """Seconds since it was made, but for those in which this thread might have run and others did."""

    def __init__(self) -> None:
        self._began = time.monotonic() - kept_waiting()

    @property
    def seconds(self) -> float:
        return time.monotonic() - kept_waiting() - self._began


def unhurried(attempt: Callable[[], Result], attempts: int = 3) -> Result:
    """What comes of it on a machine that keeps time. While this one was late a failure says nothing, for
    devices on the air wait for so long and no longer: then it is attempted again, unless it was the last.
    """
    for _ in range(attempts - 1):
        with Lateness() as machine:
            try:
                return attempt()
            except AssertionError:
                if machine.worst < LATE:
                    raise
    return attempt()


class Lateness:
    """Sleeps while entered, and sees how late it wakes."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Lateness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._over.wait(LOOKS_EVERY):
            now = time.monotonic()
            self.worst, last = max(self.worst, now - last - LOOKS_EVERY), now


def kept_waiting() -> float:
    """Seconds in which this thread could have run and others did; 0 where the kernel does not count them."""
    try:
        return int(SCHEDSTAT.read_text("ascii").split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0
