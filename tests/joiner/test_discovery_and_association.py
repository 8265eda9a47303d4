"""Scan, choice of a network, association: protocol.md 1.1, behaviours.md 23 and 42 to 47."""

from __future__ import annotations

import dataclasses

import pytest

from coordinator.joiner.device import State
from coordinator.primitives import nlme
from coordinator.types import CHANNELS, SECOND
from tests.joiner.bench import Bench, joiner, network

DENIED = nlme.JoinStatus.PAN_ACCESS_DENIED
FULL = nlme.JoinStatus.PAN_AT_CAPACITY
NO_ACK = nlme.JoinStatus.NO_ACK
NO_DATA = nlme.JoinStatus.NO_DATA


def joined_pans(bench: Bench) -> list[int]:
    return [request.network.pan_id for _, request in bench.made(nlme.JoinRequest)]


@pytest.mark.parametrize(
    ("name", "dwell"),
    [("telink", 138_240), ("nxp", 261_120)],  # protocol.md 2, bdbScanDuration: 138 and 261 ms a channel
)
def test_it_listens_to_all_sixteen_channels_as_long_as_bdb_scan_duration_says(name: str, dwell: int) -> None:
    bench = joiner(name)
    bench.power_on()
    assert bench.requests == [(0, nlme.NetworkDiscoveryRequest(channels=CHANNELS, dwell=dwell))]
    assert bench.engine.state is State.SCANNING


def test_it_scans_the_channels_of_its_mask_only() -> None:
    model = joiner("telink").model
    bench = Bench(
        dataclasses.replace(model, scan=dataclasses.replace(model.scan, channel_mask=1 << 15 | 1 << 26))
    )
    bench.power_on()
    [(_, request)] = bench.made(nlme.NetworkDiscoveryRequest)
    assert request.channels == (15, 26)


def test_it_associates_with_the_strongest_open_network() -> None:
    bench = joiner("zboss-r22")
    bench.networks = (
        network(pan_id=1, lqi=120),
        network(pan_id=2, lqi=255, permit=False),
        network(pan_id=3, lqi=180),
    )
    bench.associate()
    [(_, request)] = bench.made(nlme.JoinRequest)
    assert (request.network.pan_id, request.capability) == (3, 0x8E)  # protocol.md 1.1: a router
    assert bench.engine.state is State.UNAUTHENTICATED


def test_a_router_passes_by_a_parent_without_router_capacity_and_an_end_device_by_one_without_its_own() -> (
    None
):
    networks = (
        network(pan_id=1, lqi=255, router_capacity=False),
        network(pan_id=2, lqi=100, end_device_capacity=False),
    )
    router, end_device = joiner("zboss-r22"), joiner("sleepy-zb3")
    router.networks = end_device.networks = networks
    router.associate()
    end_device.associate()
    assert (joined_pans(router), joined_pans(end_device)) == ([2], [1])
    [(_, request)] = end_device.made(nlme.JoinRequest)
    assert request.capability == 0x80  # protocol.md 1.1: a sleepy end device


@pytest.mark.parametrize(("name", "pans"), [("zboss-r22", []), ("ha12", [1])])
def test_only_a_model_that_takes_stack_profile_1_joins_such_a_network(name: str, pans: list[int]) -> None:
    bench = joiner(name)
    bench.networks = (network(pan_id=1, profile=1),)
    bench.associate()
    assert joined_pans(bench) == pans
    assert ("scan.stack_profiles" in bench.engine.consulted) is (not pans)


def test_without_a_network_it_scans_as_often_as_the_model_does_and_gives_up() -> None:
    bench = joiner("zboss-r22")
    bench.networks = (network(permit=False),)
    bench.power_on()
    bench.run(60 * SECOND)
    assert len(bench.made(nlme.NetworkDiscoveryRequest)) == bench.model.scan.attempts
    assert bench.engine.state is State.GAVE_UP
    assert bench.engine.finished
    assert bench.timers.next_deadline() is None


@pytest.mark.parametrize("status", [DENIED, FULL])
def test_a_refused_association_makes_it_move_on_to_the_next_network(status: nlme.JoinStatus) -> None:
    bench = joiner("zboss-r22", associations=[status])
    bench.networks = (network(pan_id=1, lqi=200), network(pan_id=2, lqi=100))
    bench.associate()
    bench.run(SECOND // 2)
    assert joined_pans(bench) == [1, 2]
    assert bench.engine.state is State.UNAUTHENTICATED


def test_a_coordinator_that_always_denies_is_asked_once_a_scan() -> None:
    bench = joiner("zboss-r22", associations=[DENIED] * 10)
    bench.power_on()
    bench.run(60 * SECOND)
    assert len(bench.made(nlme.JoinRequest)) == bench.model.scan.attempts
    assert bench.engine.state is State.GAVE_UP


@pytest.mark.parametrize("status", [NO_ACK, NO_DATA])
def test_an_unanswered_association_is_tried_again_with_the_same_network(status: nlme.JoinStatus) -> None:
    bench = joiner("telink", associations=[status, status])
    bench.networks = (network(pan_id=1, lqi=200), network(pan_id=2, lqi=100))
    bench.associate()
    bench.run(2 * SECOND)
    assert joined_pans(bench) == [1, 1, 1]


def test_a_network_that_never_answers_gets_ten_associations_from_nxp_and_is_not_tried_again() -> None:
    bench = joiner("nxp", associations=[NO_ACK] * 30)  # protocol.md 2, bdbcMaxSameNetworkRetryAttempts: 10
    bench.power_on()
    bench.run(120 * SECOND)
    assert len(bench.made(nlme.JoinRequest)) == 10
    assert bench.engine.state is State.GAVE_UP
