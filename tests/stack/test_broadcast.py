"""Broadcasts: once and once only, relayed, passively acknowledged, copied to sleepers (05-3474, 3.6.5)."""

from __future__ import annotations

import pytest

from coordinator.codec import nwk
from coordinator.primitives import apsde, nlme
from coordinator.stack.broadcast import CAPACITY, DELIVERY_TIME, MAX_JITTER, MAX_RETRIES, PASSIVE_ACK_TIMEOUT
from coordinator.stack.policy import StackPolicy
from coordinator.types import (
    BROADCAST_ALL,
    BROADCAST_ROUTERS,
    BROADCAST_RX_ON,
    SECOND,
    Eui64,
    NwkAddress,
)
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, SLEEPY, Peer

QUIET = StackPolicy(link_status_period=3600 * SECOND)
"""Link status would be in the way."""


def send(desk: Desk, destination: NwkAddress) -> None:
    desk.request(
        apsde.DataRequest(
            destination=destination,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=b"to all",
        )
    )


def broadcast(peer: Peer, destination: int = 0xFFFD, *, radius: int = 30) -> bytes:
    octets = peer.nwk_octets(peer.apdu(ack=False, flags=0x08), destination, radius=radius)
    return peer.frame(octets, 0xFFFF)


def copies(desk: Desk) -> list[nwk.Frame]:
    return [frame for frame, _ in desk.opened()]


class TestReceiving:
    def test_a_broadcast_is_taken_once_however_many_pass_it_on(self) -> None:
        desk = formed(policy=QUIET)
        one, other = member(desk), member(desk, Eui64(2))
        desk.hear(broadcast(one))
        apdu = one.apdu(ack=False, flags=0x08, counter=one.aps_counter)
        desk.hear(
            other.frame(other.nwk_octets(apdu, 0xFFFD, source=one.address, sequence=one.nwk_sequence), 0xFFFF)
        )
        assert len(desk.indicated(apsde.DataIndication)) == 1

    def test_after_its_delivery_time_a_sequence_number_is_a_new_broadcast(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        desk.hear(broadcast(peer))
        desk.run(DELIVERY_TIME)
        peer.nwk_sequence -= 1
        desk.hear(broadcast(peer))
        assert len(desk.indicated(apsde.DataIndication)) == 2

    @pytest.mark.parametrize(
        ("destination", "taken"), [(0xFFFF, 1), (0xFFFD, 1), (0xFFFC, 1), (0xFFFB, 0), (0xFFFE, 0)]
    )
    def test_a_coordinator_takes_what_is_for_all_for_the_awake_and_for_routers(
        self, destination: int, taken: int
    ) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        desk.hear(broadcast(peer, destination))
        assert len(desk.indicated(apsde.DataIndication)) == taken

    def test_the_table_stays_small_under_a_storm(self) -> None:
        desk = formed(policy=QUIET)
        peers = [member(desk, Eui64(number + 1)) for number in range(4)]
        for _ in range(255):
            for peer in peers:
                desk.hear(broadcast(peer, radius=1))
        assert len(desk.host.nwk.broadcasts.table) <= CAPACITY


class TestRelaying:
    def test_a_router_passes_a_broadcast_on_within_the_jitter_with_its_radius_lowered(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        desk.hear(broadcast(peer, radius=5))
        assert desk.sent == []
        desk.run(MAX_JITTER)
        (relayed,) = copies(desk)
        assert (relayed.source, relayed.sequence, relayed.radius) == (peer.address, peer.nwk_sequence, 4)
        assert relayed.security is not None
        assert relayed.security.source == desk.host.eui64

    def test_a_broadcast_of_radius_one_ends_here(self) -> None:
        desk = formed(policy=QUIET)
        desk.hear(broadcast(member(desk), radius=1))
        desk.run(SECOND)
        assert desk.sent == []

    def test_an_end_devices_broadcast_comes_as_a_unicast_and_is_passed_on_for_it(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk, capability=SLEEPY)
        octets = peer.nwk_octets(peer.apdu(ack=False, flags=0x08), 0xFFFD, flags=nwk.END_DEVICE_INITIATOR)
        desk.hear(peer.frame(octets))
        desk.run(MAX_JITTER)
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert [frame.destination for frame in desk.frames] == [0xFFFF]

    def test_a_node_that_resets_before_the_jitter_is_over_passes_nothing_on(self) -> None:
        desk = formed(policy=QUIET)
        desk.hear(broadcast(member(desk)))
        desk.request(nlme.ResetRequest())
        desk.run(SECOND)
        assert desk.sent == []
        assert desk.dropped == []

    def test_a_route_request_is_not_passed_on_as_it_is(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        octets = peer.nwk_octets(bytes.fromhex("01000177770000"), 0xFFFC, command=True)
        desk.hear(peer.frame(octets, 0xFFFF))
        desk.run(SECOND)
        assert desk.sent == []


class TestPassiveAcknowledgement:
    def test_a_broadcast_is_repeated_until_its_retries_are_used_up(self) -> None:
        desk = formed(policy=QUIET)
        member(desk)
        send(desk, BROADCAST_RX_ON)
        desk.run(60 * SECOND)
        assert len(copies(desk)) == 1 + MAX_RETRIES
        counters = [frame.security.frame_counter for frame in copies(desk) if frame.security is not None]
        assert len(set(counters)) == 1 + MAX_RETRIES

    def test_a_broadcast_that_every_router_was_heard_to_relay_is_not_repeated(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        send(desk, BROADCAST_RX_ON)
        ours, payload = desk.opened()[0]
        octets = peer.nwk_octets(payload, 0xFFFD, source=0, sequence=ours.sequence, radius=29)
        desk.hear(peer.frame(octets, 0xFFFF))
        desk.run(60 * SECOND)
        assert len(copies(desk)) == 1
        assert desk.dropped == []

    def test_a_forged_relay_is_no_acknowledgement(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        send(desk, BROADCAST_RX_ON)
        ours, payload = desk.opened()[0]
        forged = bytearray(peer.nwk_octets(payload, 0xFFFD, source=0, sequence=ours.sequence))
        forged[-1] ^= 0xFF
        desk.hear(peer.frame(bytes(forged), 0xFFFF))
        desk.run(60 * SECOND)
        assert len(copies(desk)) == 1 + MAX_RETRIES

    def test_one_of_two_routers_is_not_enough(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        member(desk, Eui64(2))
        send(desk, BROADCAST_RX_ON)
        ours, payload = desk.opened()[0]
        octets = peer.nwk_octets(payload, 0xFFFD, source=0, sequence=ours.sequence)
        desk.hear(peer.frame(octets, 0xFFFF))
        desk.run(PASSIVE_ACK_TIMEOUT)
        assert len(copies(desk)) == 2

    def test_a_coordinator_with_no_router_about_sends_once(self) -> None:
        desk = formed(policy=QUIET)
        member(desk, capability=SLEEPY)
        send(desk, BROADCAST_ROUTERS)
        desk.run(60 * SECOND)
        assert len(copies(desk)) == 1

    def test_a_relayed_broadcast_is_repeated_too_and_stops_when_the_node_resets(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk)
        member(desk, Eui64(2))
        desk.hear(broadcast(peer))
        desk.run(MAX_JITTER)
        desk.request(nlme.ResetRequest())
        desk.run(60 * SECOND)
        assert len(copies(desk)) == 1


class TestSleepers:
    def test_a_broadcast_to_all_is_held_for_each_sleeping_child(self) -> None:
        desk = formed(policy=QUIET)
        one, other = member(desk, DEVICE, SLEEPY), member(desk, Eui64(2), SLEEPY)
        send(desk, BROADCAST_ALL)
        assert desk.pending.short == {one.address, other.address}
        desk.hear(one.poll())
        assert [frame.destination for frame in desk.frames] == [0xFFFF, one.address]
        assert [frame.destination for frame in copies(desk)] == [BROADCAST_ALL, BROADCAST_ALL]

    def test_a_broadcast_to_the_awake_is_not(self) -> None:
        desk = formed(policy=QUIET)
        member(desk, DEVICE, SLEEPY)
        send(desk, BROADCAST_RX_ON)
        assert len(desk.host.mac.indirect) == 0

    def test_a_sleeper_does_not_get_its_own_broadcast_back(self) -> None:
        desk = formed(policy=QUIET)
        peer = member(desk, DEVICE, SLEEPY)
        other = member(desk, Eui64(2), SLEEPY)
        octets = peer.nwk_octets(peer.apdu(ack=False, flags=0x08), 0xFFFF, flags=nwk.END_DEVICE_INITIATOR)
        desk.hear(peer.frame(octets))
        desk.run(MAX_JITTER)
        assert desk.pending.short == {other.address}
