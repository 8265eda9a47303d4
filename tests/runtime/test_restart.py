"""After a restart with the same folder the coordinator is the same one, to the joiners as to the disk."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from coordinator import trace
from coordinator.composition import JoinerNode, Setting
from coordinator.primitives import nlme
from coordinator.profiles import joiners
from coordinator.runtime.errors import StateError, StateHeld
from coordinator.runtime.reservation import BLOCK
from coordinator.runtime.store import Store
from coordinator.security.material import LinkKeyEntry
from coordinator.sim.driver import Driver
from coordinator.sim.radio import SimulatedRadio
from coordinator.stack.node import ReceivedFrame
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND, Channel, Key, LinkKeyKind, PanId
from tests.runtime.disk import Disk, Step, after_power_cut
from tests.runtime.town import Town


def entry(town: Town, joiner: JoinerNode) -> LinkKeyEntry:
    found = town.center.host.link_keys.find(joiner.host.eui64)
    assert found is not None
    return found


def restarted(disk: Disk, joiner: JoinerNode, old: Town, *, crash: bool = True) -> tuple[Town, Driver]:
    """A new coordinator on the same disk, and the joiner, who noticed nothing, on its new air."""
    if not crash:
        old.store.shut()
    town = Town(disk, seed=99)
    town.wait(int(old.world.now - town.world.now))
    driver = Driver(town.world, SimulatedRadio(town.world, town.medium, "joiner"), joiner.host)
    # Its radio was configured in the other world.
    joiner.host.mac.retune()
    driver.settle()
    return town, driver


def test_the_network_is_the_same_after_a_restart() -> None:
    disk = Disk()
    first = Town(disk)
    second = Town(disk, seed=2)
    assert second.center.network == first.center.network
    assert second.center.host.eui64 == first.center.host.eui64


def test_no_counter_goes_back_after_a_crash_and_one_block_is_the_most_that_is_wasted() -> None:
    disk = Disk()
    first = Town(disk)
    first.join()
    used = first.next_counters()
    assert min(used) > 0
    after = Town(disk, seed=2).next_counters()
    assert used[0] <= after[0] <= used[0] + BLOCK + BLOCK // 2
    assert used[1] <= after[1] <= used[1] + BLOCK + BLOCK // 2


@pytest.mark.parametrize("crash", [True, False])
def test_a_verified_device_keeps_its_key_its_standing_and_its_place(crash: bool) -> None:
    disk = Disk()
    first = Town(disk)
    joiner, _ = first.join()
    assert first.standing(joiner) is Standing.VERIFIED
    key = entry(first, joiner).current
    second, _ = restarted(disk, joiner, first, crash=crash)
    assert second.standing(joiner) is Standing.VERIFIED
    assert entry(second, joiner).current.key == key.key
    assert entry(second, joiner).current.kind is LinkKeyKind.UNIQUE
    address = joiner.host.address
    assert second.center.host.nwk.addresses.address_of(joiner.host.eui64) == address
    assert second.center.host.nwk.neighbors.find(address) is not None


def test_a_verified_device_can_be_told_to_leave_after_a_restart() -> None:
    disk = Disk()
    first = Town(disk)
    joiner, _ = first.join()
    second, _ = restarted(disk, joiner, first)
    leave = nlme.LeaveRequest(device=joiner.host.eui64, address=joiner.host.address)
    second.center.host.request(leave, second.world.now)
    second.driver.settle()
    second.wait(2 * SECOND)
    assert not joiner.host.nib.joined


def test_what_a_device_sends_after_the_restart_is_accepted_and_what_it_sent_before_is_a_replay() -> None:
    disk = Disk()
    first = Town(disk)
    heard: list[trace.Heard] = []
    joiner, _ = first.join()
    first.wait(20 * SECOND)  # past the period in which counters are gathered
    heard = [record for record in first.records if isinstance(record, trace.Heard)]
    second, _ = restarted(disk, joiner, first)
    second.records.clear()
    host = second.center.host
    for record in heard:
        frame = _again(record)
        host.receive(frame, second.world.now)
    second.driver.settle()
    assert "frame counter replayed" in second.reasons()
    assert not any(
        isinstance(record, trace.Indicated) and "Key" in type(record.indication).__name__
        for record in second.records
    )
    second.records.clear()
    second.wait(40 * SECOND)
    assert any(isinstance(record, trace.Heard) for record in second.records)
    assert "frame counter replayed" not in second.reasons()
    neighbor = host.nwk.neighbors.find_device(joiner.host.eui64)
    assert neighbor is not None
    assert neighbor.age <= 1


def _again(record: trace.Heard) -> ReceivedFrame:
    return ReceivedFrame(psdu=record.psdu, channel=record.channel, rssi=record.rssi, lqi=record.lqi)


def test_the_supervision_of_a_device_that_was_joining_begins_anew() -> None:
    disk = Disk()
    first = Town(disk)
    joiner, _ = first.join(joiners.load("telink"), span=3 * SECOND)
    before = first.standing(joiner)
    assert before in (Standing.KEYED, Standing.AUTHENTICATED, Standing.OFFERED)
    second = Town(disk, seed=2)
    device = second.center.engine.devices.find(joiner.host.eui64)
    assert device is not None
    assert device.supervised
    assert device.keyed_at == second.world.now


def test_a_device_that_may_have_the_network_key_is_known_even_if_the_crash_came_at_once() -> None:
    """The note that an applicant may be keyed is on disk before the network key leaves."""
    disk = Disk()
    keyed: list[int] = []

    def on_air(_network: int, aps: int) -> None:
        if aps and not keyed:
            keyed.append(len(disk.steps))

    first = Town(disk, on_air=on_air)
    joiner, _ = first.join()
    assert keyed
    second = Town(after_power_cut(disk.steps[: keyed[0]], None), seed=2)
    assert second.standing(joiner) is Standing.KEYED
    assert second.center.host.nwk.neighbors.find_device(joiner.host.eui64) is not None


def test_the_network_key_is_held_until_that_note_is_on_disk() -> None:
    disk = SlowDisk()
    held: list[Standing] = []

    def nap() -> None:
        held.extend(device.standing for device in town.center.engine.devices)
        disk.go.set()
        time.sleep(0.001)

    town = Town(disk, threaded=True, nap=nap)
    disk.go.clear()
    town.join()
    town.store.shut()
    assert held[0] is Standing.KEYED


class SlowDisk(Disk):
    """A disk whose syncs wait for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    def note(self, step: Step) -> None:
        if step.name == "sync":
            assert self.go.wait(60)
        super().note(step)


def test_another_channel_than_the_saved_one_is_refused_if_it_was_asked_for() -> None:
    disk = Disk()
    saved = Town(disk).center.network.channel
    store = Store.open(Path("/state"), disk)
    assert store.setting(Setting(channel=Channel(26))).channel == saved
    with pytest.raises(StateError, match="another channel"):
        store.setting(Setting(channel=Channel(26), channel_asked=True))


def test_another_network_than_the_saved_one_is_refused() -> None:
    disk = Disk()
    Town(disk)
    store = Store.open(Path("/state"), disk)
    with pytest.raises(StateError, match="another PAN identifier"):
        store.setting(Setting(pan_id=PanId(0x3FFE)))
    with pytest.raises(StateError, match="another network key"):
        store.setting(Setting(network_key=Key(bytes(16))))


def test_two_cannot_share_a_folder_and_the_second_is_told_by_whom(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "state")
    with pytest.raises(StateHeld, match=f"in use by process {os.getpid()}") as held:
        Store.open(tmp_path / "state")
    assert held.value.holder == os.getpid()
    store.shut()
    Store.open(tmp_path / "state").shut()


def test_nobody_else_may_read_the_keys(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    Store.open(folder).shut()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())
