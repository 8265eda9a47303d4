"""Fault 32: a capture that a command began reaches its limit, or the disk's, or cannot be begun at all.

What such a capture was to be evidence of is inconclusive, its file can be read to the end, and when it was
stopped the bench is as good as before.
"""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.rig import Client, Json, bench

TSHARK = shutil.which("tshark")
LIMIT = 4000
"""Octets: a join begins within so many, and does not end."""


def frames_read(path: Path) -> int:
    """How many frames an independent reader finds; it must have nothing to complain of."""
    assert TSHARK is not None
    read = subprocess.run(
        [TSHARK, "-r", str(path), "-T", "fields", "-e", "frame.number"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert read.returncode == 0, read.stderr
    assert "cut short" not in read.stderr
    return len(read.stdout.split())


@contextlib.contextmanager
def no_file_longer_than(octets: int) -> Iterator[None]:
    """The kernel takes what fits of a write, and refuses the rest, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def joined(client: Client, run: str, **request: object) -> tuple[Json, Json]:
    """The verdict on one join in a run of its own, and the health before the run ended."""
    await client.done("run/start", run=run, permit_join=60, observe=3, **request)
    powered = await client.done("joiner/power", joiner="zboss-r22")
    verdict = await client.done("verdict/get", run=run, wait=60)
    health = await client.done("health")
    await client.done("run/stop")
    await client.done("joiner/power", on=False, device=powered["device"])
    return verdict, health


def spoilt_and_recovered(tmp_path: Path, client: Client, verdict: Json, health: Json, reason: str) -> None:
    """What is said of one capture that failed, once."""
    assert verdict["verdict"] == "inconclusive"
    assert reason in " ".join(verdict["incomplete"])  # type: ignore[arg-type]
    assert (health["ok"], health["capture_ok"]) == (False, False)
    assert health["problems"] == ["a capture or event file could not be written"]
    (failed,) = [event for event in client.of("capture") if event["state"] == "failed"]
    assert failed["file"] == "one.pcapng"
    assert reason in str(failed["reason"])
    assert frames_read(tmp_path / "one.pcapng") > 5


@pytest.mark.skipif(TSHARK is None, reason="tshark reads the capture")
def test_a_capture_ends_at_its_limit_spoils_its_run_and_no_later_one(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        verdict, health = await joined(client, "one", capture="one")
        spoilt_and_recovered(tmp_path, client, verdict, health, f"its limit of {LIMIT} octets is reached")
        assert (tmp_path / "one.pcapng").stat().st_size <= LIMIT
        assert (tmp_path / "one.jsonl").stat().st_size <= LIMIT
        later, health = await joined(client, "two")
        assert (later["verdict"], later["incomplete"]) == ("pass", [])
        assert (health["ok"], health["capture_ok"]) == (True, True)

    bench(body, folder=tmp_path, max_bytes=LIMIT, permit=0)


@pytest.mark.skipif(TSHARK is None, reason="tshark reads the capture")
def test_a_full_disk_spoils_the_run_and_no_later_one(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        with no_file_longer_than(LIMIT):
            verdict, health = await joined(client, "one", capture="one")
        spoilt_and_recovered(tmp_path, client, verdict, health, "File too large")
        later, health = await joined(client, "two", capture="two")
        assert (later["verdict"], later["incomplete"]) == ("pass", [])
        assert (health["ok"], health["capture_ok"]) == (True, True)
        assert frames_read(tmp_path / "two.pcapng") > 40

    bench(body, folder=tmp_path, permit=0)


def test_a_device_that_was_there_while_a_capture_lacked_something_is_inconclusive_even_if_it_is_stopped(
    tmp_path: Path,
) -> None:
    async def body(client: Client) -> None:
        await client.done("capture/start", file="one", events=False)
        await client.done("run/start", run="one", permit_join=60, observe=3)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("capture", state="failed")
        stopped = await client.done("capture/stop")
        assert stopped["complete"] is False
        assert stopped["octets"] <= LIMIT  # type: ignore[operator]
        assert (await client.done("health"))["capture_ok"] is True
        verdict = await client.done("verdict/get", run="one", wait=60)
        assert verdict["verdict"] == "inconclusive"
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict", verdict="pass")

    bench(body, folder=tmp_path, max_bytes=LIMIT, permit=0)


def test_a_capture_that_fits_its_limit_is_whole(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        verdict, _ = await joined(client, "one", capture="one")
        assert verdict["verdict"] == "pass"

    client, _ = bench(body, folder=tmp_path, max_bytes=1_000_000, permit=0)
    assert [event["state"] for event in client.of("capture")] == ["started", "stopped"]


def test_a_capture_without_room_for_its_beginning_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        error = await client.refused("run/start", run="one", capture="one")
        assert error["code"] == "refused"
        assert "its limit of 100 octets is reached" in str(error["message"])
        assert list(tmp_path.iterdir()) == []
        assert (await client.done("run/get"))["active"] is False
        verdict, health = await joined(client, "two")
        assert (verdict["verdict"], health["ok"]) == ("pass", True)

    client, _ = bench(body, folder=tmp_path, max_bytes=100, permit=0)
    assert client.of("capture") == []


def test_an_event_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text("mine")

    async def body(client: Client) -> None:
        error = await client.refused("capture/start", file="one")
        assert error["message"] == "one.jsonl is there already"
        await client.done("capture/start", file="one", events=False)

    bench(body, folder=tmp_path)
    assert (tmp_path / "one.jsonl").read_text() == "mine"


MOUNTED = [
    "unshare", "--mount", "--map-root-user", "sh", "-c",
    'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"', "sh",
]  # fmt: skip


def mounted(options: str, at: Path) -> Json:
    """What happens in a folder that is a file system of its own, in a process of its own."""
    told = subprocess.run(
        [*MOUNTED, options, str(at), sys.executable, "-m", "tests.faults.host.on_a_disk"],
        capture_output=True, text=True, timeout=120, check=False,
        env={"FOLDER": str(at), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    found: Json = json.loads(told.stdout)
    return found


def _may_mount(tmp_path_factory: pytest.TempPathFactory) -> bool:
    where = str(tmp_path_factory.mktemp("mount"))
    try:
        tried = subprocess.run([*MOUNTED, "size=64k", where, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return tried.returncode == 0


@pytest.fixture
def disk(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not _may_mount(tmp_path_factory):
        pytest.skip("this machine does not let us mount a file system of our own")
    return tmp_path


def test_a_file_system_without_room_is_told_as_it_says_it(disk: Path) -> None:
    told = mounted("size=16k", disk)
    assert told["verdict"] == "inconclusive"
    assert "No space left on device" in str(told["incomplete"])
    assert told["cut short"] is False
    assert told["later"] == "pass"


def test_a_file_system_that_is_read_only_refuses_the_capture_and_nothing_else(disk: Path) -> None:
    told = mounted("ro", disk)
    assert "Read-only file system" in str(told["refused"])
    assert told["later"] == "pass"
