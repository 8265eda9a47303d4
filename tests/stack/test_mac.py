"""The MAC sublayer: address filter and duplicates (IEEE 802.15.4-2006, 7.5.6.2; protocol.md 1.1)."""

from __future__ import annotations

import pytest

from coordinator.primitives import apsde, mlme
from coordinator.stack.mac import DUPLICATE_CAPACITY, DUPLICATE_WINDOW
from coordinator.stack.node import Transmit, TransmitStatus
from coordinator.types import Eui64, NwkAddress
from tests.stack.bench import formed, member
from tests.stack.peer import DEVICE, Peer

BEACON_REQUEST = bytes.fromhex("030864ffffffff07")
"""[CAP], protocol.md 1.1."""


class TestAddressFilter:
    def test_a_frame_of_another_pan_is_dropped(self) -> None:
        desk = formed()
        desk.hear(Peer(address=NwkAddress(0x1234)).frame(b"x", pan=0xBEEF))
        assert desk.dropped == ["mac: another PAN"]

    def test_a_frame_for_another_device_is_dropped(self) -> None:
        desk = formed()
        desk.hear(Peer(address=NwkAddress(0x1234)).frame(b"x", 0x4321))
        assert desk.dropped == ["mac: for another device"]

    def test_a_frame_that_another_device_alone_can_mean_by_its_eui64_is_dropped(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("63cc01621a 1122334455667788 443322110036cef4 0200000000"))
        assert desk.dropped == ["mac: for another device"]

    def test_a_data_frame_with_an_extended_address_is_no_zigbee_frame(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("61c801621a0000 443322110036cef4 00"))
        assert desk.dropped == ["mac: a Zigbee data frame has two short addresses"]

    def test_an_acknowledgement_is_the_radios_business(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("020001"))
        assert (desk.dropped, desk.sent) == ([], [])

    def test_mac_security_is_refused(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("698801621a00003412 00000000"))
        assert desk.dropped == ["mac: MAC security is not used by Zigbee"]

    @pytest.mark.parametrize("psdu", [b"", b"\x03", b"\x63\x88\x01", b"\x07\x00\x00", b"\x61\x98\x01"])
    def test_a_malformed_frame_is_dropped_with_a_reason(self, psdu: bytes) -> None:
        desk = formed()
        desk.hear(psdu)
        (reason,) = desk.dropped
        assert reason.startswith("mac: ")

    def test_an_unknown_command_is_dropped(self) -> None:
        desk = formed()
        desk.hear(bytes.fromhex("238801621a0000ffff3412 7f"))
        assert desk.dropped == ["mac: UnknownCommand has no use here"]


class TestDuplicates:
    def test_a_frame_that_came_twice_is_acted_on_once(self) -> None:
        desk = formed()
        peer = member(desk)
        psdu = peer.data(ack=False)
        desk.hear(psdu)
        desk.hear(psdu)
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert desk.dropped == ["mac: duplicate sequence number"]

    def test_the_same_sequence_number_of_another_device_is_another_frame(self) -> None:
        desk = formed()
        one, other = member(desk), member(desk, Eui64(DEVICE + 1))
        other.sequence = one.sequence
        desk.hear(one.data(ack=False))
        desk.hear(other.data(ack=False))
        assert len(desk.indicated(apsde.DataIndication)) == 2

    def test_the_same_sequence_number_long_after_is_another_frame(self) -> None:
        desk = formed()
        peer = member(desk)
        desk.hear(peer.data(ack=False))
        desk.run(DUPLICATE_WINDOW)
        peer.sequence -= 1
        desk.hear(peer.data(ack=False))
        assert len(desk.indicated(apsde.DataIndication)) == 2

    def test_a_beacon_request_has_no_source_and_is_answered_each_time(self) -> None:
        desk = formed()
        desk.hear(BEACON_REQUEST)
        desk.hear(BEACON_REQUEST)
        assert len(desk.indicated(mlme.BeaconRequestIndication)) == 2

    def test_the_table_stays_small_however_many_speak(self) -> None:
        desk = formed()
        for number in range(3 * DUPLICATE_CAPACITY):
            desk.hear(Peer(eui64=Eui64(number + 1)).association_request())
        assert len(desk.host.mac._last) <= DUPLICATE_CAPACITY

    def test_who_speaks_often_is_remembered_longer_than_who_spoke_once(self) -> None:
        desk = formed()
        peer = member(desk)
        for number in range(2 * DUPLICATE_CAPACITY):
            if number % 100 == 0:
                psdu = peer.data(ack=False)
                desk.hear(psdu)
            desk.hear(Peer(eui64=Eui64(number + 1)).association_request())
        desk.forget()
        desk.hear(psdu)
        assert desk.dropped == ["mac: duplicate sequence number"]


class TestTransmitQueue:
    def test_one_frame_is_at_the_radio_and_the_rest_wait_in_order(self) -> None:
        desk = formed()
        desk.acknowledges = False
        for _ in range(3):
            desk.hear(BEACON_REQUEST)
        assert len(desk.sent) == 1
        desk.confirm()
        desk.confirm(TransmitStatus.CHANNEL_ACCESS_FAILURE)
        desk.confirm()
        sequences = [frame.sequence for frame in desk.frames]
        assert sequences == [sequences[0], sequences[0] + 1, sequences[0] + 2]

    def test_a_stale_handle_confirms_nothing(self) -> None:
        desk = formed()
        desk.acknowledges = False
        desk.hear(BEACON_REQUEST)
        desk.hear(BEACON_REQUEST)
        (first,) = desk.asked(Transmit)
        for handle in (first.handle - 1, first.handle + 1, 0, -1):
            desk.host.confirm(handle, TransmitStatus.SUCCESS, False, desk.now)
            desk.settle()
        assert len(desk.sent) == 1
        desk.confirm()
        desk.host.confirm(first.handle, TransmitStatus.SUCCESS, False, desk.now)
        desk.settle()
        assert len(desk.sent) == 2

    def test_a_full_queue_refuses_and_says_so(self) -> None:
        desk = formed()
        desk.acknowledges = False
        for _ in range(300):
            desk.hear(BEACON_REQUEST)
        assert len(desk.host.mac.outbox) == 257
        assert set(desk.dropped) == {"mac: not sent: the transmit queue is full"}
        desk.acknowledges = True
        desk.confirm()
        assert len(desk.sent) == 257

    def test_a_timeout_that_comes_early_does_nothing(self) -> None:
        desk = formed()
        peer = Peer()
        desk.hear(peer.association_request())
        deadline = desk.host.next_deadline()
        assert deadline is not None
        before = len(desk.records)
        desk.host.handle_timeout(type(deadline)(deadline - 1))
        desk.settle()
        assert desk.host.next_deadline() == deadline
        assert len(desk.records) == before
