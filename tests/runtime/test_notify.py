"""What the service manager is told, read from a socket of its kind, and when its watchdog is fed."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from coordinator.runtime.notify import Notifier, Watchdog
from coordinator.runtime.virtual_time import VirtualTimeLoop

LONGEST = 65536
WELL = b"WATCHDOG=1"


class Manager:
    """Where a service manager listens."""

    def __init__(self, address: str) -> None:
        self.environment = {"NOTIFY_SOCKET": "@" + address[1:] if address[0] == "\0" else address}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def notifier(self, **more: str) -> Notifier:
        return Notifier.from_environment({**self.environment, **more})

    def heard(self) -> bytes:
        return self.socket.recv(LONGEST)


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    path = str(tmp_path / "notify")
    manager = Manager(path if request.param == "a path" else "\0" + path)
    with manager.socket:
        yield manager


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda notifier: notifier.ready("on channel 15"), ["--ready", "--status=on channel 15"]),
        (lambda notifier: notifier.ready(), ["--ready"]),
        (lambda notifier: notifier.status("the radio is lost"), ["--status=the radio is lost"]),
        (lambda notifier: notifier.alive(), ["WATCHDOG=1"]),
        (lambda notifier: notifier.stopping(), ["STOPPING=1"]),
    ],
)
@pytest.mark.real_time
def test_the_manager_hears_what_systemds_own_program_would_have_said(
    manager: Manager, ours: Callable[[Notifier], bool], theirs: list[str]
) -> None:
    program = shutil.which("systemd-notify")
    assert program is not None, "the tests need systemd-notify; run: sudo apt-get install -y systemd"
    subprocess.run([program, "--no-block", *theirs], env=manager.environment, check=True, timeout=10)
    expected = manager.heard()
    with manager.notifier() as notifier:
        assert ours(notifier)
    assert manager.heard() == expected


@pytest.mark.real_time
def test_a_reload_says_when_on_the_monotonic_clock_it_began(manager: Manager) -> None:
    before = time.monotonic()
    with manager.notifier() as notifier:
        notifier.reloading()
    first, second = manager.heard().split(b"\n")
    assert first == b"RELOADING=1"
    name, _, value = second.partition(b"=")
    assert name == b"MONOTONIC_USEC"
    assert int(before * 1e6) <= int(value) <= int(time.monotonic() * 1e6)


def test_a_status_cannot_say_more_than_a_status(manager: Manager) -> None:
    with manager.notifier() as notifier:
        notifier.status("the join failed\nREADY=1\n\nMAINPID=1")
    assert manager.heard() == b"STATUS=the join failed READY=1 MAINPID=1"


@pytest.mark.parametrize("address", ["", "/", "@", "vsock:2:1234", "relative/path"])
def test_without_a_manager_nobody_is_told_and_nothing_fails(address: str) -> None:
    with Notifier.from_environment({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"}) as notifier:
        assert notifier.watchdog is None
        assert not notifier.ready("up")
        assert not notifier.alive()
    with Notifier.from_environment({}) as notifier:
        assert not notifier.stopping()


@pytest.mark.parametrize("path", ["nobody-here", "x" * 200])
def test_a_manager_that_cannot_be_reached_is_not_the_end_of_a_run(tmp_path: Path, path: str) -> None:
    with Notifier.from_environment({"NOTIFY_SOCKET": str(tmp_path / path)}) as notifier:
        assert not notifier.ready()


def test_a_manager_that_does_not_read_holds_nobody_up(manager: Manager) -> None:
    with manager.notifier() as notifier:
        taken = sum(notifier.alive() for _ in range(10_000))
        assert 0 < taken < 10_000
        manager.heard()
        assert notifier.alive()


def test_a_process_out_of_file_descriptors_still_says_that_it_lives(manager: Manager) -> None:
    with manager.notifier() as notifier:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            with pytest.raises(OSError, match="Too many open files"):
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            assert notifier.alive()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert manager.heard() == WELL


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),  # it is our parent that is watched
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_on_when_it_is_this_process_that_is_watched(
    manager: Manager, variables: dict[str, str], seconds: float | None
) -> None:
    with manager.notifier(**variables) as notifier:
        assert notifier.watchdog == seconds


# -- when the watchdog is fed, in virtual time ---------------------------------------------------------------

INTERVAL = 30.0
DEAF = "the radio does not answer"


async def well() -> None:
    """A probe that finds nothing wrong."""


class Watch:
    """When the manager was fed, and why not, in seconds of the loop's clock."""

    def __init__(self) -> None:
        self.fed: list[float] = []
        self.missed: list[tuple[float, str]] = []

    def run(self, manager: Manager, probe: Callable[[], Awaitable[object]], seconds: float) -> Watch:
        async def watch() -> None:
            loop = asyncio.get_running_loop()

            def hear() -> None:
                assert manager.heard() == WELL
                self.fed.append(loop.time())

            loop.add_reader(manager.socket, hear)
            with manager.notifier(WATCHDOG_USEC=str(int(INTERVAL * 1e6))) as notifier:
                async with Watchdog(notifier, probe, self.miss):
                    await asyncio.sleep(seconds)
            loop.remove_reader(manager.socket)

        in_virtual_time(watch())
        return self

    def miss(self, error: Exception) -> None:
        self.missed.append((asyncio.get_running_loop().time(), str(error)))


def in_virtual_time(coroutine: Coroutine[object, object, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(coroutine)


def test_the_watchdog_is_fed_at_half_the_interval_while_all_is_well(manager: Manager) -> None:
    assert Watch().run(manager, well, 61).fed == [0, 15, 30, 45, 60]


def test_a_probe_that_takes_its_time_does_not_stretch_the_interval(manager: Manager) -> None:
    watch = Watch().run(manager, lambda: asyncio.sleep(5), 61)
    assert watch.fed == [5, 20, 35, 50]
    assert watch.missed == []


def test_a_probe_that_fails_feeds_nothing_and_says_why(manager: Manager) -> None:
    async def deaf() -> None:
        raise OSError(DEAF)

    watch = Watch().run(manager, deaf, 31)
    assert watch.fed == []
    assert {reason for _, reason in watch.missed} == {DEAF}


def test_a_probe_that_hangs_feeds_nothing_and_is_asked_again(manager: Manager) -> None:
    watch = Watch().run(manager, asyncio.Event().wait, 31)
    assert watch.fed == []
    assert watch.missed[0] == (7.5, "no answer within 7.5 s")
    assert len(watch.missed) == 4


def test_a_probe_that_answers_too_late_feeds_nothing(manager: Manager) -> None:
    async def stubborn() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue

    watch = Watch().run(manager, stubborn, 20)
    assert watch.fed == []
    assert watch.missed == [(17.5, "no answer within 7.5 s")]


def test_one_lost_answer_is_made_up_for_before_the_interval_ends(manager: Manager) -> None:
    answers = iter((True, True, False))

    async def once_lost() -> None:
        if not next(answers, True):
            raise OSError(DEAF)

    watch = Watch().run(manager, once_lost, 50)
    assert watch.missed == [(30, DEAF)]
    assert watch.fed == [0, 15, 33.75, 48.75]
    assert max(later - earlier for earlier, later in zip(watch.fed, watch.fed[1:], strict=False)) < INTERVAL


def test_a_failure_that_lasts_leaves_the_interval_unfed_and_recovery_feeds_it_again(manager: Manager) -> None:
    async def away() -> None:
        if 20 < asyncio.get_running_loop().time() < 80:
            raise OSError(DEAF)

    watch = Watch().run(manager, away, 100)
    assert watch.fed == [0, 15, 82.5, 97.5]
    assert watch.missed[0] == (30, DEAF)


def test_a_probe_that_is_itself_broken_feeds_nothing(manager: Manager) -> None:
    async def broken() -> None:
        raise KeyError("radio")

    watch = Watch().run(manager, broken, 16)
    assert watch.fed == []
    assert watch.missed[0] == (0, "'radio'")


def test_the_reason_is_shown_as_the_status_where_nobody_else_takes_it(manager: Manager) -> None:
    async def deaf() -> None:
        raise OSError(DEAF)

    async def watch() -> None:
        with manager.notifier(WATCHDOG_USEC="1000000") as notifier:
            async with Watchdog(notifier, deaf):
                await asyncio.sleep(0.01)

    in_virtual_time(watch())
    assert manager.heard() == b"STATUS=the watchdog is not fed: the radio does not answer"


def test_where_nobody_watches_nothing_is_probed(manager: Manager) -> None:
    async def probed() -> None:
        raise AssertionError

    async def watch() -> None:
        with manager.notifier() as notifier:
            async with Watchdog(notifier, probed):
                await asyncio.sleep(60)

    in_virtual_time(watch())
    with pytest.raises(BlockingIOError):
        manager.heard()


def test_the_end_of_the_watchdog_is_the_end_of_its_probe(manager: Manager) -> None:
    ends: list[float] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(asyncio.get_running_loop().time())

    watch = Watch().run(manager, endless, 3)
    assert ends == [3]
    assert watch.fed == []
