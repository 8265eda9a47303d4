"""Leave, route requests, rejoin, network status, and resets by hand (protocol.md 1.7, 1.7a)."""

from __future__ import annotations

import pytest

from coordinator.codec import nwk_commands
from coordinator.primitives import nlme
from coordinator.stack.nlme import LEAVE_AIR_TIME
from coordinator.types import NO_ADDRESS, SECOND, DeviceType, Eui64, NwkAddress
from tests.stack.bench import Desk, associated, formed, member
from tests.stack.peer import DEVICE, NETWORK_KEY, SLEEPY, Peer


def router() -> tuple[Desk, Peer]:
    """A router in the network of the peer, which is its coordinator."""
    desk = Desk(DeviceType.ROUTER, capability=0x8E, eui64=Eui64(0x42))
    nib = desk.host.nib
    nib.pan_id, nib.address, nib.parent = formed().host.nib.pan_id, NwkAddress(0x1111), NwkAddress(0)
    desk.host.network_keys.install(NETWORK_KEY, 0)
    desk.host.network_keys.activate(0)
    peer = Peer(address=NwkAddress(0), parent=NwkAddress(0x1111))
    desk.hear(peer.frame(peer.nwk_octets(peer.apdu(ack=False), 0x1111), 0x1111))
    desk.request(nlme.StartRouterRequest())
    desk.forget()
    return desk, peer


class TestLeave:
    @pytest.mark.parametrize("options", [0x40, 0x60, 0xC0])
    def test_a_coordinator_obeys_no_leave_request(self, options: int) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=options)))
        desk.run(SECOND)
        assert desk.dropped == ["nwk: a coordinator does not obey a leave request"]
        assert desk.host.nib.started
        assert desk.indicated(nlme.LeaveIndication) == []

    @pytest.mark.parametrize(("options", "rejoin"), [(0x00, False), (0x20, True)])
    def test_a_device_that_says_it_leaves_is_forgotten(self, options: int, rejoin: bool) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=options), 0xFFFD))
        assert desk.indicated(nlme.LeaveIndication) == [
            nlme.LeaveIndication(device=DEVICE, address=peer.address, rejoin=rejoin)
        ]
        assert len(desk.host.nwk.neighbors) == 0

    def test_a_child_is_told_with_both_addresses_and_radius_one(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.request(nlme.LeaveRequest(device=DEVICE, address=peer.address, rejoin=True))
        ((frame, payload),) = desk.opened()
        assert payload == bytes.fromhex("0460")
        assert (frame.destination, frame.destination_ieee, frame.source_ieee) == (
            peer.address,
            DEVICE,
            desk.host.eui64,
        )
        assert frame.radius == 1
        assert desk.concluded == [(True, "")]

    def test_a_sleeping_child_is_told_when_it_polls(self) -> None:
        desk = formed()
        peer = member(desk, capability=SLEEPY)
        desk.request(nlme.LeaveRequest(device=DEVICE, address=peer.address))
        assert desk.sent == []
        desk.hear(peer.poll())
        assert desk.commands() == [nwk_commands.Leave(options=0x40)]

    def test_what_was_held_for_a_child_that_leaves_is_concluded(self) -> None:
        desk = formed()
        peer = member(desk, capability=SLEEPY)
        desk.request(nlme.LeaveRequest(device=DEVICE, address=peer.address))
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=0), 0xFFFD))
        assert desk.concluded == [(False, "not fetched in time")]
        assert desk.pending.short == frozenset()

    def test_our_own_leave_has_the_form_of_the_capture(self) -> None:
        desk, _ = router()
        desk.request(nlme.LeaveRequest(device=None, address=desk.host.address))
        ((frame, payload),) = desk.opened()
        assert payload == bytes.fromhex("0400")
        assert (frame.frame_control, frame.destination, frame.radius) == (0x1209, 0xFFFD, 1)
        desk.run(LEAVE_AIR_TIME)
        assert desk.host.address == NO_ADDRESS
        assert desk.tuned.address == NO_ADDRESS

    def test_a_leave_request_for_everybody_is_obeyed_by_nobody(self) -> None:
        desk, peer = router()
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=0x40), 0xFFFD))
        desk.run(SECOND)
        assert desk.host.nib.joined
        assert desk.dropped == ["nwk: a leave request is for one device"]

    def test_a_router_obeys_a_leave_request_and_passes_the_rejoin_bit_on(self) -> None:
        desk, peer = router()
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=0x60), 0x1111))
        desk.run(SECOND)
        assert nwk_commands.Leave(options=0x20) in desk.commands()
        assert not desk.host.nib.joined

    def test_leaving_twice_leaves_once(self) -> None:
        desk, _ = router()
        for _ in range(2):
            desk.request(nlme.LeaveRequest(device=None, address=desk.host.address))
        desk.run(SECOND)
        assert not desk.host.nib.joined
        assert desk.host.next_deadline() is None


class TestRouteRequest:
    def ask(self, desk: Desk, peer: Peer, destination: int, options: int = 0) -> None:
        request = nwk_commands.RouteRequest(
            options=options, identifier=0x33, destination=NwkAddress(destination), path_cost=2
        )
        desk.hear(peer.nwk_command(request, 0xFFFC, radius=30))

    def test_a_request_for_us_is_answered_the_way_it_came(self) -> None:
        desk = formed()
        peer = member(desk)
        self.ask(desk, peer, 0x0000)
        ((frame, _),) = desk.opened()
        (reply,) = desk.commands()
        assert frame.destination == peer.address
        assert reply == nwk_commands.RouteReply(
            options=0x30,
            identifier=0x33,
            originator=peer.address,
            responder=NwkAddress(0),
            path_cost=0,
            originator_ieee=DEVICE,
            responder_ieee=desk.host.eui64,
        )

    def test_a_request_for_an_end_device_of_ours_is_answered_for_it(self) -> None:
        desk = formed()
        peer, child = member(desk), member(desk, Eui64(2), SLEEPY)
        self.ask(desk, peer, child.address)
        (reply,) = desk.commands()
        assert isinstance(reply, nwk_commands.RouteReply)
        assert (reply.responder, reply.responder_ieee) == (child.address, child.eui64)

    @pytest.mark.parametrize(("destination", "options"), [(0x4321, 0), (0xFFFC, 0x08), (0x0000, 0x08)])
    def test_requests_for_others_and_of_concentrators_are_not(self, destination: int, options: int) -> None:
        desk = formed()
        self.ask(desk, member(desk), destination, options)
        desk.run(SECOND // 2)
        assert desk.sent == []

    def test_a_request_heard_from_several_is_answered_once(self) -> None:
        desk = formed()
        peer, other = member(desk), member(desk, Eui64(2))
        self.ask(desk, peer, 0x0000)
        octets = other.nwk_octets(
            bytes.fromhex("010033000004"),
            0xFFFC,
            command=True,
            source=peer.address,
            sequence=peer.nwk_sequence,
        )
        desk.hear(other.frame(octets, 0xFFFF))
        assert len(desk.commands()) == 1


class TestOtherCommands:
    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (nwk_commands.RejoinRequest(capability=0x8E), "nwk: Rejoin Request: rejoining is not served yet"),
            (
                nwk_commands.NetworkStatus(status=0x02, target=NwkAddress(0x1234)),
                "nwk: Network Status 0x02 about 0x1234: no routes are kept",
            ),
            (nwk_commands.RouteRecord(relays=()), "nwk: RouteRecord has no use here"),
            (nwk_commands.UnknownCommand(identifier=0x70, octets=b""), "nwk: UnknownCommand has no use here"),
        ],
    )
    def test_what_has_no_use_is_dropped_with_its_name(
        self, command: nwk_commands.Command, reason: str
    ) -> None:
        desk = formed()
        desk.hear(member(desk).nwk_command(command))
        assert desk.dropped == [reason]
        assert desk.sent == []

    def test_a_cut_command_is_dropped_with_a_reason(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.frame(peer.nwk_octets(b"\x04", command=True)))
        (reason,) = desk.dropped
        assert reason.startswith("nwk: nwk command: ")


class TestReset:
    def test_nothing_of_the_network_is_left(self) -> None:
        desk, peer = router()
        desk.hear(peer.nwk_command(nwk_commands.LinkStatus(), 0xFFFC))
        desk.request(nlme.ResetRequest())
        host = desk.host
        assert not host.nib.joined
        assert host.network_keys.active is None
        assert len(host.nwk.neighbors) == len(host.nwk.addresses) == len(host.nwk.broadcasts.table) == 0
        assert host.next_deadline() is None

    def test_a_reset_device_waits_for_an_unsecured_key_again(self) -> None:
        desk, peer = router()
        desk.request(nlme.ResetRequest())
        assert desk.host.network_keys.held() != ()
        desk.forget()
        desk.hear(peer.frame(peer.nwk_octets(peer.apdu(ack=False), 0x1111), 0x1111))
        assert desk.dropped == ["mac: another PAN"]

    def test_an_associated_peer_can_be_reset_under(self) -> None:
        desk = formed()
        associated(desk, Peer())
        desk.hear(Peer(eui64=Eui64(7)).association_request())
        desk.request(nlme.ResetRequest())
        desk.run(20 * SECOND)
        assert len(desk.host.mac.indirect) == 0
        assert (False, "not fetched in time") in desk.concluded
