"""What was done to a running network is on disk before a frame tells of it, and survives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zigpy.backups

from coordinator import trace
from coordinator.cli import invoke
from coordinator.composition import JoinerNode
from coordinator.primitives import zdo
from coordinator.runtime import records
from coordinator.runtime.state_folder import load
from coordinator.sim.driver import Driver
from coordinator.sim.radio import SimulatedRadio
from coordinator.trust_center.device import Standing
from coordinator.trust_center.injection import IeeeAddressRequest
from coordinator.types import SECOND, Key
from tests.runtime.disk import Disk, after_power_cut
from tests.runtime.town import FOLDER, Town

NEXT = Key.parse("c0c1c2c3c4c5c6c7c8c9cacbcccdcecf")
AFTER_NEXT = Key.parse("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")


def rotate(town: Town, key: Key = NEXT) -> int:
    sequence = town.center.administration.rotate_key(key, town.world.now)
    town.driver.settle()
    return sequence


def restarted(disk: Disk, joiner: JoinerNode, old: Town) -> Town:
    """A new coordinator on what a crash left of the disk, and the joiner, who noticed nothing."""
    town = Town(after_power_cut(disk.steps, None), seed=99)
    town.wait(int(old.world.now - town.world.now))
    driver = Driver(town.world, SimulatedRadio(town.world, town.medium, "joiner"), joiner.host)
    joiner.host.mac.retune()
    driver.settle()
    return town


def answers(town: Town, joiner: JoinerNode) -> bool:
    """Whether the device is heard to answer an IEEE_addr_req."""
    town.records.clear()
    town.center.administration.inject(IeeeAddressRequest(device=joiner.host.eui64), town.world.now)
    town.driver.settle()
    town.wait(3 * SECOND)
    return any(
        isinstance(record, trace.Indicated)
        and isinstance(record.indication, zdo.CommandIndication)
        and record.indication.device == joiner.host.eui64
        for record in town.records
    )


def test_a_network_key_is_on_disk_before_any_frame_carries_it_or_is_protected_by_it() -> None:
    disk = Disk()
    moments: list[tuple[int, set[int], int, int]] = []
    towns: list[Town] = []

    def watch(network: int, _aps: int) -> None:
        if not towns:
            return
        keys = towns[0].center.host.network_keys
        assert keys.active is not None
        held = {key.sequence for key in keys.held()}
        moments.append((len(disk.steps), held, keys.active.sequence, network))

    town = Town(disk, on_air=watch)
    towns.append(town)
    town.join()
    for key in (NEXT, AFTER_NEXT):
        rotate(town, key)
        town.wait(30 * SECOND)
    assert [held for _, held, _, _ in moments if 2 in held]
    assert {active for _, _, active, _ in moments} == {0, 1, 2}
    for steps, held, active, counter in moments:
        _, saved = load(FOLDER, after_power_cut(disk.steps[:steps], None))
        assert saved.network is not None
        assert saved.network.key_sequence == active
        assert held <= set(saved.network_keys)
        assert saved.bounds[records.network_counter(saved.network_keys[active])] >= counter


def test_after_a_crash_the_network_key_is_the_one_that_was_rotated_to() -> None:
    disk = Disk()
    first = Town(disk)
    joiner, _ = first.join()
    rotate(first)
    first.wait(15 * SECOND)
    used = first.next_counters()
    second = restarted(disk, joiner, first)
    assert second.center.network.key == NEXT
    assert second.center.network.key_sequence == 1
    assert second.next_counters()[0] >= used[0]
    assert answers(second, joiner)
    assert rotate(second, AFTER_NEXT) == 2
    second.wait(15 * SECOND)
    assert answers(second, joiner)


@pytest.mark.parametrize("seconds", [0.1, 5])
def test_a_rotation_that_a_crash_cut_short_is_forgotten_and_can_be_made_again(seconds: float) -> None:
    disk = Disk()
    first = Town(disk)
    joiner, _ = first.join()
    rotate(first)
    first.wait(round(seconds * SECOND))
    second = restarted(disk, joiner, first)
    second.wait(15 * SECOND)
    assert second.center.network.key_sequence == 0
    assert answers(second, joiner)
    assert rotate(second, AFTER_NEXT) == 1
    second.wait(15 * SECOND)
    assert second.center.network.key == AFTER_NEXT
    assert answers(second, joiner)


def test_a_crash_does_not_bring_a_forgotten_device_back() -> None:
    disk = Disk()
    first = Town(disk)
    joiner, driver = first.join()
    other, _ = first.join()
    driver.power_off()
    first.center.administration.forget(joiner.host.eui64, first.world.now)
    first.driver.settle()
    first.wait(3 * SECOND)
    second = restarted(disk, other, first)
    assert second.center.engine.devices.find(joiner.host.eui64) is None
    assert second.center.host.nwk.addresses.address_of(joiner.host.eui64) is None
    assert second.center.host.link_keys.find(joiner.host.eui64) is None
    assert second.standing(other) is Standing.VERIFIED


def test_show_and_export_tell_of_the_key_that_was_rotated_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = tmp_path / "state", tmp_path / "backup.json"
    town = Town(None, folder=folder)
    town.join()
    rotate(town)
    town.wait(15 * SECOND)
    used = town.next_counters()
    town.store.shut()
    assert invoke(["network", "export", "--state", str(folder), "--output", str(file)]) == 0
    key = zigpy.backups.NetworkBackup.from_dict(json.loads(file.read_text())).network_info.network_key
    assert (key.key.serialize(), int(key.seq)) == (NEXT.octets, 1)
    assert key.tx_counter >= used[0]
    capsys.readouterr()
    assert invoke(["network", "show", "--state", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["key_sequence"] == 1
