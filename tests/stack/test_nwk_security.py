"""NWK security: believe nothing before its MIC, accept no counter twice (protocol.md 1.3)."""

from __future__ import annotations

import pytest

from coordinator import trace
from coordinator.codec import mac, nwk, nwk_commands, zdp
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.primitives import apsde, nlme, zdo
from coordinator.security.counters import COUNTER_LIMIT
from coordinator.stack.node import TransmitStatus
from coordinator.stack.nwk import UNICAST_RETRIES
from coordinator.types import BROADCAST_RX_ON, SECOND, Eui64, NwkAddress
from tests.stack.bench import Desk, associated, formed, member, open_nwk
from tests.stack.peer import DEVICE, NETWORK_KEY, Peer


def speak(desk: Desk, peer: Peer, octets: bytes) -> None:
    """Send NWK octets in a fresh MAC frame, so that no MAC filter sees them twice."""
    desk.hear(peer.frame(octets))


def received(desk: Desk) -> int:
    return len(desk.indicated(apsde.DataIndication))


class TestIncoming:
    def test_a_replayed_frame_counter_is_dropped(self) -> None:
        desk = formed()
        peer = member(desk)
        octets = peer.nwk_octets(peer.apdu(b"once", ack=False))
        speak(desk, peer, octets)
        desk.run(SECOND)
        speak(desk, peer, octets)
        assert received(desk) == 1
        assert desk.dropped == ["nwk: frame counter replayed"]

    def test_a_lower_frame_counter_is_dropped_and_a_much_higher_one_is_not(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(peer.apdu(b"low", ack=False), counter=1))
        assert desk.dropped == ["nwk: frame counter replayed"]
        speak(desk, peer, peer.nwk_octets(peer.apdu(b"high", ack=False), counter=peer.counter + 2**31))
        assert received(desk) == 1

    @pytest.mark.parametrize("octet", [0, 2, 6, 9, 14, 22, 25, -1])
    def test_a_flipped_bit_is_dropped_and_never_believed(self, octet: int) -> None:
        desk = formed()
        peer = member(desk)
        changed = bytearray(peer.nwk_octets(peer.apdu(ack=False)))
        changed[octet] ^= 0x01
        speak(desk, peer, bytes(changed))
        assert received(desk) == 0
        assert len(desk.dropped) == 1

    def test_a_flipped_bit_of_the_payload_fails_the_mic(self) -> None:
        desk = formed()
        peer = member(desk)
        changed = bytearray(peer.nwk_octets(peer.apdu(ack=False)))
        changed[-6] ^= 0x80
        speak(desk, peer, bytes(changed))
        assert desk.dropped == ["nwk: NWK MIC does not hold"]

    def test_a_counter_is_not_committed_before_the_mic_held(self) -> None:
        desk = formed()
        peer = member(desk)
        forged = bytearray(peer.nwk_octets(peer.apdu(ack=False), counter=0xFFFF_0000))
        forged[-1] ^= 0xFF
        speak(desk, peer, bytes(forged))
        speak(desk, peer, peer.nwk_octets(peer.apdu(ack=False)))
        assert received(desk) == 1

    def test_a_forged_frame_teaches_no_address(self) -> None:
        desk = formed()
        stranger = Peer(eui64=Eui64(0x99), address=NwkAddress(0x7777))
        forged = bytearray(stranger.nwk_octets(stranger.apdu(ack=False)))
        forged[-1] ^= 0xFF
        speak(desk, stranger, bytes(forged))
        assert desk.host.nwk.addresses.device_at(NwkAddress(0x7777)) is None
        assert desk.host.nwk.neighbors.find(NwkAddress(0x7777)) is None

    def test_a_key_that_is_not_held_is_named(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(b"", key_sequence=7))
        assert desk.dropped == ["nwk: no network key with sequence number 7"]

    def test_another_key_than_the_network_key_does_not_protect_this_layer(self) -> None:
        desk = formed()
        peer = member(desk)
        auxiliary = AuxiliaryHeader(
            control(key_identifier=KeyIdentifier.DATA, extended_nonce=True), 5000, peer.eui64, None
        )
        frame = nwk.Frame(0x0208, NwkAddress(0), peer.address, 30, 1, security=auxiliary, payload=bytes(20))
        speak(desk, peer, nwk.encode(frame))
        assert desk.dropped == ["nwk: NWK security under another key than the network key"]

    def test_an_unsecured_frame_is_dropped_on_a_secured_network(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(peer.apdu(ack=False), secured=False))
        assert desk.dropped == ["nwk: unsecured on a secured network"]
        assert received(desk) == 0

    @pytest.mark.parametrize(
        ("command", "reason"),
        [
            (nwk_commands.RejoinRequest(capability=0x8E), "nwk: Rejoin Request unsecured"),
            (nwk_commands.Leave(options=0), "nwk: Leave unsecured"),
            (
                nwk_commands.UnknownCommand(identifier=0x7F, octets=b""),
                "nwk: an unknown NWK command unsecured",
            ),
        ],
    )
    def test_an_unsecured_command_is_dropped_by_its_name(
        self, command: nwk_commands.Command, reason: str
    ) -> None:
        desk = formed()
        peer = member(desk)
        octets = peer.nwk_octets(nwk_commands.encode(command), command=True, secured=False)
        speak(desk, peer, octets)
        assert desk.dropped == [reason]

    def test_an_unsecured_broadcast_is_not_passed_on(self) -> None:
        desk = formed()
        peer = member(desk)
        octets = peer.nwk_octets(peer.apdu(ack=False, flags=0x08), 0xFFFD, secured=False)
        desk.hear(peer.frame(octets, 0xFFFF))
        desk.run(SECOND)
        assert desk.sent == []

    def test_a_device_that_joins_anew_may_begin_its_counters_anew(self) -> None:
        desk = formed()
        peer = member(desk)
        peer.counter = 0
        associated(desk, peer)
        speak(desk, peer, peer.nwk_octets(peer.apdu(ack=False)))
        assert received(desk) == 1

    def test_a_device_that_left_cannot_be_played_again(self) -> None:
        desk = formed()
        peer = member(desk)
        octets = peer.nwk_octets(peer.apdu(b"old", ack=False))
        speak(desk, peer, octets)
        desk.hear(peer.nwk_command(nwk_commands.Leave(options=0), 0xFFFD))
        speak(desk, peer, octets)
        assert received(desk) == 1
        assert desk.dropped == ["nwk: frame counter replayed"]

    def test_a_frame_for_another_is_not_routed_yet(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(b"", 0x4321))
        assert desk.dropped == ["nwk: not for us and no routing yet"]

    def test_a_frame_from_our_own_address_is_somebody_elses(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(peer.apdu(ack=False), source=0))
        assert desk.dropped == ["nwk: from our own address"]

    def test_a_neighbour_that_speaks_from_another_address_is_there_now(self) -> None:
        desk = formed()
        peer = member(desk)
        before, peer.address = peer.address, NwkAddress(0x5555)
        speak(desk, peer, peer.nwk_octets(peer.apdu(ack=False)))
        neighbors = desk.host.nwk.neighbors
        moved = neighbors.find(NwkAddress(0x5555))
        assert moved is not None
        assert moved.device == DEVICE
        assert neighbors.find(before) is None

    def test_the_originator_of_a_relayed_frame_is_not_the_one_who_relayed_it(self) -> None:
        desk = formed()
        peer = member(desk)
        speak(desk, peer, peer.nwk_octets(peer.apdu(b"far", ack=False), source=0x5555))
        (indication,) = desk.indicated(apsde.DataIndication)
        assert (indication.source, indication.device) == (0x5555, None)
        far = Eui64(0x77)
        speak(desk, peer, peer.nwk_octets(peer.apdu(b"far", ack=False), source=0x5555, source_ieee=far))
        assert desk.indicated(apsde.DataIndication)[-1].device == far
        assert desk.host.nwk.addresses.device_at(peer.address) == DEVICE


class TestOutgoing:
    def test_a_unicast_that_fails_is_sent_again_with_a_fresh_counter_each_time(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.acknowledges = False
        send(desk, peer.address)
        for _ in range(UNICAST_RETRIES + 1):
            desk.run(50_000)
            desk.confirm(TransmitStatus.NO_ACK)
        desk.run(SECOND)
        counters = [open_nwk(frame.payload)[0].security for frame in desk.frames]
        values = [each.frame_counter for each in counters if each is not None]
        assert values == list(range(values[0], values[0] + 4))
        assert desk.outstanding is None
        assert desk.concluded == [(False, "no-ack")]

    def test_a_unicast_that_arrives_at_last_was_delivered(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.acknowledges = False
        send(desk, peer.address)
        desk.confirm(TransmitStatus.CHANNEL_ACCESS_FAILURE)
        desk.run(50_000)
        desk.confirm()
        assert desk.concluded == [(True, "")]

    def test_counters_rise_in_the_order_of_the_air_though_a_frame_was_held(self) -> None:
        desk = formed()
        sleeper, awake = member(desk, Eui64(1), 0x80), member(desk, Eui64(2))
        send(desk, sleeper.address)
        send(desk, awake.address)
        desk.hear(sleeper.poll())
        counters = [frame.security.frame_counter for frame, _ in desk.opened() if frame.security is not None]
        assert counters == sorted(counters)
        assert len(set(counters)) == 2

    def test_an_exhausted_counter_sends_nothing_and_says_why(self) -> None:
        desk = formed()
        peer = member(desk)
        active = desk.host.network_keys.active
        assert active is not None
        active.outgoing.raise_to(COUNTER_LIMIT)
        send(desk, peer.address)
        send(desk, BROADCAST_RX_ON)
        desk.run(60 * SECOND)
        assert desk.sent == []
        assert desk.concluded == [(False, "its frame counter is exhausted")] * 2
        assert set(desk.dropped) == {"mac: not sent: its frame counter is exhausted"}

    def test_a_frame_that_is_too_long_is_not_sent_and_says_why(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address, bytes(100))
        desk.run(SECOND)
        assert desk.sent == []
        assert desk.concluded == [(False, "143 octets are more than a frame has room for (125)")]

    def test_a_value_that_has_no_octets_is_not_sent_and_says_why(self) -> None:
        desk = formed()
        peer = member(desk)
        command = zdp.NodeDescriptorRequest(address=NwkAddress(0x12345))
        desk.request(zdo.CommandRequest(destination=peer.address, command=command))
        ((delivered, reason),) = desk.concluded
        assert (delivered, desk.sent) == (False, [])
        assert desk.dropped == [f"stack: not sent: {reason}"]

    def test_what_is_for_nobody_we_know_has_no_route(self) -> None:
        desk = formed()
        send(desk, NwkAddress(0x5678))
        assert desk.concluded == [(False, "no route")]
        assert desk.dropped == ["nwk: not sent: no route"]

    def test_nothing_secured_leaves_without_a_network_key(self) -> None:
        desk = Desk()
        send(desk, BROADCAST_RX_ON)
        assert desk.concluded == [(False, "no network key")]
        assert desk.sent == []

    def test_a_request_is_concluded_once(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address, acknowledge=True)
        desk.run(10 * SECOND)
        assert len(desk.sent) > 1
        assert len(desk.noted(trace.Concluded)) == 1

    def test_the_frame_control_of_a_unicast_is_that_of_the_protocol_page(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address)
        assert desk.frames[0].payload[:2] == bytes.fromhex("0802")
        assert desk.frames[0].payload[8] == 0x28

    def test_the_joiners_reset_lets_nothing_out_that_was_queued(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.acknowledges = False
        for _ in range(3):
            send(desk, peer.address)
        desk.request(nlme.ResetRequest())
        desk.confirm()
        desk.run(SECOND)
        assert len(desk.sent) == 1
        assert desk.concluded == [(False, "aborted")] * 3


def send(desk: Desk, destination: NwkAddress, asdu: bytes = b"data", acknowledge: bool = False) -> None:
    desk.request(
        apsde.DataRequest(
            destination=destination,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=asdu,
            acknowledge=acknowledge,
        )
    )


def test_the_network_key_of_the_bench_is_that_of_the_published_vectors() -> None:
    """The NWK frame of protocol.md 1.4 opens under it."""
    octets = bytes.fromhex(
        "4802000034121e552800300000443322110036cef400b669752603ac163f2e904478607a37e6b106a98dd3c934a489"
    )
    frame, payload = open_nwk(octets, NETWORK_KEY)
    assert payload == bytes.fromhex("21812000200000443322110036cef412209b293a2d")
    assert mac.is_ack(octets) is False
    assert frame.source == 0x1234
