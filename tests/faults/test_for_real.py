"""Faults 2, 6 and 7, and the end of a start, with the programs, a pty and a socket. Kept few."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import pace
from tests.dongle.program import DEADLINE, PROGRAM, ROOT, first_line, started

pytestmark = pytest.mark.real_time


@contextmanager
def daemon(radio: str, *more: str) -> Iterator[subprocess.Popen[str]]:
    """``legacy-tc --radio ...`` on a real line, killed at the end if it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, "--profile", "zb3", "--radio", radio, "--json", *more],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def connections(pid: int) -> list[str]:
    """The sockets of a process that are connected over TCP."""
    states = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]]
    connected = {f"socket:[{fields[9]}]" for fields in states if fields[3] == "01"}
    open_now = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            open_now.add(os.readlink(each))
    return sorted(connected & open_now)


def taken(name: str) -> list[int]:
    """Terminals of ours, one of which has a name that has become free, unless somebody else was faster."""
    descriptors: list[int] = []
    for _ in range(64):
        ours, theirs = os.openpty()
        descriptors += (ours, theirs)
        if os.ttyname(theirs) == name:
            break
    return descriptors


JOIN = ("--any-joiner", "--permit-join", "60", "--once", "--observe", "5")


def test_a_radio_that_comes_back_under_another_tty_is_found_by_its_by_id_name(tmp_path: Path) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    plan = ("--joiner", "zboss-r22", "--fault", "cut=4@psdu:6188")  # long enough for us to take its name
    with started("--listen", "pty", "--link", str(link), *plan) as dongle:
        first = first_line(dongle)
        with daemon(f"spinel:{link}", *JOIN[:-1], "15") as host:
            assert host.stdout is not None
            said: list[dict[str, object]] = []
            ours: list[int] = []
            for line in host.stdout:
                said.append(json.loads(line))
                if said[-1].get("state") == "lost" and not ours:
                    ours = taken(first)
            _, err = host.communicate(timeout=DEADLINE)
            for descriptor in ours:
                os.close(descriptor)
        assert (host.returncode, err) == (7, "")
        assert first_line(dongle) != first
    states = [each["state"] for each in said if "state" in each]
    assert states[0] == "lost"
    assert states[-1] == "up"
    assert said[-1]["verdict"] == "inconclusive"


def test_a_tcp_line_that_is_reset_is_said_to_be_and_opened_anew() -> None:
    plan = ("--joiner", "zboss-r22", "--fault", "cut=1@psdu:6188")
    with started("--listen", "tcp://127.0.0.1:0", *plan) as dongle:
        with daemon(f"spinel+{first_line(dongle)}", *JOIN) as host:
            out, err = host.communicate(timeout=DEADLINE)
        assert (host.returncode, err) == (7, "")
    said = [json.loads(line) for line in out.splitlines()]
    changes = [each for each in said if "state" in each]
    assert changes[0]["state"] == "lost"
    assert "reset by peer" in changes[0]["reason"]
    assert changes[-1]["state"] == "up"


def test_a_port_that_another_daemon_holds_is_refused_with_its_pid(tmp_path: Path) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    with started("--listen", "pty", "--link", str(link)) as dongle:
        first_line(dongle)
        with daemon(f"spinel:{link}") as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            with daemon(f"spinel:{link}") as second:
                out, err = second.communicate(timeout=DEADLINE)
            assert (second.returncode, out) == (4, "")
            assert f"(PID {holder.pid})" in err
            assert err.count("\n") == 1
            assert holder.poll() is None


def test_told_to_stop_while_a_slow_radio_comes_up_it_ends_within_five_seconds() -> None:
    with (
        started("--listen", "tcp://127.0.0.1:0", "--fault", "slow=1.5") as dongle,
        daemon(f"spinel+{first_line(dongle)}") as host,
    ):
        pace.until(lambda: connections(host.pid))  # it has begun, and needs half a minute
        pace.until_it_heeds(host, signal.SIGTERM)
        sent = time.monotonic()
        host.send_signal(signal.SIGTERM)
        out, err = host.communicate(timeout=DEADLINE)
        assert time.monotonic() - sent < 5
    assert (host.returncode, out, err) == (143, "", "")


def test_a_radio_that_never_comes_back_ends_in_exit_code_5_and_an_inconclusive_verdict(
    tmp_path: Path,
) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    with started("--listen", "pty", "--link", str(link)) as dongle:
        first_line(dongle)
        with daemon(f"spinel:{link}", "--any-joiner", "--permit-join", "3", "--once") as host:
            assert host.stdout is not None
            assert json.loads(host.stdout.readline())["kind"] == "started"
            dongle.kill()
            out, err = host.communicate(timeout=DEADLINE)
    said = [json.loads(line) for line in out.splitlines()]
    assert (host.returncode, err) == (5, "")
    assert [each["state"] for each in said[:2]] == ["lost", "recovering"]
    assert said[-1]["verdict"] == "inconclusive"


def test_an_air_that_is_lost_is_said_at_once_and_ends_in_exit_code_5(tmp_path: Path) -> None:
    hosting = subprocess.Popen(
        [*PROGRAM, "air", "--listen", "udp://127.0.0.1:0", "--json"],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert hosting.stdout is not None
        url = json.loads(hosting.stdout.readline())["air"]
        with daemon(f"sim+{url}", "--permit-join", "4", "--once") as host:
            assert host.stdout is not None
            assert json.loads(host.stdout.readline())["kind"] == "started"
            hosting.kill()
            out, err = host.communicate(timeout=DEADLINE)
    finally:
        hosting.kill()
        hosting.communicate()
    lost, verdict = [json.loads(line) for line in out.splitlines()]
    assert (lost["kind"], lost["state"]) == ("radio", "lost")
    assert (verdict["kind"], verdict["verdict"]) == ("verdict", "inconclusive")
    assert host.returncode == 5
    assert err.count("\n") == 1


def test_told_to_stop_while_its_radio_is_gone_it_ends_within_five_seconds(tmp_path: Path) -> None:
    link = tmp_path / "usb-legacy-tc_rcp-if00"
    with started("--listen", "pty", "--link", str(link)) as dongle:
        first_line(dongle)
        with daemon(f"spinel:{link}") as host:
            assert host.stdout is not None
            while json.loads(host.stdout.readline()).get("kind") != "started":
                pass
            dongle.kill()
            while json.loads(host.stdout.readline()).get("state") != "absent":
                pass
            sent = time.monotonic()
            host.send_signal(signal.SIGTERM)
            _, err = host.communicate(timeout=DEADLINE)
            assert time.monotonic() - sent < 5
    assert (host.returncode, err) == (143, "")
