"""An emulated dongle, a coordinator and a simulated device: three processes on one shared air."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from coordinator.cli import invoke
from coordinator.composition import Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.evidence.witness import Witness
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.radio import serial, url
from coordinator.radio.clock import LoopClock
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.runtime.driver import Driver
from coordinator.scenario import Scenario, simulate
from coordinator.types import Channel, Instant
from tests.dongle.program import DEADLINE, PROGRAM, ROOT, first_line, started
from tests.pace import unhurried
from tests.ports import free_port


def free_air() -> str:
    return f"udp://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


async def coordinate(where: str, profile: str, joiner: subprocess.Popen[str]) -> str:
    """Be a Trust Center over the dongle until the device has ended; what the evidence says."""
    line = url.parse(f"spinel+{where}")
    assert isinstance(line, url.Tcp)
    opener: serial.Opener[Client] = serial.opener(line)
    witness = Witness()
    clock = LoopClock(Instant(0))
    center = TrustCenterNode(
        profiles.load(profile), Setting(channel=Channel(11)), SeededEntropy(1).stream("center"), witness.note
    )
    async with Driver(center.host, SpinelRadio(opener, str(line)), clock) as driver:
        center.start(clock.now())
        driver.settle()
        async with asyncio.timeout(DEADLINE):
            while joiner.poll() is None:
                await asyncio.sleep(0.05)
        assert not driver.failed.is_set()
        return witness.close(clock.now()).outcome.value


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("profile", "model", "code", "dongle_hosts"),
    [("pre-zb3", "zboss-r22", 1, True), ("zb3", "telink", 0, False)],
)
def test_a_join_over_a_dongle_on_a_shared_air_ends_as_in_one_process(
    profile: str, model: str, code: int, dongle_hosts: bool
) -> None:
    scenario = Scenario(profile=profiles.load(profile), joiners=(joiners.load(model),))
    expected = simulate(scenario).verdict.outcome.value

    def attempt() -> None:
        assert _joined(profile, model, code, dongle_hosts) == expected

    unhurried(attempt)


def _joined(profile: str, model: str, code: int, dongle_hosts: bool) -> str:
    air = free_air()
    device = ("joiner", "--air", air, "--joiner", model, "--seed", "1", "--once", "--stay", "1", "--json")
    dongle = ("dongle", "spinel", "--listen", "tcp://127.0.0.1:0", "--air", air, "--seed", "1")
    first, second = (dongle, device) if dongle_hosts else (device, dongle)
    with process(*first) as one:
        assert one.stdout is not None
        said = one.stdout.readline()
        with process(*second) as other:
            assert other.stdout is not None
            rcp, joiner = (one, other) if dongle_hosts else (other, one)
            told = other.stdout.readline()
            where, begun = (said, told) if dongle_hosts else (told, said)
            assert json.loads(begun)["hosts"] is not dongle_hosts
            outcome = asyncio.run(coordinate(where.strip(), profile, joiner))
            assert joiner.returncode == code
            if dongle_hosts:
                rcp.send_signal(signal.SIGTERM)
            # Else the device that hosted the air has ended and the air with it; the dongle ends by itself.
            _, complaint = rcp.communicate(timeout=DEADLINE)
            assert rcp.returncode == (143 if dongle_hosts else 5), complaint
    return outcome


@pytest.mark.real_time
def test_a_dongle_says_in_one_line_that_its_air_was_lost() -> None:
    with process("air", "--listen", "udp://127.0.0.1:0", "--json") as host:
        assert host.stdout is not None
        air = json.loads(host.stdout.readline())["air"]
        with started("--listen", "tcp://127.0.0.1:0", "--air", air) as dongle:
            first_line(dongle)
            host.send_signal(signal.SIGTERM)
            began = time.monotonic()
            out, err = dongle.communicate(timeout=DEADLINE)
            assert time.monotonic() - began < 5
    assert (dongle.returncode, out) == (5, b"")
    assert err.decode() == f"legacy-tc: {air}: the air is lost: its host has ended\n"


@pytest.mark.real_time
def test_a_port_that_is_no_air_is_refused_with_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        air = f"udp://127.0.0.1:{other.getsockname()[1]}"
        assert invoke(["dongle", "spinel", "--listen", "tcp://127.0.0.1:0", "--air", air]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"legacy-tc: {air}: the port is in use by something that is not an air\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--air", "tcp://127.0.0.1:1"), "write it like udp://"),
        (("--air", "udp://127.0.0.1:1", "--joiner", "telink"), "legacy-tc joiner --air"),
    ],
)
def test_what_cannot_be_on_a_shared_air_is_refused(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["dongle", "spinel", "--listen", "tcp://127.0.0.1:0", *arguments]) == 2
    assert says in capsys.readouterr().err
