"""Scanning, associating and sleeping, from the joiner's side, the air played by hand (protocol.md 1.1)."""

from __future__ import annotations

import pytest

from coordinator.codec import aps_commands, mac, mac_commands
from coordinator.codec.beacon import ZigbeePayload
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsde, apsme, nlme
from coordinator.stack.association import RESPONSE_WAIT
from coordinator.stack.mac import MAX_FRAME_TOTAL_WAIT
from coordinator.stack.node import ReceiverOn, TransmitStatus, Tune
from coordinator.types import (
    BROADCAST_PAN,
    COORDINATOR,
    MILLISECOND,
    NO_ADDRESS,
    SECOND,
    Channel,
    DeviceType,
    Eui64,
    NwkAddress,
)
from tests.stack.bench import Desk
from tests.stack.peer import CHANNEL, EXTENDED_PAN, NETWORK_KEY, PAN, TRUST_CENTER, Peer

OURS = Eui64(0x42)
BEACON = bytes.fromhex("0080 11 621a 0000 ffcf 0000 002284 dddddddddddddddd ffffff 00")
DWELL = 138 * MILLISECOND
FOUND = nlme.NetworkDescriptor(
    channel=CHANNEL,
    pan_id=PAN,
    address=COORDINATOR,
    association_permit=True,
    payload=ZigbeePayload(
        stack_profile=2, router_capacity=True, end_device_capacity=True, extended_pan_id=EXTENDED_PAN
    ),
    lqi=255,
)


def device(capability: int = 0x8E) -> Desk:
    kind = DeviceType.ROUTER if capability & 0x02 else DeviceType.END_DEVICE
    return Desk(kind, capability=capability, eui64=OURS)


def response(address: int = 0x1234, status: int = 0) -> bytes:
    frame = mac.Frame(
        0xCC63,
        0x77,
        PAN,
        OURS,
        None,
        TRUST_CENTER,
        mac_commands.encode(mac_commands.AssociationResponse(address=NwkAddress(address), status=status)),
    )
    return mac.encode(frame)


def associate(desk: Desk) -> None:
    """Ask for association and poll; the poll is acknowledged with frame pending."""
    desk.request(nlme.JoinRequest(network=FOUND, capability=desk.host.nib.capability))
    desk.acknowledges = False
    desk.run(RESPONSE_WAIT)
    desk.confirm(pending=True)
    desk.acknowledges = True


def confirmed(desk: Desk) -> list[nlme.JoinStatus]:
    return [each.status for each in desk.indicated(nlme.JoinConfirm)]


def joined(capability: int = 0x80) -> tuple[Desk, Peer]:
    """A device in the network, with its parent; it has the network key."""
    desk = device(capability)
    associate(desk)
    desk.hear(response())
    desk.host.network_keys.install(NETWORK_KEY, 0)
    desk.host.network_keys.activate(0)
    desk.run(SECOND)
    desk.forget()
    return desk, Peer(eui64=TRUST_CENTER, address=COORDINATOR, parent=NwkAddress(0x1234))


class TestScan:
    def scan(self, desk: Desk, *channels: int) -> None:
        desk.request(
            nlme.NetworkDiscoveryRequest(channels=tuple(Channel(each) for each in channels), dwell=DWELL)
        )

    def test_each_channel_gets_a_beacon_request_of_the_captured_form(self) -> None:
        desk = device()
        self.scan(desk, 11, 15, 26)
        desk.run(3 * DWELL)
        assert [psdu[:2] + psdu[3:] for psdu in desk.sent] == [bytes.fromhex("0308ffffffff07")] * 3
        assert [(each.channel, each.pan_id) for each in desk.asked(Tune)][:3] == [
            (11, BROADCAST_PAN),
            (15, BROADCAST_PAN),
            (26, BROADCAST_PAN),
        ]
        assert desk.indicated(nlme.NetworkDiscoveryConfirm) == [nlme.NetworkDiscoveryConfirm(networks=())]

    def test_beacons_are_told_in_the_order_they_were_heard(self) -> None:
        desk = device()
        self.scan(desk, 15)
        desk.hear(BEACON)
        desk.hear(BEACON.replace(b"\x62\x1a", b"\x63\x1a"))
        desk.run(DWELL)
        (confirm,) = desk.indicated(nlme.NetworkDiscoveryConfirm)
        assert [each.pan_id for each in confirm.networks] == [0x1A62, 0x1A63]
        assert confirm.networks[0] == FOUND

    def test_a_beacon_outside_a_scan_is_of_no_interest(self) -> None:
        desk = device()
        desk.hear(BEACON)
        assert desk.dropped == []
        assert desk.sent == []

    def test_a_beacon_that_is_no_zigbee_beacon_is_dropped_with_a_reason(self) -> None:
        desk = device()
        self.scan(desk, 15)
        desk.hear(BEACON[:12])
        (reason,) = desk.dropped
        assert "beacon" in reason

    def test_a_reset_ends_a_scan_without_a_word(self) -> None:
        desk = device()
        self.scan(desk, 15)
        desk.request(nlme.ResetRequest())
        desk.run(SECOND)
        assert desk.indicated(nlme.NetworkDiscoveryConfirm) == []


class TestAssociation:
    def test_it_asks_waits_polls_and_takes_its_address(self) -> None:
        desk = device()
        associate(desk)
        assert [psdu[:2] for psdu in desk.sent] == [bytes.fromhex("23c8"), bytes.fromhex("63c8")]
        assert desk.sent[0][-2:] == bytes((0x01, 0x8E))
        desk.hear(response())
        assert confirmed(desk) == [nlme.JoinStatus.SUCCESS]
        assert (desk.host.address, desk.tuned.address, desk.tuned.pan_id) == (0x1234, 0x1234, PAN)
        assert desk.host.nwk.addresses.device_at(COORDINATOR) == TRUST_CENTER

    @pytest.mark.parametrize(
        ("status", "result"),
        [
            (0x01, nlme.JoinStatus.PAN_AT_CAPACITY),
            (0x02, nlme.JoinStatus.PAN_ACCESS_DENIED),
            (0xF0, nlme.JoinStatus.PAN_ACCESS_DENIED),
        ],
    )
    def test_a_refusal_leaves_it_without_a_network(self, status: int, result: nlme.JoinStatus) -> None:
        desk = device()
        associate(desk)
        desk.hear(response(0xFFFF, status))
        assert confirmed(desk) == [result]
        assert (desk.host.address, desk.tuned.pan_id) == (NO_ADDRESS, BROADCAST_PAN)

    def test_a_request_that_nobody_acknowledges_ends_it(self) -> None:
        desk = device()
        desk.acknowledges = False
        desk.request(nlme.JoinRequest(network=FOUND, capability=0x8E))
        desk.confirm(TransmitStatus.NO_ACK)
        assert confirmed(desk) == [nlme.JoinStatus.NO_ACK]

    def test_a_poll_without_frame_pending_ends_it(self) -> None:
        desk = device()
        desk.request(nlme.JoinRequest(network=FOUND, capability=0x8E))
        desk.run(SECOND)
        assert confirmed(desk) == [nlme.JoinStatus.NO_DATA]

    def test_a_promise_that_is_not_kept_ends_it(self) -> None:
        desk = device()
        associate(desk)
        desk.run(MAX_FRAME_TOTAL_WAIT)
        assert confirmed(desk) == [nlme.JoinStatus.NO_DATA]
        desk.hear(response())
        assert desk.host.address == NO_ADDRESS


class TestBeforeTheNetworkKey:
    def awaiting(self) -> tuple[Desk, Peer]:
        desk = device()
        associate(desk)
        desk.hear(response())
        desk.forget()
        return desk, Peer(eui64=TRUST_CENTER, address=COORDINATOR, parent=NwkAddress(0x1234))

    def test_an_unsecured_transport_key_is_heard(self) -> None:
        desk, parent = self.awaiting()
        key = aps_commands.TransportNetworkKey(
            key=NETWORK_KEY, sequence=0, destination=OURS, source=TRUST_CENTER
        )
        apdu = parent.aps_command(key, protection=KeyIdentifier.KEY_TRANSPORT)
        desk.hear(parent.frame(parent.nwk_octets(apdu, 0x1234, secured=False), 0x1234))
        (indication,) = desk.indicated(apsme.TransportKeyIndication)
        assert (indication.key, indication.security.aps) == (NETWORK_KEY, KeyIdentifier.KEY_TRANSPORT)
        assert desk.host.nib.trust_center == TRUST_CENTER

    def test_a_key_for_another_is_not_ours(self) -> None:
        desk, parent = self.awaiting()
        key = aps_commands.TransportNetworkKey(
            key=NETWORK_KEY, sequence=0, destination=Eui64(0x99), source=TRUST_CENTER
        )
        apdu = parent.aps_command(key, protection=KeyIdentifier.KEY_TRANSPORT)
        desk.hear(parent.frame(parent.nwk_octets(apdu, 0x1234, secured=False), 0x1234))
        assert desk.indicated(apsme.TransportKeyIndication) == []
        assert desk.dropped == ["aps: TransportNetworkKey is not for this device"]

    def test_an_unsecured_broadcast_is_nothing_to_it(self) -> None:
        desk, parent = self.awaiting()
        octets = parent.nwk_octets(parent.apdu(ack=False, flags=0x08), 0xFFFD, secured=False)
        desk.hear(parent.frame(octets, 0xFFFF))
        assert desk.dropped == ["nwk: unsecured broadcast"]

    def test_unsecured_data_is_nothing_to_it(self) -> None:
        desk, parent = self.awaiting()
        octets = parent.nwk_octets(parent.apdu(ack=False), 0x1234, secured=False)
        desk.hear(parent.frame(octets, 0x1234))
        assert desk.dropped == ["aps: unsecured at the NWK layer"]
        assert desk.indicated(apsde.DataIndication) == []

    def test_a_secured_frame_cannot_be_read(self) -> None:
        desk, parent = self.awaiting()
        desk.hear(parent.frame(parent.nwk_octets(parent.apdu(ack=False), 0x1234), 0x1234))
        assert desk.dropped == ["nwk: no network key with sequence number 0"]


class TestSleep:
    def test_it_sleeps_when_its_parent_has_nothing(self) -> None:
        desk, _ = joined()
        desk.request(nlme.SyncRequest())
        assert desk.receiver is False

    def test_it_listens_for_what_was_promised_and_no_longer_than_that(self) -> None:
        desk, _ = joined()
        desk.acknowledges = False
        desk.request(nlme.SyncRequest())
        desk.confirm(pending=True)
        assert desk.receiver is True
        desk.run(MAX_FRAME_TOTAL_WAIT)
        assert desk.receiver is False

    def test_it_polls_on_while_frames_say_that_more_is_held(self) -> None:
        desk, parent = joined()
        desk.request(nlme.SyncRequest())
        psdu = bytearray(parent.frame(b"", 0x1234))
        psdu[0] |= mac.FRAME_PENDING
        desk.hear(bytes(psdu))
        assert sum(mac.is_data_request(each) for each in desk.sent) == 2
        desk.hear(parent.frame(b"", 0x1234))
        assert sum(mac.is_data_request(each) for each in desk.sent) == 2
        assert desk.receiver is False

    def test_a_poll_cuts_no_earlier_promise_short(self) -> None:
        desk, _ = joined()
        desk.acknowledges = False
        desk.request(nlme.SyncRequest())
        desk.confirm(pending=True)
        desk.run(MAX_FRAME_TOTAL_WAIT - 1000)
        desk.request(nlme.SyncRequest())
        desk.run(2000)
        assert desk.receiver is True
        desk.confirm(pending=True)
        desk.run(MAX_FRAME_TOTAL_WAIT - 1)
        assert desk.receiver is True

    def test_a_device_that_is_always_awake_never_switches_its_receiver(self) -> None:
        desk, _ = joined(0x8C)
        desk.request(nlme.SyncRequest())
        desk.run(SECOND)
        assert desk.asked(ReceiverOn) == []

    def test_a_reset_turns_the_receiver_on(self) -> None:
        desk, _ = joined()
        desk.request(nlme.SyncRequest())
        desk.request(nlme.ResetRequest())
        assert desk.receiver is True

    def test_it_passes_no_broadcast_on(self) -> None:
        desk, parent = joined(0x8C)
        octets = parent.nwk_octets(parent.apdu(ack=False, flags=0x08), 0xFFFD)
        desk.hear(parent.frame(octets, 0xFFFF))
        assert len(desk.indicated(apsde.DataIndication)) == 1
        assert desk.host.next_deadline() is None

    def test_its_broadcast_goes_to_its_parent_and_is_concluded_by_the_acknowledgement(self) -> None:
        desk, _ = joined()
        desk.acknowledges = False
        desk.request(nlme.LeaveRequest(device=None, address=desk.host.address))
        (frame,) = desk.frames
        assert (frame.destination, frame.ack_request) == (COORDINATOR, True)
        assert desk.opened()[0][0].destination == 0xFFFD
        assert desk.concluded == []
        desk.confirm()
        assert desk.concluded == [(True, "")]
