"""Power cuts, full disks and kill -9: no counter goes back, no key is lost, and the state opens."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import struct
import time
import traceback
from pathlib import Path

import pytest

from coordinator.runtime import records
from coordinator.runtime.errors import StateError
from coordinator.runtime.files import OsFile, OsFiles
from coordinator.runtime.records import Saved
from coordinator.runtime.state_folder import STATE, load
from coordinator.runtime.store import Store
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND
from tests.runtime.disk import Disk, Inode, Step, after_power_cut
from tests.runtime.town import FOLDER, Town

KILLS = 200
USED = struct.Struct("<II")


def recorded(joins: int = 3, seed: int = 1) -> tuple[Disk, Town]:
    """What a coordinator asks of its disk while devices join, with notes of what was on the air when."""
    disk = Disk()
    town = Town(disk, seed, on_air=disk.used)
    for _ in range(joins):
        town.join()
    town.store.shut()
    return disk, town


def bounds(saved: Saved) -> tuple[int, int]:
    """The least values that a coordinator would use next."""
    assert saved.network is not None
    key = saved.network_keys[saved.network.key_sequence]
    return saved.bounds.get(records.network_counter(key), 0), saved.bounds.get(records.APS_COUNTER, 0)


def check(disk: Disk, used: tuple[int, int], town: Town) -> None:
    _, saved = load(FOLDER, disk)
    if used == (0, 0) and saved.network is None:
        return
    network, aps = bounds(saved)
    assert network >= used[0]
    assert aps >= used[1]
    assert saved.network is not None
    assert saved.network_keys[saved.network.key_sequence] == town.center.network.key
    assert saved.network.pan_id == town.center.network.pan_id
    assert saved.network.eui64 == town.center.host.eui64


def used_by(steps: list[Step]) -> tuple[int, int]:
    return next((step.used for step in reversed(steps) if step.name == "used"), (0, 0))


def test_every_prefix_of_what_was_written_opens_with_no_counter_below_what_was_on_the_air() -> None:
    disk, town = recorded()
    assert used_by(disk.steps) > (0, 0)
    fate = random.Random(8)
    for cut in range(len(disk.steps) + 1):
        steps = disk.steps[:cut]
        used = used_by(steps)
        check(after_power_cut(steps, None), used, town)
        check(after_power_cut(steps, None, keep=True), used, town)
        for _ in range(8):
            check(after_power_cut(steps, fate), used, town)


def test_a_device_told_that_it_is_verified_is_verified_after_any_power_cut_from_then_on() -> None:
    disk = Disk()
    town = Town(disk, on_air=disk.used)
    told: list[int] = []

    def watch(_network: int, _aps: int) -> None:
        disk.used(_network, _aps)
        devices = list(town.center.engine.devices)
        if devices and devices[0].standing is Standing.VERIFIED:
            told.append(len(disk.steps))

    disk = Disk()
    town = Town(disk, on_air=watch)
    joiner, _ = town.join()
    assert told
    for cut in range(told[0], len(disk.steps) + 1):
        _, saved = load(FOLDER, after_power_cut(disk.steps[:cut], None))
        assert saved.devices[joiner.host.eui64].standing is Standing.VERIFIED


@pytest.mark.parametrize("crash_seed", range(3))
def test_power_cuts_in_a_row_never_lose_ground(crash_seed: int) -> None:
    fate = random.Random(crash_seed)
    disk = Disk()
    highest = (0, 0)
    for life in range(6):
        town = Town(disk, life, on_air=disk.used)
        assert town.next_counters()[0] >= highest[0]
        assert town.next_counters()[1] >= highest[1]
        town.join()
        cut = fate.randrange(len(disk.steps) // 2, len(disk.steps) + 1)
        steps = disk.steps[:cut]
        highest = max(highest[0], used_by(steps)[0]), max(highest[1], used_by(steps)[1])
        before, disk = disk, after_power_cut(steps, fate)
        # What the next life finds on the disk, it finds durable.
        disk.steps = _as_found(disk)
        del before


def _as_found(disk: Disk) -> list[Step]:
    found = []
    for path, inode in disk._names.items():
        found += [
            Step("create", path),
            Step("write", path, octets=inode.durable),
            Step("sync", path),
        ]
    return [*found, Step("sync_folder", str(FOLDER))]


def test_damage_to_the_last_batch_which_looks_torn_does_not_set_a_counter_back() -> None:
    disk = Disk()
    town = Town(disk, on_air=disk.used)
    town.wait(20_000 * SECOND)  # until the last thing written is a reservation, and in use
    path = FOLDER / STATE
    octets = bytearray(disk.read(path) or b"")
    last = len(bytes(octets).rstrip(b"\0")) - 1
    octets[last] ^= 1
    disk._names[str(path)] = Inode(bytes(octets))
    for _ in range(2):  # nor when the start after it is cut short
        Store.open(FOLDER, disk)
        network, aps = bounds(load(FOLDER, disk)[1])
        assert network >= used_by(disk.steps)[0]
        assert aps >= used_by(disk.steps)[1]


def operations(joins: int) -> int:
    disk = Disk()
    town = Town(disk)
    for _ in range(joins):
        town.join()
    return disk.operations


def test_a_disk_that_fills_up_at_any_moment_ends_in_an_error_or_in_silence_never_in_a_reused_counter() -> (
    None
):
    total = operations(1)
    for fail_at in range(total):
        disk = Disk(fail_at)
        town = None
        with contextlib.suppress(StateError):
            town = Town(disk, on_air=disk.used)
        if town is None:
            assert used_by(disk.steps) == (0, 0)
            continue
        town.join()
        used = used_by(disk.steps)
        assert any("the state cannot be saved: /state: No space left" in text for text in town.findings())
        disk.mend()
        for state in (disk, after_power_cut(disk.steps, None)):
            network, aps = bounds(load(FOLDER, state)[1])
            assert network >= used[0]
            assert aps >= used[1]


def test_one_operation_that_fails_whichever_it_is_costs_nothing_but_time() -> None:
    for fail_at in range(operations(1)):
        disk = Disk(fail_at, failures=1)
        with contextlib.suppress(StateError):
            town = Town(disk, on_air=disk.used)
            town.join()
            town.wait(20 * SECOND)
            assert town.store.failure == ""
            check(disk, used_by(disk.steps), town)
            for cut in range(fail_at, len(disk.steps) + 1):
                steps = disk.steps[:cut]
                check(after_power_cut(steps, None), used_by(steps), town)


def test_with_a_full_disk_sending_goes_on_to_the_end_of_the_reservation_and_stops_with_the_reason() -> None:
    disk = Disk()
    town = Town(disk, on_air=disk.used)
    disk.fail_at = disk.operations
    reserved = bounds(load(FOLDER, disk)[1])[0]
    town.wait(86_400 * SECOND)
    assert used_by(disk.steps)[0] == reserved
    reason = (
        "not sent: no frame counter is reserved, the state cannot be saved: /state: No space left on device"
    )
    assert reason in town.reasons()
    # Somebody makes room.
    disk.mend()
    town.wait(60 * SECOND)
    assert used_by(disk.steps)[0] > reserved
    assert bounds(load(FOLDER, disk)[1])[0] >= used_by(disk.steps)[0]
    assert "the state can be saved again" in town.findings()


def test_a_read_only_folder_is_an_error_before_anything_is_on_the_air(tmp_path: Path) -> None:
    class ReadOnly(OsFiles):
        def create(self, path: Path) -> OsFile:
            raise OSError(30, "Read-only file system", str(path))

    with pytest.raises(StateError, match="cannot be written: Read-only file system"):
        Store.open(tmp_path / "state", ReadOnly())


def live_until_killed(folder: Path, pipe: int, seed: int) -> None:
    """The child: joins as fast as it can, and says each counter value before it is on the air."""

    def on_air(network: int, aps: int) -> None:
        os.write(pipe, USED.pack(network, aps))

    os.write(pipe, b"+")
    town = Town(None, seed, folder=folder, on_air=on_air, threaded=seed % 2 == 1)
    while True:
        town.join()


@pytest.mark.real_time
def test_two_hundred_times_kill_9_and_no_counter_ever_went_back(tmp_path: Path) -> None:
    fate = random.Random(200)
    folder = tmp_path / "state"
    highest = (0, 0)
    keys = set()
    longest = 0.0
    for kill in range(KILLS):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reader)
                live_until_killed(folder, writer, kill)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writer)
        assert os.read(reader, 1) == b"+"
        said = b""
        if kill == 0:
            began = time.monotonic()
            said = os.read(reader, USED.size)
            longest = max(0.07, 4 * (time.monotonic() - began))  # so that most lives come to say something
        time.sleep(fate.uniform(0.0, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"life {kill} ended by itself"
        said += b"".join(iter(lambda: os.read(reader, 65536), b""))  # noqa: B023
        os.close(reader)
        lives = [USED.unpack_from(said, at) for at in range(0, len(said) - USED.size + 1, USED.size)]
        for network, aps in lives:
            assert network >= highest[0]
            assert aps >= highest[1]
        if lives:
            # What this life said last was about to be used when it died.
            highest = lives[-1][0], lives[-1][1]
            saved = load(folder, OsFiles())[1]
            network, aps = bounds(saved)
            assert network >= highest[0]
            assert aps >= highest[1]
            keys.add(tuple(saved.network_keys.items()))
    assert len(keys) == 1
    assert highest[0] > KILLS
