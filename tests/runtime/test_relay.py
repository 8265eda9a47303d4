"""What happens after an answer has left, and a file that is written behind the event loop's back."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from coordinator.runtime.background import BackgroundFile
from coordinator.runtime.relay import SLICE, Relay


def test_calls_are_made_later_in_order_and_a_slice_at_a_time() -> None:
    made: list[int] = []
    turns: list[int] = []

    async def run() -> None:
        relay = Relay()

        def take_negative(number: int) -> None:
            made.append(-number)

        one, two = relay.later(made.append), relay.later(take_negative)
        for number in range(SLICE):
            one(number)
            two(number)
        assert made == []
        while len(relay):
            await asyncio.sleep(0)
            turns.append(len(made))

    asyncio.run(run())
    assert made == [sign * number for number in range(SLICE) for sign in (1, -1)]
    assert turns == [SLICE, 2 * SLICE]


def test_settling_makes_all_that_waits_now() -> None:
    made: list[int] = []

    async def run() -> None:
        relay = Relay()
        later = relay.later(made.append)
        for number in range(3 * SLICE):
            later(number)
        relay.settle()
        assert made == list(range(3 * SLICE))
        await asyncio.sleep(0)

    asyncio.run(run())
    assert made == list(range(3 * SLICE))


def test_an_error_is_kept_and_told_and_the_others_are_still_made() -> None:
    made: list[int] = []

    async def run() -> Relay:
        relay = Relay()

        def fail(divisor: int) -> None:
            made.append(1 // divisor)

        relay.later(fail)(0)
        relay.later(made.append)(1)
        await relay.failed.wait()
        return relay

    relay = asyncio.run(run())
    assert isinstance(relay.error, ZeroDivisionError)
    assert made == [1]


def test_what_is_written_is_in_the_file_when_drained(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = BackgroundFile(path.open("wb"))
    for number in range(1000):
        file.write(bytes((number & 0xFF,)))
    file.drain()
    assert path.read_bytes() == bytes(number & 0xFF for number in range(1000))
    file.close()
    assert not any(thread.name == "writer" for thread in threading.enumerate())


def test_a_disk_that_is_full_is_told_by_the_next_call_and_by_closing() -> None:
    file = BackgroundFile(cast(BinaryIO, Path("/dev/full").open("wb", buffering=0)))  # noqa: SIM115
    file.write(b"lost")
    with pytest.raises(OSError, match="No space left"):
        file.drain()
    with pytest.raises(OSError, match="No space left"):
        file.write(b"more")
    with pytest.raises(OSError, match="No space left"):
        file.flush()
    with pytest.raises(OSError, match="No space left"):
        file.close()


class Stuck(io.BytesIO):
    """A disk that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def write(self, octets: object, /) -> int:
        self.go.wait(5)
        return memoryview(cast(bytes, octets)).nbytes


def test_writing_to_a_disk_that_stalls_takes_no_time_and_waiting_for_it_is_bounded() -> None:
    disk = Stuck()
    file = BackgroundFile(disk)
    file.write(b"octets")
    with pytest.raises(OSError, match=r"not written within 0\.01 s"):
        file.drain(0.01)
    disk.go.set()
    file.close()


def test_what_waits_for_a_disk_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.runtime.background.MAX_WAITING", 1024 * 1024)
    disk = Stuck()
    file = BackgroundFile(disk)
    file.write(bytes(1024))
    file.write(bytes(1024 * 1024 - 1024))
    with pytest.raises(OSError, match="1 MiB behind"):
        file.write(bytes(1024 * 1024))
    disk.go.set()
    with pytest.raises(OSError, match="behind"):
        file.close()
