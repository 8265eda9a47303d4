"""The APS layer: acknowledgement, retransmission, duplicates, legality (protocol.md 1.5, section 2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import trace
from coordinator.codec import aps, aps_commands
from coordinator.codec.aps_commands import CommandId
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier
from coordinator.primitives import apsde, apsme
from coordinator.security import aps as aps_security
from coordinator.security.aes import Ccm
from coordinator.stack.aps import ACK_WAIT, MAX_RETRIES, SLEEPY_ACK_WAIT
from coordinator.stack.duplicates import CAPACITY, LIFETIME
from coordinator.stack.legality import LEGAL_PROTECTION, illegality
from coordinator.types import GLOBAL_LINK_KEY, SECOND, Eui64, Key, LinkKeyKind, NwkAddress
from tests.stack.bench import Desk, formed, member
from tests.stack.peer import DEVICE, SLEEPY, TRUST_CENTER, Peer

FRESH = Key(bytes(range(0xA0, 0xB0)))


def send(desk: Desk, destination: NwkAddress, *, acknowledge: bool = True) -> None:
    desk.request(
        apsde.DataRequest(
            destination=destination,
            destination_endpoint=1,
            profile=0x0104,
            cluster=6,
            source_endpoint=1,
            asdu=b"data",
            acknowledge=acknowledge,
        )
    )


def hear_command(desk: Desk, peer: Peer, apdu: bytes) -> None:
    desk.hear(peer.frame(peer.nwk_octets(apdu)))


def acknowledge(peer: Peer, frame: aps.Frame) -> bytes:
    ack = aps.Frame(
        0x02,
        frame.source_endpoint,
        None,
        frame.cluster,
        frame.profile,
        frame.destination_endpoint,
        frame.counter,
    )
    return peer.frame(peer.nwk_octets(aps.encode(ack)))


class TestRetransmission:
    def test_a_unicast_is_repeated_until_its_retries_are_used_up(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address)
        desk.run(60 * SECOND)
        frames = desk.apdus()
        assert len(frames) == 1 + MAX_RETRIES
        assert len({frame.counter for frame in frames}) == 1
        assert desk.dropped == ["aps: no APS acknowledgement of 4 transmissions"]
        assert desk.host.aps._waiting == {}

    def test_it_waits_the_time_of_the_protocol_page_between_them(self) -> None:
        desk = formed()
        peer = member(desk)
        begun = desk.now
        send(desk, peer.address)
        desk.run(10 * SECOND)
        times = [record.at - begun for record in desk.noted(trace.Sent) if record.request_id is not None]
        assert times == [0, ACK_WAIT, 2 * ACK_WAIT, 3 * ACK_WAIT]

    def test_an_acknowledged_unicast_is_not_repeated(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address)
        desk.hear(acknowledge(peer, desk.apdus()[0]))
        desk.run(60 * SECOND)
        assert len(desk.apdus()) == 1
        assert desk.dropped == []

    def test_the_acknowledgement_of_another_is_not_ours(self) -> None:
        desk = formed()
        peer, other = member(desk), member(desk, Eui64(2))
        send(desk, peer.address)
        desk.hear(acknowledge(other, desk.apdus()[0]))
        desk.run(ACK_WAIT)
        assert len(desk.apdus()) == 2

    def test_nothing_is_asked_for_where_nothing_was_requested(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address, acknowledge=False)
        desk.run(60 * SECOND)
        assert [frame.ack_request for frame in desk.apdus()] == [False]

    def test_a_peer_that_sleeps_is_given_the_time_to_poll(self) -> None:
        desk = formed()
        peer = member(desk, capability=SLEEPY)
        send(desk, peer.address)
        desk.run(SLEEPY_ACK_WAIT - 1)
        assert len(desk.host.mac.indirect) == 0
        send(desk, peer.address)
        desk.run(5 * SECOND)
        desk.hear(peer.poll())
        desk.hear(acknowledge(peer, desk.apdus()[0]))
        assert len(desk.apdus()) == 1

    def test_a_device_that_left_is_not_waited_for(self) -> None:
        desk = formed()
        peer = member(desk)
        send(desk, peer.address)
        desk.hear(peer.frame(peer.nwk_octets(b"\x04\x00", 0xFFFD, command=True, radius=1), 0xFFFF))
        desk.run(60 * SECOND)
        assert len(desk.apdus()) == 1
        assert desk.dropped == []

    def test_a_confirm_key_asks_for_an_acknowledgement_and_is_protected_anew_each_time(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.host.link_keys.offer(DEVICE, FRESH)
        desk.request(apsme.ConfirmKeyRequest(device=DEVICE, address=peer.address, status=0, key_type=4))
        desk.run(60 * SECOND)
        frames = desk.apdus()
        assert [frame.frame_control for frame in frames] == [0x61] * 4
        counters = [frame.security.frame_counter for frame in frames if frame.security is not None]
        assert counters == list(range(counters[0], counters[0] + 4))


class TestAcknowledging:
    def test_a_unicast_that_asks_for_it_is_acknowledged_field_by_field(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(counter=0x55))
        (ack,) = desk.apdus()
        assert aps.encode(ack) == bytes.fromhex("02 01 0600 0401 01 55")

    def test_a_repeated_unicast_is_acknowledged_again_and_indicated_once(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(counter=7))
        desk.hear(peer.data(counter=7))
        assert len(desk.apdus()) == 2
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert desk.dropped == ["aps: APS duplicate"]

    def test_after_its_time_a_counter_is_used_again(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(counter=7))
        desk.run(LIFETIME)
        desk.hear(peer.data(counter=7))
        assert len(desk.indicated(apsde.DataIndication)) == 2

    def test_a_device_that_joins_anew_begins_its_counters_anew(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(counter=7))
        peer = member(desk)
        peer.counter = 5000
        desk.hear(peer.data(counter=7))
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert desk.dropped == []

    def test_a_broadcast_is_not_acknowledged(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.frame(peer.nwk_octets(peer.apdu(flags=0x08), 0xFFFD, radius=1), 0xFFFF))
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert desk.sent == []

    def test_a_fragment_is_refused_and_not_acknowledged(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(extended=aps.ExtendedHeader(0x01, 3)))
        assert desk.dropped == ["aps: fragmented, and reassembly is not supported"]
        assert desk.sent == []

    def test_an_extended_header_without_fragmentation_is_taken(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(extended=aps.ExtendedHeader(0x00)))
        assert len(desk.indicated(apsde.DataIndication)) == 1

    def test_a_group_is_nobody_here(self) -> None:
        desk = formed()
        peer = member(desk)
        frame = aps.Frame(0x0C, None, 0x1234, 6, 0x0104, 1, 9, payload=b"x")
        hear_command(desk, peer, aps.encode(frame))
        assert desk.dropped == ["aps: group-addressed, and this node is in no group"]

    def test_the_table_stays_small_however_many_speak(self) -> None:
        desk = formed()
        for number in range(3):
            peer = member(desk, Eui64(number + 1))
            for counter in range(256):
                desk.hear(peer.data(ack=False, counter=counter))
        assert len(desk.host.aps.duplicates) <= CAPACITY


class TestCommands:
    def test_a_request_key_under_the_global_key_is_indicated_with_what_protected_it(self) -> None:
        desk = formed()
        peer = member(desk)
        hear_command(
            desk,
            peer,
            peer.aps_command(
                aps_commands.RequestKey(key_type=4, partner=None), protection=KeyIdentifier.DATA
            ),
        )
        (request,) = desk.indicated(apsme.RequestKeyIndication)
        assert (request.device, request.address, request.key_type) == (DEVICE, peer.address, 4)
        assert request.security == apsde.Security(
            nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL
        )

    def test_a_request_key_without_aps_security_is_dropped(self) -> None:
        desk = formed()
        peer = member(desk)
        hear_command(desk, peer, peer.aps_command(aps_commands.RequestKey(key_type=4, partner=None)))
        assert desk.dropped == ["aps: APS command 0x08 without APS security"]
        assert desk.indicated(apsme.RequestKeyIndication) == []

    def test_an_aps_counter_that_was_there_before_is_dropped(self) -> None:
        desk = formed()
        peer = member(desk)
        for _ in range(2):
            command = aps_commands.RequestKey(key_type=4, partner=None)
            hear_command(desk, peer, peer.aps_command(command, protection=KeyIdentifier.DATA, counter=9))
        assert len(desk.indicated(apsme.RequestKeyIndication)) == 1
        assert desk.dropped == ["aps: APS frame counter replayed"]

    def test_a_key_that_opens_nothing_is_dropped_and_commits_no_counter(self) -> None:
        desk = formed()
        peer = member(desk)
        command = aps_commands.RequestKey(key_type=4, partner=None)
        hear_command(
            desk, peer, peer.aps_command(command, protection=KeyIdentifier.DATA, key=FRESH, counter=2**31)
        )
        assert desk.dropped == ["aps: APS MIC does not hold under any DATA key"]
        hear_command(desk, peer, peer.aps_command(command, protection=KeyIdentifier.DATA))
        assert len(desk.indicated(apsme.RequestKeyIndication)) == 1

    def test_a_command_that_asks_for_it_is_acknowledged_in_the_commands_format(self) -> None:
        desk = formed()
        peer = member(desk)
        command = aps_commands.VerifyKey(key_type=4, source=DEVICE, hash=bytes(16))
        hear_command(desk, peer, peer.aps_command(command, ack=True))
        (ack,) = desk.apdus()
        assert aps.encode(ack) == bytes((0x12, peer.aps_counter))

    def test_a_command_repeated_for_want_of_an_acknowledgement_is_indicated_once(self) -> None:
        desk = formed()
        peer = member(desk)
        for _ in range(2):
            peer.aps_counter = 30
            command = aps_commands.VerifyKey(key_type=4, source=DEVICE, hash=bytes(16))
            hear_command(desk, peer, peer.aps_command(command, ack=True))
        assert len(desk.indicated(apsme.VerifyKeyIndication)) == 1
        assert len(desk.apdus()) == 2

    def test_a_command_sent_plain_and_protected_under_one_counter_is_heard_both_ways(self) -> None:
        desk = formed()
        peer = member(desk)
        update = aps_commands.UpdateDevice(device=Eui64(5), address=NwkAddress(0x5555), status=1)
        hear_command(desk, peer, peer.aps_command(update))
        peer.aps_counter -= 1
        hear_command(desk, peer, peer.aps_command(update, protection=KeyIdentifier.DATA))
        heard = desk.indicated(apsme.UpdateDeviceIndication)
        assert [each.security.aps for each in heard] == [None, KeyIdentifier.DATA]

    def test_a_coordinator_has_no_use_for_what_is_a_joiners(self) -> None:
        desk = formed()
        peer = member(desk)
        hear_command(desk, peer, peer.aps_command(aps_commands.SwitchKey(sequence=1)))
        assert desk.dropped == ["aps: SwitchKey is not for this device"]

    def test_the_key_that_was_sent_is_the_key_that_is_pending(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.request(
            apsme.TransportKeyRequest(
                device=DEVICE,
                address=peer.address,
                key_type=4,
                key=FRESH,
                kind=LinkKeyKind.UNIQUE,
                protection=KeyIdentifier.KEY_LOAD,
                nwk_secured=True,
            )
        )
        entry = desk.host.link_keys.find(DEVICE)
        assert entry is not None
        assert entry.pending is not None
        assert (entry.current.key, entry.pending.key) == (GLOBAL_LINK_KEY, FRESH)
        (frame,) = desk.apdus()
        assert frame.security is not None
        assert (frame.security.control, frame.security.source) == (0x38, TRUST_CENTER)

    def test_a_transport_key_for_the_network_goes_without_nwk_security(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.request(
            apsme.TransportKeyRequest(
                device=DEVICE,
                address=peer.address,
                key_type=1,
                key=FRESH,
                key_sequence=0,
                protection=KeyIdentifier.KEY_TRANSPORT,
                nwk_secured=False,
            )
        )
        payload = desk.frames[0].payload
        assert payload[:2] == bytes.fromhex("0800")
        assert (payload[8], payload[10]) == (0x21, 0x30)

    def test_a_link_key_counter_that_is_exhausted_offers_nothing(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.host.link_keys.outgoing.raise_to(0xFFFF_FFFF)
        desk.request(
            apsme.TransportKeyRequest(
                device=DEVICE,
                address=peer.address,
                key_type=4,
                key=FRESH,
                protection=KeyIdentifier.KEY_LOAD,
                nwk_secured=True,
            )
        )
        assert desk.sent == []
        assert desk.concluded == [(False, "its frame counter is exhausted")]
        entry = desk.host.link_keys.find(DEVICE)
        assert entry is None or entry.pending is None


class TestLegality:
    @pytest.mark.parametrize("identifier", sorted(LEGAL_PROTECTION))
    def test_nothing_but_a_transport_key_may_come_without_nwk_security(self, identifier: int) -> None:
        for key in (None, *KeyIdentifier):
            reason = illegality(identifier, apsde.Security(nwk=False, aps=key))
            legal = identifier == CommandId.TRANSPORT_KEY and key not in (
                KeyIdentifier.DATA,
                KeyIdentifier.NETWORK,
            )
            assert (reason is None) is legal

    @given(st.integers(0, 255), st.sampled_from([None, *KeyIdentifier]), st.booleans())
    def test_every_refusal_has_a_reason_that_names_the_command(
        self, identifier: int, key: KeyIdentifier | None, secured: bool
    ) -> None:
        reason = illegality(identifier, apsde.Security(nwk=secured, aps=key))
        legal = secured and key in LEGAL_PROTECTION.get(identifier, frozenset())
        if reason is None:
            assert legal or identifier == CommandId.TRANSPORT_KEY
        else:
            assert f"0x{identifier:02x}" in reason


class TestSecuredData:
    def secured(self, peer: Peer, key: Key, counter: int) -> bytes:
        auxiliary = AuxiliaryHeader(0x20, counter, peer.eui64, None)
        frame = aps.Frame(0x20, 1, None, 6, 0x0104, 1, 0x66, None, auxiliary, b"secret")
        return aps_security.protect(frame, Ccm(key), peer.eui64)

    def test_data_under_the_link_key_is_opened_and_says_what_protected_it(self) -> None:
        desk = formed()
        peer = member(desk)
        hear_command(desk, peer, self.secured(peer, GLOBAL_LINK_KEY, 5))
        (indication,) = desk.indicated(apsde.DataIndication)
        assert indication.asdu == b"secret"
        assert indication.security == apsde.Security(
            nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL
        )

    def test_data_under_another_key_is_dropped_and_not_remembered(self) -> None:
        desk = formed()
        peer = member(desk)
        hear_command(desk, peer, self.secured(peer, FRESH, 5))
        assert desk.dropped == ["aps: APS MIC does not hold under any DATA key"]
        hear_command(desk, peer, self.secured(peer, GLOBAL_LINK_KEY, 5))
        assert len(desk.indicated(apsde.DataIndication)) == 1
