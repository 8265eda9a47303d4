"""A file that is written by a thread, so that a disk that stalls does not stall the radio."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import BinaryIO

MAX_WAITING = 64 * 1024 * 1024
"""Octets that may wait for the disk; more and the file counts as unwritable."""
PATIENCE = 1.0
"""Seconds to wait for the disk where somebody waits for it."""


class BackgroundFile:
    """`write` and `flush` of a binary file, done behind them. What went wrong is raised by a later call.

    `drain` waits until everything is with the operating system, and raises OSError if it is not.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._condition = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._busy = False
        self._closed = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def write(self, octets: bytes, /) -> None:
        """Have octets written. Raises OSError when an earlier write failed, or the disk does not keep up."""
        with self._condition:
            self._complain()
            if self._waiting + len(octets) > MAX_WAITING:
                self._error = OSError(f"the disk is {MAX_WAITING // 1024 // 1024} MiB behind")
                self._complain()
            self._queue.append(octets)
            self._waiting += len(octets)
            self._condition.notify_all()

    def flush(self) -> None:
        """Raise OSError if something written so far is known to be lost."""
        with self._condition:
            self._complain()

    def drain(self, patience: float = PATIENCE) -> None:
        """Wait until all is written. Raises OSError, after `patience` seconds as well."""
        with self._condition:
            done = self._condition.wait_for(
                lambda: self._error is not None or not (self._queue or self._busy), patience
            )
            self._complain()
            if not done:
                raise OSError(f"not written within {patience:g} s")

    def close(self) -> None:
        """Write what waits, and close. Raises OSError as `drain` does; the file is closed in any case."""
        try:
            self.drain()
        finally:
            with self._condition:
                self._closed = True
                self._condition.notify_all()
            self._thread.join(PATIENCE)
            with contextlib.suppress(OSError):
                self._file.close()

    def _complain(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: bool(self._queue) or self._closed)
                if not self._queue:
                    return
                octets = b"".join(self._queue)
                self._queue.clear()
                self._waiting = 0
                self._busy = True
            try:
                self._file.write(octets)
                self._file.flush()
            except OSError as error:
                with self._condition:
                    self._error = self._error or error
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()
