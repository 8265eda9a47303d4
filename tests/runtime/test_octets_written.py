"""Whoever counts the octets of a file hears of those that are in it, no more and no fewer."""

from __future__ import annotations

import contextlib
import errno
import io
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from coordinator.runtime.background import BackgroundFile

ROOM = 250
"""Octets."""


class Small(io.FileIO):
    """A file on a disk that has little room."""

    def write(self, octets: object, /) -> int:
        left = ROOM - self.tell()
        if not left:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(cast(bytes, octets))[:left])


def test_what_is_counted_is_there_before_draining_returns(tmp_path: Path) -> None:
    path, counted = tmp_path / "file", list[int]()
    file = BackgroundFile(path.open("wb"), None, counted.append)
    for number in range(1, 101):
        file.write(bytes(number))
    file.drain()
    assert sum(counted) == path.stat().st_size == 5050
    file.close()
    assert sum(counted) == 5050


def test_what_a_full_disk_did_not_take_as_a_whole_is_neither_in_the_file_nor_counted(tmp_path: Path) -> None:
    path, counted = tmp_path / "file", list[int]()
    file = BackgroundFile(cast(BinaryIO, Small(path, "w")), None, counted.append)
    with contextlib.suppress(OSError):  # said by the next call, if it is known by then
        for _ in range(5):
            file.write(bytes(100))
    with pytest.raises(OSError, match="No space left"):
        file.close()
    assert sum(counted) == path.stat().st_size == 200


def test_what_is_past_the_limit_is_not_counted(tmp_path: Path) -> None:
    path, counted = tmp_path / "file", list[int]()
    file = BackgroundFile(path.open("wb"), 150, counted.append)
    file.write(bytes(100))
    with pytest.raises(OSError, match="limit of 150 octets"):
        file.write(bytes(100))
    with pytest.raises(OSError, match="limit of 150 octets"):
        file.close()
    assert sum(counted) == path.stat().st_size == 100
