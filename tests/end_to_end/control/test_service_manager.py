"""What systemd hears from a service, whether it is steered or not, read from a socket of its kind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.dongle.program import DEADLINE, first_line, started
from tests.end_to_end.control.rack import OWN_PROFILE, Daemon, Json, daemon, program, run, until

pytestmark = pytest.mark.real_time

NOT_FED_FOR = 2.5
"""Seconds of silence after which systemd would long have lost its patience."""


@dataclass
class Manager:
    """Where a service manager listens, and all that it has heard, a line each."""

    path: Path
    listening: socket.socket
    lines: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": "1000000"}

    def heard(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.lines += self.listening.recv(65536).decode().splitlines()
        return self.lines

    async def hears(self, word: str, since: int = 0) -> int:
        """Until it hears a line that begins so; returns how many it had heard then."""

        def found() -> list[int]:
            lines = self.heard()
            return [at for at in range(since, len(lines)) if lines[at].startswith(word)]

        await until(found, what=(word, self.lines))
        return found()[0] + 1


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        listening.setblocking(False)
        yield Manager(path, listening)


@dataclass
class Unsteered:
    """The program without anybody to command it."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def wrote(self) -> list[Json]:
        text = self.out.read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    async def ends(self) -> int:
        return await asyncio.to_thread(self.process.wait, DEADLINE)


@contextlib.asynccontextmanager
async def unsteered(folder: Path, variables: dict[str, str], *arguments: str) -> AsyncIterator[Unsteered]:
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = program("--json", "--seed", "7", *arguments, stdout=out, stderr=err, environment=variables)
    try:
        yield Unsteered(process, folder / "out", folder / "err")
    finally:
        process.kill()
        process.wait()


def test_a_service_that_nobody_steers_is_ready_is_fed_and_says_that_it_stops(
    manager: Manager, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with unsteered(tmp_path, manager.variables, "--profile", "zb3") as service:
            ready = await manager.hears("READY=1")
            assert service.wrote()[0]["kind"] == "started"
            await manager.hears("WATCHDOG=1", since=ready)
            service.process.send_signal(signal.SIGTERM)
            assert await service.ends() == 143
            assert "STOPPING=1" in manager.heard()
            assert service.err.read_text() == ""

    run(scenario())


def test_hangup_reads_the_profile_of_a_service_that_nobody_steers_again(
    manager: Manager, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN_PROFILE.format(behaviour="reqkey.delay"), "utf-8")
    events = tmp_path / "events.jsonl"

    def changes() -> list[str]:
        lines = events.read_text("utf-8").splitlines() if events.exists() else []
        return [each["change"] for each in map(json.loads, lines) if each["kind"] == "switched"]

    async def scenario() -> None:
        arguments = ("--profile", str(file), "--permit-join", "0", "--events", str(events))
        async with unsteered(tmp_path, manager.variables, *arguments) as service:

            async def reloaded(since: int) -> tuple[str, int]:
                service.process.send_signal(signal.SIGHUP)
                begun = await manager.hears("RELOADING=1", since)
                ready = await manager.hears("READY=1", begun)
                status = await manager.hears("STATUS=", begun)
                return manager.lines[status - 1], max(ready, status)

            since = await manager.hears("READY=1")
            file.write_text(OWN_PROFILE.format(behaviour="confirm.delay"), "utf-8")
            said, since = await reloaded(since)
            assert said == "STATUS=the profile was read again"
            await until(lambda: len(changes()) == 1)

            file.write_text(OWN_PROFILE.format(behaviour="confirm.dela"), "utf-8")
            said, since = await reloaded(since)
            assert said.startswith("STATUS=not read again: ")
            assert "confirm.delay" in said
            file.unlink()
            said, since = await reloaded(since)
            assert "own.toml" in said

            service.process.send_signal(signal.SIGTERM)
            assert await service.ends() == 143
            assert len(changes()) == 1
            lines = service.err.read_text("utf-8").splitlines()
            assert [line.startswith("legacy-tc: SIGHUP: ") for line in lines] == [True] * 3

    run(scenario())


def test_without_a_service_manager_hangup_ends_a_run_whose_terminal_has_gone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with unsteered(tmp_path, {}, "--profile", "zb3") as service:
            await until(lambda: service.wrote(), what="it runs")
            service.process.send_signal(signal.SIGHUP)
            assert await service.ends() == 129

    run(scenario())


def test_nothing_that_steers_is_loaded_for_a_service_that_nobody_steers(
    manager: Manager, tmp_path: Path
) -> None:
    async def scenario() -> None:
        variables = {**manager.variables, "PYTHONPROFILEIMPORTTIME": "1"}
        async with unsteered(tmp_path, variables, "--profile", "zb3") as service:
            await manager.hears("WATCHDOG=1")
            loaded = {line.rpartition("|")[2].strip() for line in service.err.read_text().splitlines()}
            assert "coordinator.daemon.alone" in loaded
            assert not loaded & {"aiohttp", "aiomqtt", "structlog", "coordinator.daemon.steering"}

    run(scenario())


Begins = Callable[[str], contextlib.AbstractAsyncContextManager[object]]
"""A service on the radio of this URL."""


async def _a_radio_that_dies_is_not_fed(manager: Manager, begin: Begins) -> None:
    with started("--listen", "tcp://127.0.0.1:0") as dongle:
        async with begin(f"spinel+{first_line(dongle)}"):
            ready = await manager.hears("READY=1")
            await manager.hears("WATCHDOG=1", since=ready)
            dongle.kill()
            told = await manager.hears("STATUS=the watchdog is not fed: the radio is ", since=ready)
            await asyncio.sleep(NOT_FED_FOR)
            assert "WATCHDOG=1" not in manager.heard()[told:]


def test_the_watchdog_of_a_steered_service_is_not_fed_once_its_radio_has_gone(
    manager: Manager, tmp_path: Path
) -> None:
    run(
        _a_radio_that_dies_is_not_fed(
            manager, lambda radio: daemon(tmp_path, None, "--radio", radio, environment=manager.variables)
        )
    )


def test_the_watchdog_of_a_service_that_nobody_steers_is_not_fed_once_its_radio_has_gone(
    manager: Manager, tmp_path: Path
) -> None:
    run(_a_radio_that_dies_is_not_fed(manager, lambda radio: _on_a_radio(tmp_path, manager.variables, radio)))


@contextlib.asynccontextmanager
async def _on_a_radio(folder: Path, variables: dict[str, str], radio: str) -> AsyncIterator[Unsteered]:
    with (folder / "err").open("wb") as err:
        process = program(
            "--profile", "zb3", "--radio", radio, stdout=subprocess.DEVNULL, stderr=err, environment=variables
        )
    try:
        yield Unsteered(process, folder / "out", folder / "err")
    finally:
        process.kill()
        process.wait()


def test_a_reload_of_a_steered_service_lasts_from_its_beginning_to_its_end(
    manager: Manager, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN_PROFILE.format(behaviour="reqkey.delay"), "utf-8")

    async def scenario() -> None:
        async with daemon(tmp_path, None, "--profile", str(file), environment=manager.variables) as served:
            since = await manager.hears("READY=1")
            since = await _reload(served, since)
            assert manager.lines[since - 1] == "STATUS=the profile was read again"
            file.write_text("nonsense", "utf-8")
            since = await _reload(served, since)
            assert manager.lines[since - 1].startswith("STATUS=not read again: ")

    async def _reload(served: Daemon, since: int) -> int:
        served.process.send_signal(signal.SIGHUP)
        begun = await manager.hears("RELOADING=1", since)
        assert manager.lines[begun].startswith("MONOTONIC_USEC=")
        ready = await manager.hears("READY=1", begun)
        return await manager.hears("STATUS=", ready)

    run(scenario())
