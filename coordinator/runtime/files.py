"""The few file operations that durable state is made of, so that a test can record, tear and refuse them.

Every operation may raise OSError. Files are 0600 and their folder 0700: there are keys inside.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Protocol

from coordinator.runtime.errors import StateHeld


class File(Protocol):
    """One open file."""

    def write_at(self, offset: int, octets: bytes) -> None:
        """Write all of it there. Durable only after `sync`."""
        ...

    def sync(self) -> None:
        """Return when everything written is on the medium."""
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    """A folder that is ours until released, or until this process ends in whatever way."""

    def release(self) -> None: ...


class Files(Protocol):
    """What the store asks of a file system."""

    def make_folder(self, folder: Path) -> None:
        """Make the folder, readable by nobody else; one that is there stays as it is."""
        ...

    def read(self, path: Path) -> bytes | None:
        """The whole file; None when there is none."""
        ...

    def create(self, path: Path) -> File:
        """A new empty file, in place of one that is there."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Give `source` the name `target`, atomically. Durable only after `sync_folder`."""
        ...

    def remove(self, path: Path) -> None:
        """Remove the file if it is there."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Return when the folder's names are on the medium."""
        ...

    def lock(self, path: Path) -> Lock:
        """Lock the folder that `path` is in. Raises StateHeld with the holder's process identifier."""
        ...


class OsFile:
    """A file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write_at(self, offset: int, octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            written = os.pwrite(self._descriptor, left, offset)
            offset += written
            left = left[written:]

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class OsLock:
    """A flock, which the kernel releases with the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)


class OsFiles:
    """The file system of this machine."""

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def create(self, path: Path) -> OsFile:
        return OsFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, path: Path) -> OsLock:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise StateHeld(str(path.parent), int(holder) if holder.isdecimal() else 0) from None
        except BaseException:
            os.close(descriptor)
            raise
        with contextlib.suppress(OSError):  # a full disk has no room for it; the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return OsLock(descriptor)
