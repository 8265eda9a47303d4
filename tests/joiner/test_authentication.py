"""The network key and what comes right after it: protocol.md 1.5 and 1.8, behaviours.md 21, 23, 25, 53."""

from __future__ import annotations

import dataclasses

import pytest

from coordinator.codec import zdp
from coordinator.joiner.device import State
from coordinator.primitives import apsde, apsme, nlme
from coordinator.profiles import joiners
from coordinator.types import BROADCAST_RX_ON, SECOND, Instant, Key
from tests.joiner.bench import ADDRESS, FRESH_KEY, JOINER, NETWORK_KEY, TRUST_CENTER, Bench, joiner

ROUTERS = [name for name in joiners.catalogue() if name != "sleepy-zb3"]


@pytest.mark.parametrize("name", joiners.catalogue())
def test_with_the_network_key_it_announces_itself_at_once_to_all_with_their_receiver_on(name: str) -> None:
    bench = joiner(name)
    bench.enter_network()
    capability = 0x80 if name == "sleepy-zb3" else 0x8E
    announcement = zdp.DeviceAnnounce(address=ADDRESS, ieee=JOINER, capability=capability)
    assert bench.commands(zdp.DeviceAnnounce) == [(0.0, announcement, BROADCAST_RX_ON)]
    active = bench.network_keys.active
    assert active is not None
    assert (active.key, active.sequence) == (NETWORK_KEY, 0)


@pytest.mark.parametrize("name", joiners.catalogue())
def test_a_router_starts_routing_once_authenticated_and_an_end_device_does_not(name: str) -> None:
    bench = joiner(name)
    bench.enter_network()
    assert bool(bench.made(nlme.StartRouterRequest)) is (name in ROUTERS)


@pytest.mark.parametrize("name", [name for name in joiners.catalogue() if name != "ha12-clear"])
def test_every_other_shipped_model_drops_a_network_key_in_the_clear_and_associates_again(name: str) -> None:
    # behaviours.md 21 and profiles.md, clear-key: R21+ drop it, so do devices that know ZigBeeAlliance09
    bench = joiner(name)
    bench.associate()
    for _ in range(bench.model.association.attempts):
        bench.send_network_key(apsde.UNSECURED)
        assert bench.engine.state is State.UNAUTHENTICATED
        bench.run(bench.model.authentication.network_key_timeout + bench.model.association.pause + 500_000)
    bench.run(60 * SECOND)
    assert len(bench.made(nlme.JoinRequest)) == bench.model.association.attempts
    assert bench.network_keys.active is None
    assert not bench.commands(zdp.DeviceAnnounce)
    assert bench.engine.state is State.GAVE_UP
    assert "authentication.accepts_clear_network_key" in bench.engine.consulted


def test_a_model_that_accepts_a_key_in_the_clear_joins_with_it() -> None:
    bench = joiner("ha12-clear")
    bench.associate()
    bench.send_network_key(apsde.UNSECURED)
    assert bench.engine.state is State.JOINED


def test_a_key_in_the_clear_never_replaces_the_one_it_joined_with() -> None:
    model = joiner("ha12").model
    authentication = dataclasses.replace(model.authentication, accepts_clear_network_key=True)
    bench = Bench(dataclasses.replace(model, authentication=authentication))
    bench.enter_network()
    bench.send_network_key(apsde.UNSECURED, FRESH_KEY)
    active = bench.network_keys.active
    assert active is not None
    assert active.key == NETWORK_KEY


@pytest.mark.parametrize(
    ("name", "timeout"),
    [("zstack-3.0.2", 3.0), ("zboss-r22", 1.7)],  # protocol.md 2, apsSecurityTimeOutPeriod
)
def test_it_waits_aps_security_time_out_period_for_the_network_key_then_resets(
    name: str, timeout: float
) -> None:
    bench = joiner(name)
    bench.associate()
    start = bench.now
    bench.run(round(timeout * SECOND))
    assert [at - start for at, _ in bench.made(nlme.ResetRequest)] == [round(timeout * SECOND)]
    assert bench.engine.state is State.RESTING


@pytest.mark.parametrize(("name", "attempts"), [("telink", 10), ("nxp", 10), ("zboss-r22", 3)])
def test_without_a_network_key_it_associates_three_to_ten_times(name: str, attempts: int) -> None:
    # behaviours.md 23; protocol.md 2, bdbcMaxSameNetworkRetryAttempts
    bench = joiner(name)
    bench.power_on()
    bench.run(120 * SECOND)
    assert len(bench.made(nlme.JoinRequest)) == attempts
    assert bench.engine.state is State.GAVE_UP
    assert bench.timers.next_deadline() is None


def test_a_network_key_that_comes_after_the_time_out_is_not_taken() -> None:
    bench = joiner("zboss-r22")
    bench.associate()
    bench.run(bench.model.authentication.network_key_timeout)
    bench.send_network_key()
    assert bench.network_keys.active is None
    assert bench.engine.state is State.RESTING


def test_a_repeated_network_key_resets_no_counter_and_is_not_announced_again() -> None:
    bench = joiner("ha12")  # behaviours.md 25
    bench.enter_network()
    bench.network_keys.next_counter()
    bench.send_network_key()
    assert bench.network_keys.next_counter() == 1
    assert len(bench.commands(zdp.DeviceAnnounce)) == 1


def test_a_successor_of_the_network_key_is_used_only_after_switch_key() -> None:
    bench = joiner("ha12")  # behaviours.md 53: broadcast under NWK security, then Switch-Key
    bench.enter_network()
    new = Key(bytes(range(0x50, 0x60)))
    bench.indicate(
        apsme.TransportKeyIndication(
            source=TRUST_CENTER,
            device=JOINER,
            key_type=0x01,
            key=new,
            key_sequence=1,
            security=apsde.NWK_ONLY,
        )
    )
    before = bench.network_keys.active
    bench.indicate(apsme.SwitchKeyIndication(source=TRUST_CENTER, sequence=1, security=apsde.NWK_ONLY))
    after = bench.network_keys.active
    assert before is not None
    assert after is not None
    assert (before.key, after.key) == (NETWORK_KEY, new)


def test_keys_that_come_before_it_associated_are_ignored() -> None:
    bench = joiner("telink")
    bench.power_on()
    bench.send_network_key()
    bench.send_link_key(FRESH_KEY)
    bench.send_confirmation()
    assert bench.engine.state is State.SCANNING
    assert bench.network_keys.active is None


def test_a_sleepy_device_polls_often_while_it_joins_and_seldom_later() -> None:
    bench = joiner("sleepy-zb3")
    bench.associate()
    start = bench.now
    bench.run(SECOND)
    assert [at - start for at, _ in bench.made(nlme.SyncRequest)] == [250_000, 500_000, 750_000, 1_000_000]
    bench.send_network_key()
    bench.run(SECOND)
    bench.send_descriptor()
    bench.send_link_key()
    bench.send_confirmation()
    assert bench.engine.state is State.JOINED
    bench.run(SECOND)
    polled = len(bench.made(nlme.SyncRequest))
    bench.run(60 * SECOND)
    assert len(bench.made(nlme.SyncRequest)) == polled + 12


def test_a_sleepy_device_that_left_polls_no_more() -> None:
    bench = joiner("sleepy-zb3")
    bench.enter_network()
    bench.run(100 * SECOND)
    assert bench.engine.state is State.LEFT
    assert bench.timers.next_deadline() is None


def test_a_device_whose_receiver_is_on_does_not_poll() -> None:
    bench = joiner("zboss-r22")
    bench.enter_network()
    bench.run(100 * SECOND)
    assert not bench.made(nlme.SyncRequest)
    assert bench.now > Instant(0)
