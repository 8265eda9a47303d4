"""A file that is written by a thread, so that a disk that stalls does not stall the radio."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import threading
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

MAX_WAITING = 64 * 1024 * 1024
"""Octets that may wait for the disk; more and the file counts as unwritable."""
PATIENCE = 1.0
"""Seconds to wait for the disk where somebody waits for it."""


class BackgroundFile:
    """`write` and `flush` of a binary file, done behind them. What went wrong is raised by a later call.

    `drain` waits until everything is with the operating system, and raises OSError if it is not. After an
    error no more is written, and a regular file ends with the last write that is there as a whole.
    """

    def __init__(
        self,
        file: BinaryIO,
        limit: int | None = None,
        written: Callable[[int], object] = lambda _octets: None,
    ) -> None:
        """`file` is written at its end; `limit`: octets that may be written in all, None for no limit.

        `written` hears in the writer's thread how many octets more are in the file, before `drain` returns.
        """
        self._file = file
        self._limit = limit
        self._written = written
        self._taken = 0
        self._condition = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._busy = False
        self._closed = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def write(self, octets: bytes, /) -> None:
        """Have octets written. Raises OSError when an earlier write failed, when the disk does not keep up,
        and (EFBIG) when it would be more than the limit.
        """
        with self._condition:
            self._complain()
            if self._waiting + len(octets) > MAX_WAITING:
                self._error = OSError(f"the disk is {MAX_WAITING // 1024 // 1024} MiB behind")
            elif self._limit is not None and self._taken + len(octets) > self._limit:
                self._error = OSError(errno.EFBIG, f"its limit of {self._limit} octets is reached")
            self._complain()
            self._taken += len(octets)
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
                writes = tuple(self._queue)
                self._queue.clear()
                self._waiting = 0
                self._busy = True
            try:
                _write_whole(self._file, writes, self._written)
            except OSError as error:
                with self._condition:
                    self._error = self._error or error
                    self._closed = True
                    self._queue.clear()
            finally:
                with self._condition:
                    self._busy = False
                    self._condition.notify_all()


def _write_whole(file: BinaryIO, writes: tuple[bytes, ...], written: Callable[[int], object]) -> None:
    """Write all of these. Raises OSError, and then a regular file has the first of them, each whole.
    `written` hears in either case how many octets are there.
    """
    raw: BinaryIO = getattr(file, "raw", file)  # a buffer would come back with the rest when it is closed
    octets = b"".join(writes)
    left, before = memoryview(octets), _size(raw)
    try:
        while left:
            taken = raw.write(left)
            if not taken and not select.select([], [raw], [], PATIENCE)[1]:  # it does not block
                raise OSError(errno.EAGAIN, f"nothing was taken for {PATIENCE:g} s")
            left = left[taken or 0 :]
        raw.flush()
    except OSError:
        written(len(octets) - len(left) if before is None else _cut(raw, before, writes))
        raise
    written(len(octets))


def _size(file: BinaryIO) -> int | None:
    """How long a regular file is; None for anything else."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _cut(file: BinaryIO, before: int, writes: tuple[bytes, ...]) -> int:
    """Take off the write that is there in part; return how many octets of the others are there."""
    there, whole = _size(file) or 0, before
    for octets in writes:
        if whole + len(octets) > there:
            break
        whole += len(octets)
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), whole)
    return whole - before
