"""A parent's side of a join: beacons, associations, addresses (protocol.md 1.1; 05-3474, 3.6.1)."""

from __future__ import annotations

from coordinator import trace
from coordinator.codec import mac_commands
from coordinator.primitives import apsde, mlme, nlme
from coordinator.stack.mlme import BEACON_RETRIES, BEACON_RETRY_SPREAD
from coordinator.stack.neighbors import STALE, Relationship
from coordinator.stack.node import TransmitStatus
from coordinator.stack.policy import StackPolicy
from coordinator.types import NO_ADDRESS, SECOND, Eui64, NwkAddress
from tests.stack.bench import Desk, associated, formed, member
from tests.stack.peer import DEVICE, SLEEPY, Peer

BEACON_REQUEST = bytes.fromhex("030864ffffffff07")


class LowEntropy:
    """Always the least: everybody would get the same address."""

    def octets(self, count: int) -> bytes:
        return bytes(count)

    def integer(self, low: int, high: int) -> int:
        return low


def response(desk: Desk) -> mac_commands.AssociationResponse:
    """The association response that was sent last."""
    command = mac_commands.decode(desk.frames[-1].payload)
    assert isinstance(command, mac_commands.AssociationResponse)
    return command


def ask_and_fetch(desk: Desk, peer: Peer) -> mac_commands.AssociationResponse:
    desk.hear(peer.association_request())
    desk.hear(peer.poll_as_device())
    return response(desk)


class TestBeacons:
    def test_an_open_coordinator_answers_with_the_octets_of_the_protocol_page(self) -> None:
        desk = formed()
        desk.hear(BEACON_REQUEST)
        (psdu,) = desk.sent
        assert psdu[:2] + psdu[3:] == bytes.fromhex(
            "0080 621a 0000 ffcf 0000 002284 dddddddddddddddd ffffff 00"
        )

    def test_a_closed_coordinator_says_so(self) -> None:
        desk = formed()
        desk.request(nlme.PermitJoiningRequest(seconds=0))
        desk.hear(BEACON_REQUEST)
        assert desk.sent[-1][7:9] == bytes.fromhex("ff4f")

    def test_joining_closes_by_itself_when_its_time_is_up(self) -> None:
        desk = formed()
        desk.run(254 * SECOND)
        desk.hear(BEACON_REQUEST)
        assert desk.sent[-1][7:9] == bytes.fromhex("ff4f")

    def test_a_full_table_leaves_no_capacity_in_the_beacon(self) -> None:
        desk = formed(policy=StackPolicy(neighbor_capacity=1))
        member(desk)
        desk.hear(BEACON_REQUEST)
        assert desk.sent[-1][12:14] == bytes.fromhex("2200")

    def test_a_beacon_that_found_no_clear_channel_is_tried_again_and_not_for_ever(self) -> None:
        desk = formed()
        desk.acknowledges = False
        desk.hear(BEACON_REQUEST)
        for _ in range(BEACON_RETRIES):
            desk.confirm(TransmitStatus.CHANNEL_ACCESS_FAILURE)
            assert desk.outstanding is None
            desk.run(BEACON_RETRY_SPREAD)
        desk.confirm(TransmitStatus.CHANNEL_ACCESS_FAILURE)
        desk.run(SECOND)
        assert len(desk.sent) == 1 + BEACON_RETRIES

    def test_a_node_without_a_network_sends_none(self) -> None:
        desk = Desk()
        desk.hear(BEACON_REQUEST)
        assert desk.sent == []
        assert desk.dropped == ["mac: BeaconRequest has no use here"]


class TestAssociation:
    def test_the_response_waits_for_the_poll_and_has_the_form_of_the_protocol_page(self) -> None:
        desk = formed()
        peer = Peer()
        desk.hear(peer.association_request())
        assert desk.sent == []
        desk.run(SECOND // 2)
        desk.hear(peer.poll_as_device())
        (psdu,) = desk.sent
        assert psdu[:2] == bytes.fromhex("63cc")
        assert psdu[3:22] == bytes.fromhex("621a 443322110036cef4 0403020100 4b1200 02")
        assert psdu[-1] == 0x00
        assert response(desk).address < 0xFFF8

    def test_the_application_hears_of_it_when_the_response_was_fetched(self) -> None:
        desk = formed()
        peer = Peer()
        desk.hear(peer.association_request())
        desk.run(SECOND)
        assert desk.indicated(nlme.JoinIndication) == []
        desk.hear(peer.poll_as_device())
        (joined,) = desk.indicated(nlme.JoinIndication)
        assert (joined.device, joined.address) == (DEVICE, response(desk).address)
        assert desk.concluded == [(True, "")]

    def test_a_closed_network_denies_access(self) -> None:
        desk = formed()
        desk.request(nlme.PermitJoiningRequest(seconds=0))
        refused = ask_and_fetch(desk, Peer())
        assert (refused.address, refused.status) == (NO_ADDRESS, 0x02)
        assert desk.indicated(nlme.JoinIndication) == []

    def test_a_full_network_is_at_capacity(self) -> None:
        desk = formed(policy=StackPolicy(neighbor_capacity=1))
        member(desk)
        refused = ask_and_fetch(desk, Peer(eui64=Eui64(1)))
        assert (refused.address, refused.status) == (NO_ADDRESS, 0x01)

    def test_a_neighbour_that_fell_silent_gives_way_to_a_newcomer(self) -> None:
        desk = formed(policy=StackPolicy(neighbor_capacity=2))
        silent = member(desk, Eui64(1), SLEEPY)
        desk.run(STALE)
        awake = member(desk, Eui64(2), SLEEPY)
        desk.run(1)
        ask_and_fetch(desk, Peer(eui64=Eui64(3)))
        neighbors = desk.host.nwk.neighbors
        assert {each.device for each in neighbors} == {awake.eui64, Eui64(3)}
        assert neighbors.find(silent.address) is None

    def test_a_policy_without_room_for_routers_still_takes_end_devices(self) -> None:
        desk = formed(policy=StackPolicy(router_capacity=False))
        assert ask_and_fetch(desk, Peer(eui64=Eui64(1))).status == 0x01
        assert ask_and_fetch(desk, Peer(eui64=Eui64(2), capability=SLEEPY)).status == 0x00

    def test_a_child_is_unauthenticated_until_it_uses_the_network_key(self) -> None:
        desk = formed()
        peer = associated(desk, Peer())

        def relationship() -> Relationship:
            child = desk.host.nwk.neighbors.find(peer.address)
            assert child is not None
            return child.relationship

        assert relationship() is Relationship.UNAUTHENTICATED_CHILD
        desk.hear(peer.data(ack=False))
        assert relationship() is Relationship.CHILD

    def test_a_device_that_joins_anew_may_begin_its_sequence_numbers_anew(self) -> None:
        desk = formed()
        peer = member(desk)
        for _ in range(2):
            peer.nwk_sequence = 7
            octets = peer.nwk_octets(peer.apdu(ack=False, flags=0x08), 0xFFFD, radius=1)
            desk.hear(peer.frame(octets, NO_ADDRESS))
            heard = len(desk.indicated(apsde.DataIndication))
            peer.counter += 1
            associated(desk, peer)
        assert heard == 1

    def test_an_association_response_nobody_asked_for_is_of_no_consequence(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("63cc01621a 0403020100 4b1200 443322110036cef4 02341200"))
        assert desk.host.address == 0


class TestAddresses:
    def test_the_same_device_gets_the_same_address_each_time(self) -> None:
        desk = formed()
        peer = Peer()
        addresses = set()
        for _ in range(5):
            addresses.add(ask_and_fetch(desk, peer).address)
            desk.run(SECOND)
        assert len(addresses) == 1
        assert len(desk.host.nwk.addresses) == len(desk.host.nwk.neighbors) == 1

    def test_a_device_that_asks_again_before_it_polled_has_one_response_waiting(self) -> None:
        desk = formed()
        peer = Peer()
        for _ in range(5):
            desk.hear(peer.association_request())
            desk.run(SECOND)
        assert len(desk.host.mac.indirect) == 1
        assert [delivered for delivered, _ in desk.concluded] == [False] * 4
        desk.hear(peer.poll_as_device())
        assert response(desk).status == 0
        assert len(desk.indicated(nlme.JoinIndication)) == 1

    def test_a_response_that_nobody_fetched_gives_its_address_back(self) -> None:
        desk = formed()
        desk.hear(Peer().association_request())
        (granted,) = [
            r.request for r in desk.noted(trace.Requested) if isinstance(r.request, mlme.AssociateResponse)
        ]
        assert desk.host.nwk.addresses.device_at(granted.address) == DEVICE
        desk.run(8 * SECOND)
        assert desk.host.nwk.addresses.device_at(granted.address) is None
        assert desk.concluded == [(False, "not fetched in time")]

    def test_a_member_that_asked_again_and_did_not_fetch_keeps_its_address(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.association_request())
        desk.run(8 * SECOND)
        assert desk.host.nwk.addresses.address_of(DEVICE) == peer.address

    def test_addresses_that_are_taken_are_not_given_twice_whatever_the_entropy(self) -> None:
        desk = formed(entropy=LowEntropy())
        given = {ask_and_fetch(desk, Peer(eui64=Eui64(number + 1))).address for number in range(20)}
        assert given == {NwkAddress(number + 1) for number in range(20)}

    def test_a_router_does_not_give_its_own_address_away(self) -> None:
        desk = formed(entropy=LowEntropy())
        desk.host.nib.address = NwkAddress(1)
        peer = Peer(parent=NwkAddress(1))
        assert ask_and_fetch(desk, peer).address == 2

    def test_requests_that_come_to_nothing_leave_nothing_behind(self) -> None:
        desk = formed()
        for number in range(1000):
            desk.hear(Peer(eui64=Eui64(number + 1)).association_request())
        desk.run(10 * SECOND)
        assert len(desk.host.mac.indirect) == len(desk.host.nwk.addresses) == 0
        assert len(desk.host._mlme._applicants) == 0
        assert desk.pending.extended == frozenset()
