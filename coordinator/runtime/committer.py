"""Group commit: records go into memory at once, and to the disk together, one write and one fsync a batch.

`put` never waits. Whoever needs a record on disk compares its mark with `durable`. With `start` a thread
does the committing; without, `request` does it on the spot, which is what virtual time wants.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from coordinator.runtime import journal
from coordinator.runtime.files import File, Files

LAZY = 0.5
"""Seconds until a record that nobody waits for is committed anyway, and between attempts on a bad disk."""
PATIENCE = 2.0
"""Seconds that anybody waits for the disk."""
AHEAD = 64 * 1024
"""Octets of zeros written ahead: overwriting them costs half of what a growing file does (ADR 0008)."""
SMALLEST_REWRITE = 1024 * 1024
"""A file below this many octets is not worth rewriting."""
WASTE = 4
"""A file this many times its content is written anew."""


class Committer:
    """Owns the state file. `put`, `request` and `settle` belong to one thread; the rest may be any.

    After an error the file is not appended to again, since nobody knows what of it is on the medium: a
    whole new one takes its place as soon as that succeeds.
    """

    def __init__(
        self,
        files: Files,
        path: Path,
        image: dict[bytes, bytes],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = files
        self._path = path
        self._new = path.with_name(f"{path.name}.new")
        self._image = image
        self._clock = clock
        self._records: list[bytes] = []
        self._memory = threading.Lock()
        self._disk = threading.Lock()
        self._file: File | None = None
        self._end = self._reach = self._number = 0
        self._rewrite_at = SMALLEST_REWRITE
        self._tried = 0.0
        self._wake = threading.Event()
        self._closing = self._closed = False
        self._thread: threading.Thread | None = None
        self._listener: Callable[[], None] | None = None
        self.written = 0
        self.durable = 0
        self.failure = ""
        self.commits = 0
        """How often the disk was asked to make something durable."""
        self.octets = 0
        """How many octets of records were written, zeros ahead not counted."""

    def create(self) -> None:
        """Write the file as it is to be continued. Raises OSError: then nothing can be kept there."""
        self._rewrite(dict(self._image))

    def start(self) -> None:
        """Commit in a thread from now on."""
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Call this, from any thread, after `durable` or `failure` changed."""
        self._listener = listener

    def put(self, key: bytes, value: bytes) -> int:
        """Take a record (an empty value: the key is no more); it is durable when `durable` is its mark."""
        record = journal.encode_record(key, value)
        with self._memory:
            if value:
                self._image[key] = value
            else:
                self._image.pop(key, None)
            self._records.append(record)
            self.written += 1
            return self.written

    def value(self, key: bytes) -> bytes:
        """The last value put; empty if there is none."""
        return self._image.get(key, b"")

    def request(self) -> None:
        """Somebody waits: commit soon."""
        if self._thread is None:
            self.settle()
        else:
            self._wake.set()

    def settle(self) -> None:
        """Commit now, in this thread, unless the last attempt failed a moment ago."""
        if self.failure and self._clock() - self._tried < LAZY:
            return
        self._commit()

    def close(self) -> None:
        """Commit what there is and let go of the file."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)
            self._thread = None
        self._commit()
        self._closed = True
        if self._disk.acquire(timeout=PATIENCE):
            try:
                if self._file is not None:
                    self._file.close()
                    self._file = None
            finally:
                self._disk.release()

    def _run(self) -> None:
        while not self._closing:
            self._wake.wait(LAZY)
            self._wake.clear()
            self.settle()

    def _commit(self) -> None:
        if self._closed:
            self._fail("closed")
            return
        if not self._disk.acquire(timeout=PATIENCE):
            self._fail(f"the disk has not answered for {PATIENCE:g} s")
            return
        try:
            with self._memory:
                records, self._records, mark = self._records, [], self.written
                anew = bool(self.failure) or self._file is None or self._end > self._rewrite_at
                image = dict(self._image) if anew else {}
            if mark == self.durable and not self.failure:
                return
            if anew:
                self._rewrite(image)
            else:
                self._append(records)
        except OSError as error:
            self._tried = self._clock()
            self._fail(error.strerror or str(error))
            return
        finally:
            self._disk.release()
        self.failure = ""
        self.durable = mark
        self._tell()

    def _fail(self, reason: str) -> None:
        self.failure = f"{self._path.parent}: {reason}"
        self._tell()

    def _tell(self) -> None:
        listener = self._listener
        if listener is not None:
            listener()

    def _append(self, records: list[bytes]) -> None:
        assert self._file is not None
        batch = journal.encode_batch(self._number + 1, records)
        end, octets = self._end + len(batch), batch
        if end > self._reach:
            self._reach = end + AHEAD
            octets = batch + bytes(AHEAD)
        self._file.write_at(self._end, octets)
        self.commits += 1
        self._file.sync()
        self.octets += len(batch)
        self._number += 1
        self._end = end

    def _rewrite(self, image: dict[bytes, bytes]) -> None:
        octets = journal.encode_file(image)
        file = self._files.create(self._new)
        try:
            file.write_at(0, octets + bytes(AHEAD))
            self.commits += 1
            file.sync()
            self._files.replace(self._new, self._path)
            self._files.sync_folder(self._path.parent)
        except BaseException:
            file.close()
            raise
        self.octets += len(octets)
        old, self._file = self._file, file
        self._end, self._reach, self._number = len(octets), len(octets) + AHEAD, 1
        self._rewrite_at = max(SMALLEST_REWRITE, WASTE * len(octets))
        if old is not None:
            old.close()
