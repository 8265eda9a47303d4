"""Opening the line to an RCP in real time: a pty, a program, a socket, and who is in the way. Kept few."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coordinator.radio import serial, url
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel import bringup
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.runtime.driver import Driver
from tests import pace
from tests.dongle.program import DEADLINE, PROGRAM, ROOT, first_line, started

pytestmark = pytest.mark.real_time

AS_NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
HOLDER = """
import asyncio, sys
from coordinator.radio import serial, url
async def hold():
    await serial.open_line(url.parse(sys.argv[1]), asyncio.Protocol)
    print("held", flush=True)
    await asyncio.sleep(60)
asyncio.run(hold())
"""


def line_of(text: str) -> url.Line:
    line = url.parse(text)
    assert not isinstance(line, url.Simulated)
    return line


def radio_on(text: str) -> SpinelRadio:
    line = line_of(text)
    opener: serial.Opener[Client] = serial.opener(line)
    return SpinelRadio(opener, str(line))


async def report_of(text: str) -> Report:
    """Bring the radio up twice, as after a loss, and probe it."""
    radio = radio_on(text)
    for _ in range(2):
        await radio.start(lambda frame: None, lambda *confirm: None)
        assert await radio.probe() < DEADLINE
        await radio.close()
    return radio.report


def failure_of(text: str) -> RadioError:
    async def body() -> RadioError:
        radio = radio_on(text)
        with pytest.raises(RadioError) as caught:
            await radio.start(lambda frame: None, lambda *confirm: None)
        await radio.close()
        return caught.value

    error = asyncio.run(body())
    assert "\n" not in str(error)
    return error


def test_an_rcp_on_a_pty_comes_up_by_its_link(tmp_path: Path) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    with started("--listen", "pty", "--link", str(link)) as dongle:
        first_line(dongle)
        report = asyncio.run(report_of(f"spinel:{link}?uart-baudrate=115200"))
    assert report.line == str(link)
    assert report.firmware.startswith("LEGACY-TC-RCP/")


def test_an_rcp_behind_tcp_comes_up_again_after_it_was_closed() -> None:
    with started("--listen", "tcp://127.0.0.1:0") as dongle:
        assert asyncio.run(report_of(f"spinel+{first_line(dongle)}")).api_version == 11


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The emulated RCP as one executable file, as `ot-rcp` is."""
    path = tmp_path / "rcp"
    start = PROGRAM[2].replace("'legacy-tc'", "'rcp'")
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n{start}\n")
    path.chmod(0o755)
    return path


def forkpty(program: Path, *arguments: str) -> str:
    settings = "&".join(f"forkpty-arg={argument}" for argument in arguments)
    return f"spinel+hdlc+forkpty://{program}?{settings}"


@pytest.fixture
def slow_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python takes longer to start than firmware to reset."""
    monkeypatch.setattr(bringup, "RESET_PATIENCE", DEADLINE)


@pytest.mark.usefixtures("slow_program")
def test_a_program_on_a_pty_of_ours_comes_up_and_ends_with_its_line(program: Path) -> None:
    text = forkpty(program, "dongle", "spinel", "--listen", "stdio")
    assert asyncio.run(report_of(text)).protocol_version == (4, 3)
    assert not running(program), "the program was left behind"


def running(program: Path) -> list[int]:
    """The processes of this program, wherever they come from; one that has ended runs no more."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(program) in command_of(entry)
    ]


def command_of(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


def test_a_program_that_ends_is_a_lost_line(tmp_path: Path) -> None:
    program = tmp_path / "version"
    program.write_text("#!/bin/sh\necho 'legacy-tc 1.0'\n")
    program.chmod(0o755)
    error = failure_of(forkpty(program, "version"))
    # It prints its version, which is no Spinel, and ends.
    assert error.fault is Fault.LOST
    assert str(error) == f"{program}: the line was lost: the program ended"


@pytest.mark.usefixtures("slow_program")
def test_a_program_that_is_killed_is_a_lost_radio(program: Path) -> None:
    async def body() -> None:
        failures: list[RadioError] = []
        failed = asyncio.Event()
        radio = radio_on(forkpty(program, "dongle", "spinel", "--listen", "stdio"))

        def fails(error: RadioError) -> None:
            failures.append(error)
            failed.set()

        radio.watch(fails, lambda _: None)
        await radio.start(lambda frame: None, lambda *confirm: None)
        (pid,) = running(program)
        os.kill(pid, 9)
        await asyncio.wait_for(failed.wait(), DEADLINE)
        assert failures[0].fault is Fault.LOST
        await radio.close()

    asyncio.run(body())


def test_a_port_that_another_process_holds_is_busy_and_names_the_holder() -> None:
    with started("--listen", "pty") as dongle:
        text = f"spinel:{first_line(dongle)}"
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, text], stdout=subprocess.PIPE, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            name = Path(f"/proc/{holder.pid}/comm").read_text().strip()
            error = failure_of(text)
        finally:
            holder.kill()
            holder.communicate()
        assert error.fault is Fault.BUSY
        path = text.removeprefix("spinel:")
        assert str(error) == f"{path}: the port is held by {name} (PID {holder.pid})"
        asyncio.run(report_of(text))  # and is free once that one is gone


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("spinel:/dev/no-such-port", "/dev/no-such-port: not there"),
        ("spinel:/dev/null", "/dev/null: not a serial port"),
        ("spinel+hdlc+forkpty:///no/such/rcp", "/no/such/rcp: not there"),
        ("spinel+tcp://127.0.0.1:1", "127.0.0.1:1: nobody listens there"),
        ("spinel+tcp://no-such-host.invalid:1", "no-such-host.invalid:1: cannot be opened"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(text: str, says: str) -> None:
    error = failure_of(text)
    assert error.fault is Fault.ABSENT
    assert says in str(error)


def test_a_program_that_may_not_be_run_is_forbidden(tmp_path: Path) -> None:
    path = tmp_path / "rcp"
    path.write_text("")
    error = failure_of(f"spinel+hdlc+forkpty://{path}")
    assert (error.fault, str(error)) == (Fault.FORBIDDEN, f"{path}: permission denied")


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="needs root to be nobody")
def test_a_port_of_a_group_that_is_not_ours_is_forbidden_and_names_the_group(tmp_path: Path) -> None:
    with started("--listen", "pty") as dongle:
        path = first_line(dongle)
        os.chmod(path, 0o660)
        script = (
            "import asyncio\nfrom coordinator.radio import serial, url\n"
            f"line = url.parse('spinel:{path}')\n"
            "try:\n    asyncio.run(serial.open_line(line, asyncio.Protocol))\n"
            "except Exception as error:\n    print(error.fault.name, error)\n"
        )
        run = subprocess.run(
            [*AS_NOBODY, sys.executable, "-c", script],
            capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        if "PermissionError" in run.stderr and path not in run.stderr:
            pytest.skip("nobody may not even read the source here")
        group = Path(path).group()
    assert run.stdout == (
        f"FORBIDDEN {path}: permission denied; its group is '{group}', and yours must be among them\n"
    )


@contextmanager
def silent_peer() -> Iterator[int]:
    """A TCP port that takes a connection and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=lambda: taken.append(listening.accept()[0]))
        thread.start()
        yield listening.getsockname()[1]
        thread.join(DEADLINE)
        for each in taken:
            each.close()


def test_a_peer_that_never_answers_is_unresponsive_within_five_seconds() -> None:
    with silent_peer() as port:
        watch = pace.Watch()
        error = failure_of(f"spinel+tcp://127.0.0.1:{port}")
        assert watch.seconds < 5
    assert error.fault is Fault.UNRESPONSIVE
    assert "nobody there speaks Spinel" in str(error)


def test_the_driver_of_a_node_says_what_is_wrong_with_its_radio() -> None:
    class Nothing:
        """Never reached."""

    async def body() -> None:
        driver = Driver(Nothing(), radio_on("spinel:/dev/no-such-port"), Nothing())  # type: ignore[arg-type]
        with pytest.raises(RadioError, match="not there"):
            async with driver:
                pass

    asyncio.run(body())
