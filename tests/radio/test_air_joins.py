"""A join over a shared air ends as the same join in one process does."""

from __future__ import annotations

import asyncio

import pytest

from coordinator.composition import JoinerNode, Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.evidence.witness import Witness
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.radio.air.guest import Loss
from coordinator.radio.air.hub import Hub
from coordinator.radio.air.opening import Air, open_air
from coordinator.radio.base import Radio
from coordinator.runtime.driver import Driver
from coordinator.scenario import Scenario, simulate
from coordinator.types import SECOND
from tests.radio.loopback import hub, run

pytestmark = pytest.mark.real_time

PAIRS = [
    ("pre-zb3", "zboss-r22"),
    ("zb3", "zboss-r22"),
    ("zb3", "sleepy-zb3"),
    ("zb3", "ha12"),
    ("negative-confirm", "telink"),
    ("silent-request-key", "emberznet"),
]
LONG = 60


async def joined(profile: str, joiner: str, host: Hub, center_air: Air, joiner_air: Air) -> str:
    """What the Trust Center's evidence says of a join."""
    witness = Witness()
    entropy = SeededEntropy(7)
    center = TrustCenterNode(profiles.load(profile), Setting(), entropy.stream("center"), witness.note)
    device = JoinerNode(joiners.load(joiner), entropy.stream("joiner"))
    center_radio: Radio = center_air.radio("center")
    async with (
        Driver(center.host, center_radio, center_air.clock) as driver,
        Driver(device.host, joiner_air.radio("joiner"), joiner_air.clock) as other,
    ):
        center.start(center_air.clock.now())
        driver.settle()
        device.host.start(joiner_air.clock.now())
        other.settle()
        await asyncio.sleep(LONG)
        assert not driver.failed.is_set()
        assert not other.failed.is_set()
        assert not center_air.loss.happened.is_set()
        assert not joiner_air.loss.happened.is_set()
    assert host.ignored == 0
    return witness.close(center_air.clock.now()).outcome.value


def in_one_process(profile: str, joiner: str) -> str:
    scenario = Scenario(profile=profiles.load(profile), joiners=(joiners.load(joiner),), until=LONG * SECOND)
    return simulate(scenario).verdict.outcome.value


@pytest.mark.parametrize(("profile", "joiner"), PAIRS)
def test_two_guests_end_as_in_one_process(profile: str, joiner: str) -> None:
    async def over_the_air() -> str:
        host = hub()
        try:
            async with (
                open_air(host.url, SeededEntropy(2)) as center_air,
                open_air(host.url, SeededEntropy(3)) as joiner_air,
            ):
                assert center_air.hub is joiner_air.hub is None
                return await joined(profile, joiner, host, center_air, joiner_air)
        finally:
            host.close()

    assert run(over_the_air()) == in_one_process(profile, joiner)


@pytest.mark.parametrize(("profile", "joiner"), PAIRS[:2])
def test_a_coordinator_that_hosts_the_air_ends_as_in_one_process(profile: str, joiner: str) -> None:
    async def over_the_air() -> str:
        host = hub()
        try:
            hosting = Air(url=host.url, clock=host.air, radio=host.radio, loss=Loss(), hub=host)
            async with open_air(host.url, SeededEntropy(3)) as joiner_air:
                return await joined(profile, joiner, host, hosting, joiner_air)
        finally:
            host.close()

    assert run(over_the_air()) == in_one_process(profile, joiner)
