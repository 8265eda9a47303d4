"""Neighbours kept and let go: link status, ageing, end-device timeout (05-3474, 3.6.3.4, 3.6.10)."""

from __future__ import annotations

import pytest

from coordinator.codec import nwk_commands
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, AddressMap
from coordinator.stack.policy import StackPolicy
from coordinator.types import SECOND, Eui64, NwkAddress
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, ROUTER, SLEEPY, Peer

PERIOD = 15 * SECOND


def link_status(peer: Peer, *entries: nwk_commands.LinkStatusEntry) -> bytes:
    return peer.nwk_command(nwk_commands.LinkStatus(entries=entries), 0xFFFC)


class TestLinkStatus:
    def test_a_coordinator_sends_one_each_period_even_with_no_neighbours(self) -> None:
        desk = formed()
        desk.run(10 * PERIOD)
        assert 9 <= len(desk.commands()) <= 12
        assert set(map(type, desk.commands())) == {nwk_commands.LinkStatus}

    def test_it_goes_to_routers_with_radius_one_and_our_eui64(self) -> None:
        desk = formed()
        desk.run(PERIOD)
        frame, _ = desk.opened()[0]
        assert (frame.destination, frame.radius, frame.source_ieee) == (0xFFFC, 1, desk.host.eui64)

    def test_routers_are_listed_by_address_and_end_devices_are_not(self) -> None:
        desk = formed()
        routers = sorted(member(desk, Eui64(number)).address for number in range(1, 4))
        member(desk, Eui64(9), SLEEPY)
        desk.run(PERIOD)
        status = desk.commands()[0]
        assert isinstance(status, nwk_commands.LinkStatus)
        assert [entry.address for entry in status.entries] == routers
        assert (status.first, status.last) == (True, True)

    def test_more_neighbours_than_one_frame_holds_take_several(self) -> None:
        desk = formed()
        for number in range(1, 61):
            member(desk, Eui64(number))
        desk.run(PERIOD)
        parts = [each for each in desk.commands() if isinstance(each, nwk_commands.LinkStatus)]
        assert [len(part.entries) for part in parts] == [26, 26, 8]
        assert [(part.first, part.last) for part in parts] == [(True, False), (False, False), (False, True)]
        assert max(map(len, desk.sent)) <= 125

    def test_the_outgoing_cost_is_what_the_neighbour_says_it_hears(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(link_status(peer, nwk_commands.LinkStatusEntry(address=NwkAddress(0), cost=0x13)))
        neighbor = desk.host.nwk.neighbors.find(peer.address)
        assert neighbor is not None
        assert neighbor.outgoing_cost == 3

    @pytest.mark.parametrize(("lqi", "cost"), [(255, 1), (150, 3), (60, 5), (10, 7)])
    def test_the_incoming_cost_follows_the_link_quality(self, lqi: int, cost: int) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(link_status(peer), lqi=lqi)
        neighbor = desk.host.nwk.neighbors.find(peer.address)
        assert neighbor is not None
        assert neighbor.incoming_cost == cost

    def test_a_router_nobody_associated_is_learnt_from_its_link_status(self) -> None:
        desk = formed()
        stranger = Peer(eui64=Eui64(0x99), address=NwkAddress(0x7777))
        desk.hear(link_status(stranger))
        assert desk.host.nwk.neighbors.find(NwkAddress(0x7777)) is not None

    def test_a_full_table_learns_nobody(self) -> None:
        desk = formed(policy=StackPolicy(neighbor_capacity=1))
        member(desk)
        desk.hear(link_status(Peer(eui64=Eui64(0x99), address=NwkAddress(0x7777))))
        assert len(desk.host.nwk.neighbors) == 1


class TestAgeing:
    def test_a_router_that_misses_its_link_status_too_often_is_forgotten(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.run(3 * PERIOD - SECOND)
        assert desk.host.nwk.neighbors.find(peer.address) is not None
        desk.run(2 * PERIOD + 2 * SECOND)
        assert desk.host.nwk.neighbors.find(peer.address) is None

    def test_a_router_that_sends_it_stays(self) -> None:
        desk = formed()
        peer = member(desk)
        entry = desk.host.nwk.neighbors.find(peer.address)
        for _ in range(20):
            desk.run(PERIOD)
            desk.hear(link_status(peer))
        assert desk.host.nwk.neighbors.find(peer.address) is entry is not None

    def test_an_end_device_that_polls_stays_and_one_that_does_not_is_forgotten(self) -> None:
        desk = formed(policy=StackPolicy(end_device_timeout=1))
        polling, silent = member(desk, Eui64(1), SLEEPY), member(desk, Eui64(2), SLEEPY)
        for _ in range(6):
            desk.run(60 * SECOND)
            desk.hear(polling.poll())
        assert desk.host.nwk.neighbors.find(polling.address) is not None
        assert desk.host.nwk.neighbors.find(silent.address) is None

    def test_nothing_waits_for_who_was_forgotten(self) -> None:
        desk = formed(policy=StackPolicy(end_device_timeout=0))
        peer = member(desk, capability=SLEEPY)
        desk.run(40 * SECOND)
        assert desk.host.nwk.neighbors.find(peer.address) is None
        desk.forget()
        desk.hear(peer.poll())
        assert desk.sent == []


class TestEndDeviceTimeout:
    def ask(self, desk: Desk, peer: Peer, index: int) -> None:
        desk.hear(peer.nwk_command(nwk_commands.EndDeviceTimeoutRequest(timeout=index)))

    @pytest.mark.parametrize(("index", "seconds"), [(0, 10), (1, 120), (8, 256 * 60), (14, 16384 * 60)])
    def test_a_child_may_choose_from_the_table(self, index: int, seconds: int) -> None:
        desk = formed()
        peer = member(desk, capability=SLEEPY)
        self.ask(desk, peer, index)
        desk.hear(peer.poll())
        (response,) = desk.commands()
        assert response == nwk_commands.EndDeviceTimeoutResponse(status=0, parent_information=1)
        child = desk.host.nwk.neighbors.find(peer.address)
        assert child is not None
        assert child.timeout == END_DEVICE_TIMEOUTS[index] == seconds * SECOND

    def test_what_is_not_in_the_table_is_an_incorrect_value(self) -> None:
        desk = formed()
        peer = member(desk, capability=SLEEPY)
        self.ask(desk, peer, 15)
        desk.hear(peer.poll())
        (response,) = desk.commands()
        assert response == nwk_commands.EndDeviceTimeoutResponse(status=1, parent_information=1)

    def test_a_router_has_no_such_timeout(self) -> None:
        desk = formed()
        self.ask(desk, member(desk, capability=ROUTER), 3)
        assert desk.sent == []
        assert desk.dropped == ["nwk: End Device Timeout Request of no child of ours"]


class TestAddressMap:
    def test_it_is_bounded_and_the_first_learnt_goes_first(self) -> None:
        addresses = AddressMap(3, keeps=lambda device: False)
        displaced = [addresses.learn(Eui64(number), NwkAddress(number)) for number in range(1, 6)]
        assert displaced == [(), (), (), (Eui64(1),), (Eui64(2),)]
        assert len(addresses) == 3

    def test_who_is_kept_stays_however_old(self) -> None:
        addresses = AddressMap(3, keeps=lambda device: device == 1)
        for number in range(1, 10):
            addresses.learn(Eui64(number), NwkAddress(number))
        assert addresses.address_of(Eui64(1)) == 1

    def test_when_all_are_kept_the_first_goes_all_the_same(self) -> None:
        addresses = AddressMap(2, keeps=lambda device: True)
        for number in range(1, 5):
            addresses.learn(Eui64(number), NwkAddress(number))
        assert len(addresses) == 2

    def test_a_device_has_one_address_and_an_address_one_device(self) -> None:
        addresses = AddressMap(9, keeps=lambda device: False)
        addresses.learn(Eui64(1), NwkAddress(0x10))
        addresses.learn(Eui64(2), NwkAddress(0x20))
        assert addresses.learn(Eui64(1), NwkAddress(0x20)) == (Eui64(2),)
        assert addresses.device_at(NwkAddress(0x10)) is None
        assert addresses.address_of(Eui64(2)) is None
        assert addresses.device_at(NwkAddress(0x20)) == 1

    def test_who_is_displaced_from_the_map_loses_its_counters(self) -> None:
        desk = formed(policy=StackPolicy(neighbor_capacity=1))
        active = desk.host.network_keys.active
        assert active is not None
        for number in range(1, 20):
            stranger = Peer(eui64=Eui64(number), address=NwkAddress(number))
            desk.hear(stranger.data(ack=False))
        assert len(active.incoming) == len(desk.host.nwk.addresses) == 4
        assert DEVICE not in active.incoming
