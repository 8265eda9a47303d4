"""A network that is forgotten: what is left of it is how far its counters went, whatever the disk does."""

from __future__ import annotations

import random

import pytest

from coordinator.runtime import state_folder
from coordinator.runtime.errors import StateError
from coordinator.runtime.files import OsFiles
from coordinator.runtime.records import Saved
from tests.runtime.disk import Disk, after_power_cut
from tests.runtime.town import FOLDER, Town


def forgotten() -> tuple[Disk, Town, int]:
    """A disk on which a network was kept and then forgotten, and at which step that began."""
    disk = Disk()
    town = Town(disk)
    town.join()
    town.store.shut()
    began = len(disk.steps)
    assert state_folder.forget(FOLDER, disk)
    return disk, town, began


def test_the_same_key_that_comes_again_goes_on_above_what_was_used() -> None:
    disk, before, _ = forgotten()
    after = Town(disk)
    assert after.center.network.key == before.center.network.key
    assert after.next_counters()[0] >= before.next_counters()[0] > 0
    assert after.next_counters()[1] >= before.next_counters()[1] > 0
    assert list(after.center.engine.devices) == []


def test_nothing_of_the_network_is_left_on_the_disk() -> None:
    disk, town, _ = forgotten()
    octets = disk.read(FOLDER / state_folder.STATE)
    assert octets is not None
    secrets = {town.center.network.key.octets}
    secrets |= {entry.current.key.octets for entry in town.center.host.link_keys}
    secrets |= {entry.partner.to_octets() for entry in town.center.host.link_keys}
    assert len(secrets) == 3
    assert [secret.hex() for secret in secrets if secret in octets] == []


def test_a_power_cut_while_it_is_forgotten_leaves_the_network_or_its_counters() -> None:
    disk, town, began = forgotten()
    used = town.next_counters()
    fate = random.Random(3)
    seen = set()
    for cut in range(began, len(disk.steps) + 1):
        for keep in (False, True, None, None, None):
            steps = disk.steps[:cut]
            found = after_power_cut(steps, fate) if keep is None else after_power_cut(steps, None, keep=keep)
            again = Town(found)
            seen.add(again.store.saved.forgotten)
            assert again.next_counters()[0] >= used[0]
            assert again.next_counters()[1] >= used[1]
    assert seen == {0, 1}


def test_a_network_that_is_imported_later_goes_on_above_it_too() -> None:
    disk, town, _ = forgotten()
    _, exported = state_folder.load(FOLDER, _kept(town))
    exported.bounds.clear()  # a backup that says nothing of counters
    state_folder.put(FOLDER, exported, replace_existing=False, files=disk)
    again = Town(disk)
    assert again.center.network.key == town.center.network.key
    assert again.next_counters()[0] >= town.next_counters()[0]
    assert again.store.saved.forgotten == 1


def _kept(town: Town) -> Disk:
    """The same network on another disk."""
    disk = Disk()
    Town(disk).store.shut()
    _, saved = state_folder.load(FOLDER, disk)
    assert saved.network_keys[0] == town.center.network.key
    return disk


def test_networks_are_counted_and_forgetting_nothing_counts_nothing() -> None:
    disk = Disk()
    for number in range(1, 4):
        assert not state_folder.forget(FOLDER, disk)
        Town(disk).store.shut()
        assert state_folder.forget(FOLDER, disk)
        saved: Saved = state_folder.load(FOLDER, disk)[1]
        assert (saved.forgotten, saved.network, saved.devices) == (number, None, {})


def test_a_state_that_cannot_be_read_can_be_forgotten(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / state_folder.STATE).write_bytes(b"no state of ours")
    with pytest.raises(StateError):
        state_folder.load(folder, OsFiles())
    assert state_folder.forget(folder)
    assert state_folder.load(folder, OsFiles())[1].network is None
