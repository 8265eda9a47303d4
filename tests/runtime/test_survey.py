"""Nobody forms on somebody else's PAN: what a survey hears, and what is chosen beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import pytest

from coordinator.composition import Setting, TrustCenterNode, network
from coordinator.entropy import SeededEntropy
from coordinator.profiles import load as profiles
from coordinator.radio.simulated import SimulatedAir
from coordinator.runtime import survey
from coordinator.runtime.driver import Driver
from coordinator.runtime.survey import Heard, NetworkInUse
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.types import (
    COORDINATOR,
    Channel,
    Eui64,
    ExtendedPanId,
    NwkAddress,
    PanId,
)

CHANNEL = Channel(15)
OTHERS = ExtendedPanId(Eui64(0x0011223344556677))
Result = TypeVar("Result")


def in_virtual_time(coroutine: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


def heard(pan_id: int = 0x1A62, address: int = COORDINATOR, extended: ExtendedPanId | None = OTHERS) -> Heard:
    return Heard(pan_id=PanId(pan_id), address=NwkAddress(address), extended_pan_id=extended, rssi=-61)


async def surveyed(*others: Setting) -> tuple[Heard, ...]:
    """What a radio hears among these coordinators, and that it hears beacons of nobody afterwards."""
    entropy = SeededEntropy(1)
    air = SimulatedAir(entropy.stream("world"))
    drivers = []
    for number, setting in enumerate(others):
        node = TrustCenterNode(profiles.load("zb3"), setting, entropy.stream(str(number)), lambda _: None)
        driver = Driver(node.host, air.radio(f"other-{number}"), air)
        await driver.__aenter__()
        node.start(air.now())
        driver.settle()
        drivers.append(driver)
    found = await survey.survey(air.radio("ours"), CHANNEL, Eui64(1))
    for driver in drivers:
        await driver.__aexit__(None, None, None)
    air.stop()
    return found


def test_every_coordinator_on_the_channel_is_heard_with_both_its_identifiers() -> None:
    one = Setting(channel=CHANNEL, pan_id=PanId(0x1111), extended_pan_id=ExtendedPanId(Eui64(0x11)))
    two = Setting(channel=CHANNEL, pan_id=PanId(0x2222), extended_pan_id=ExtendedPanId(Eui64(0x22)))
    elsewhere = Setting(channel=Channel(20), pan_id=PanId(0x3333))
    found = in_virtual_time(surveyed(one, two, elsewhere))
    assert {(each.pan_id, each.extended_pan_id, each.address) for each in found} == {
        (0x1111, 0x11, COORDINATOR),
        (0x2222, 0x22, COORDINATOR),
    }


def test_an_empty_channel_has_nobody() -> None:
    assert in_virtual_time(surveyed()) == ()


def test_a_random_pan_is_drawn_again_until_it_is_free() -> None:
    entropy = SeededEntropy(1)
    first = network(Setting(channel=CHANNEL), SeededEntropy(1))
    chosen = survey.choose(Setting(channel=CHANNEL), [heard(first.pan_id)], entropy)
    assert chosen.pan_id != first.pan_id


def test_a_pan_that_was_asked_for_and_is_somebody_elses_is_refused_with_whose_it_is() -> None:
    with pytest.raises(NetworkInUse, match=r"PAN 0x1a62 is in use on channel 15 .*00:11:22:33.*-61 dBm"):
        survey.choose(Setting(channel=CHANNEL, pan_id=PanId(0x1A62)), [heard()], SeededEntropy(1))


def test_an_extended_pan_that_was_asked_for_and_is_somebody_elses_is_refused() -> None:
    wanted = Setting(channel=CHANNEL, extended_pan_id=OTHERS)
    with pytest.raises(NetworkInUse, match="extended PAN 00:11:22:33:44:55:66:77 is in use on channel 15"):
        survey.choose(wanted, [heard(0x4444)], SeededEntropy(1))


def test_a_kept_network_goes_on_among_its_own_routers() -> None:
    kept = network(Setting(channel=CHANNEL, pan_id=PanId(0x1A62), extended_pan_id=OTHERS), SeededEntropy(1))
    assert survey.resume(kept, [heard(address=0x5B31)]) is kept


def test_a_kept_network_that_another_coordinator_runs_is_not_run_twice() -> None:
    kept = network(Setting(channel=CHANNEL, pan_id=PanId(0x1A62), extended_pan_id=OTHERS), SeededEntropy(1))
    with pytest.raises(NetworkInUse, match="another coordinator runs this network"):
        survey.resume(kept, [heard()])
