"""Store, gate and asyncio driver together, as the daemon wires them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coordinator import trace
from coordinator.composition import Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.profiles import joiners, load
from coordinator.radio.simulated import SimulatedAir
from coordinator.runtime.driver import Driver
from coordinator.runtime.files import Files
from coordinator.runtime.store import Store
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.scenario import power_later
from coordinator.trust_center.device import Standing
from tests.pace import PATIENCE, unhurried
from tests.runtime.disk import Disk
from tests.runtime.town import FOLDER


async def join(folder: Path, files: Files | None, *, threaded: bool) -> tuple[set[Standing], list[str]]:
    """One coordinator and one joiner until it is verified; who is known, and what was found odd."""
    entropy = SeededEntropy(1)
    air = SimulatedAir(entropy.stream("world"))
    records: list[trace.Record] = []
    store = Store.open(folder, files)
    setting = store.setting(Setting())
    center = TrustCenterNode(load.load("zb3"), setting, entropy.stream("trust-center"), records.append)
    store.attach(center, air.now())
    if threaded:
        store.start()
    async with Driver(center.host, air.radio("trust-center"), air, store) as driver:
        center.start(air.now())
        driver.settle()
        power_later(air.world, air.medium, joiners.load("zboss-r22"), entropy, 0, setting)
        air.poke()
        await _until(lambda: any(device.standing is Standing.VERIFIED for device in center.engine.devices))
        air.stop()
    await store.close()
    found = [record.summary for record in records if isinstance(record, trace.Finding)]
    return {device.standing for device in center.engine.devices}, found


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


def reopened(folder: Path, files: Files | None) -> list[Standing]:
    store = Store.open(folder, files)
    try:
        return [device.standing for device in store.saved.devices.values()]
    finally:
        store.shut()


def test_a_joiner_is_verified_and_kept_when_the_driver_asks_the_store_first() -> None:
    disk = Disk()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        standings, findings = runner.run(join(FOLDER, disk, threaded=False))
    assert standings == {Standing.VERIFIED}
    assert findings == []
    assert reopened(FOLDER, disk) == [Standing.VERIFIED]


@pytest.mark.real_time
def test_the_same_with_a_real_disk_and_its_thread(tmp_path: Path) -> None:
    unhurried(lambda: _on_a_real_disk(Path(tempfile.mkdtemp(dir=tmp_path)) / "state"))


def _on_a_real_disk(folder: Path) -> None:
    standings, findings = asyncio.run(join(folder, None, threaded=True))
    assert standings == {Standing.VERIFIED}
    assert findings == []
    assert reopened(folder, None) == [Standing.VERIFIED]
