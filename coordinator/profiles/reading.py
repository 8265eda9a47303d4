"""Reads a file that somebody named, whatever it turns out to be: never for long, and never too much."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

PATIENCE = 5.0
"""Seconds that a pipe is given to say all that it has to say, as with ``<(program)`` or ``/dev/stdin``."""


def octets(path: Path, largest: int, patience: float = PATIENCE) -> bytes:
    """Up to one octet more than `largest`, by which the caller knows that there were too many.

    Raises OSError, TimeoutError too: a pipe to which nobody writes, a terminal at which nobody types.
    """
    line = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(line, "rb", buffering=0) as file:
        ready = select.poll()
        ready.register(file, select.POLLIN)
        ends = time.monotonic() + patience
        found = bytearray()
        while len(found) <= largest:
            if not ready.poll(max(0.0, ends - time.monotonic()) * 1000):
                raise TimeoutError(
                    0, f"it is no file, and what writes to it did not end within {patience:g} s"
                )
            part = file.read(largest + 1 - len(found))
            if part is None:  # somebody else was faster
                continue
            if not part:
                break
            found += part
        return bytes(found)
