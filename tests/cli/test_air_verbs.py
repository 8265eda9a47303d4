"""`legacy-tc air` and `legacy-tc joiner` as processes of their own, in real time. Kept few."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from coordinator.cli import invoke
from coordinator.composition import Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.evidence.outcome import Outcome
from coordinator.evidence.witness import Witness
from coordinator.profiles import load as profiles
from coordinator.radio.air.opening import open_air
from coordinator.radio.air.url import AirUrl, parse
from coordinator.runtime.driver import Driver
from coordinator.types import Channel, Instant
from tests.end_to_end import wireshark
from tests.pace import unhurried
from tests.ports import free_port

Line = dict[str, object]
PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'legacy-tc'; from coordinator.cli import main; main()",
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
DEADLINE = 60
CODE = "f4ce360011223344=83FED3407A939723A5C639B26916D505C3B5"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


@contextmanager
def hosted(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], AirUrl]]:
    """A process that hosts an air on a free port."""
    process = start("air", "--listen", "udp://127.0.0.1:0", "--json", *arguments)
    try:
        assert process.stdout is not None
        opened = json.loads(process.stdout.readline())
        assert (opened["kind"], opened["radio"]) == ("opened", "sim")
        yield process, parse(opened["air"])
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def lines(text: str) -> list[Line]:
    return [cast(Line, json.loads(line)) for line in text.splitlines()]


@pytest.mark.real_time
@pytest.mark.tshark
def test_a_joiner_a_coordinator_and_their_air_are_three_processes(tmp_path: Path) -> None:
    unhurried(lambda: _three_processes(Path(tempfile.mkdtemp(dir=tmp_path)) / "air.pcapng"))


def _three_processes(capture: Path) -> None:

    async def coordinate(url: AirUrl, joiner: subprocess.Popen[str]) -> Outcome:
        witness = Witness()
        setting = Setting(channel=Channel(11))
        center = TrustCenterNode(
            profiles.load("pre-zb3"), setting, SeededEntropy(1).stream("center"), witness.note
        )
        async with (
            open_air(url, SeededEntropy(1)) as air,
            Driver(center.host, air.radio("center"), air.clock) as driver,
        ):
            center.start(air.clock.now())
            driver.settle()
            async with asyncio.timeout(DEADLINE):
                while joiner.poll() is None:
                    await asyncio.sleep(0.05)
            return witness.close(Instant(air.clock.now())).outcome

    with hosted("--capture", str(capture)) as (host, url):
        joiner = start(
            "joiner", "--air", str(url), "--joiner", "zboss-r22", "--seed", "1", "--once", "--json"
        )
        outcome = asyncio.run(coordinate(url, joiner))
        out, err = joiner.communicate(timeout=DEADLINE)
        host.send_signal(signal.SIGTERM)
        told, complaint = host.communicate(timeout=DEADLINE)
        assert host.returncode == 143
    assert (outcome, err, complaint) == (Outcome.LEFT_BY_JOINER, "", "")
    assert joiner.returncode == 1
    started, *steps = lines(out)
    assert (started["kind"], started["hosts"], started["radio"]) == ("started", False, "sim")
    states = [step["state"] for step in steps if step["kind"] == "state"]
    assert states[:4] == ["scanning", "associating", "unauthenticated", "authenticated"]
    assert states[-1] == "left"
    assert [line["kind"] for line in lines(told)] == ["came", "came", "left", "left", "ended"]
    assert lines(told)[-1]["ignored_datagrams"] == 0
    heard = wireshark.on_air(wireshark.read(capture))
    assert wireshark.command(heard, 0x05, key_type=4)  # the link key that the joiner does not take


@pytest.mark.real_time
def test_a_joiner_says_in_one_line_that_its_air_was_killed() -> None:
    with hosted() as (host, url):
        joiner = start("joiner", "--air", str(url), "--joiner", "telink", "--seed", "1")
        assert joiner.stdout is not None
        while "looks for a network" not in joiner.stdout.readline():
            pass
        host.kill()
        began = time.monotonic()
        _, err = joiner.communicate(timeout=DEADLINE)
        assert time.monotonic() - began < 5
    assert joiner.returncode == 5
    assert err == f"legacy-tc: {url}: the air is lost: its host is gone\n"


@pytest.mark.real_time
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_joiner_that_came_first_hosts_its_air_until_a_signal(number: signal.Signals, code: int) -> None:
    port = free_port(socket.SOCK_DGRAM)
    joiner = start("joiner", "--air", f"udp://127.0.0.1:{port}", "--joiner", "telink", "--json")
    assert joiner.stdout is not None
    assert json.loads(joiner.stdout.readline())["hosts"] is True
    joiner.send_signal(number)
    began = time.monotonic()
    _, err = joiner.communicate(timeout=DEADLINE)
    assert time.monotonic() - began < 5
    assert (joiner.returncode, err) == (code, "")


@pytest.mark.real_time
def test_a_port_that_is_taken_is_refused_with_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        url = f"udp://127.0.0.1:{other.getsockname()[1]}"
        assert invoke(["joiner", "--air", url, "--joiner", "telink"]) == 4
        assert invoke(["air", "--listen", url]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == 2 * f"legacy-tc: {url}: the port is in use by something that is not an air\n"


JOINER = ("joiner", "--joiner", "telink", "--air")
HERE = "udp://127.0.0.1:4949"
REFUSED: dict[str, tuple[tuple[str, ...], int, str]] = {
    "no air": (("joiner", "--joiner", "telink"), 2, "--air"),
    "no joiner": (("joiner", "--air", HERE), 2, "--joiner"),
    "unknown joiner": (("joiner", "--air", HERE, "--joiner", "telnik"), 3, "did you mean 'telink'"),
    "all joiners": (("joiner", "--air", HERE, "--joiner", "all"), 2, "takes one"),
    "no port": ((*JOINER, "udp://127.0.0.1"), 2, "names no port"),
    "any port": ((*JOINER, "udp://127.0.0.1:0"), 2, "port 0"),
    "another machine": ((*JOINER, "udp://10.0.0.1:4949"), 2, "not a loopback address"),
    "everybody": (("air", "--listen", "udp://0.0.0.0:4949"), 2, "not a loopback address"),
    "another scheme": (("air", "--listen", "tcp://127.0.0.1:4949"), 2, "write it like udp://"),
    "EUI-64": ((*JOINER, HERE, "--eui64", "12"), 2, "--eui64"),
    "install code": ((*JOINER, HERE, "--install-code", "12=34"), 2, "--install-code"),
    "two owners": (
        (*JOINER, HERE, "--install-code", CODE, "--eui64", "0011223344556677"),
        2,
        "the code is for f4:ce:36:00:11:22:33:44",
    ),
    "name": ((*JOINER, HERE, "--name", "gerät"), 2, "printable ASCII"),
    "no name": ((*JOINER, HERE, "--name", ""), 2, "printable ASCII"),
    "capture": (("air", "--listen", "udp://127.0.0.1:0", "--capture", "/"), 2, "cannot be written"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_gives_one_line(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, code, says = REFUSED[what]
    assert invoke(list(arguments)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
