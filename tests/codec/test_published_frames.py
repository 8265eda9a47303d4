"""The frames and values that the references publish above the MAC, read and written octet for octet."""

from __future__ import annotations

import pytest

from coordinator.codec import (
    aps,
    aps_commands,
    mac,
    nwk,
    nwk_commands,
    security_header,
    zdp,
)
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key, NwkAddress, PanId

TC = Eui64(0x00124B0001020304)
DEVICE = Eui64(0xF4CE360011223344)
KeyIdentifier = security_header.KeyIdentifier


class TestProtocol12Nwk:
    @pytest.mark.parametrize(
        ("octets", "built"),
        [
            (0x0008, nwk.frame_control(nwk.FrameType.DATA)),
            (0x0208, nwk.frame_control(nwk.FrameType.DATA, secured=True)),
            (0x0248, nwk.frame_control(nwk.FrameType.DATA, secured=True, discover_route=1)),
            (0x1209, nwk.frame_control(nwk.FrameType.COMMAND, secured=True, source_ieee=True)),
            (
                0x1848,
                nwk.frame_control(
                    nwk.FrameType.DATA, discover_route=1, destination_ieee=True, source_ieee=True
                ),
            ),
        ],
    )
    def test_the_frame_controls_of_the_capture_are_built(self, octets: int, built: int) -> None:
        assert built == octets

    @pytest.mark.parametrize(
        ("identifier", "control"),
        [
            (KeyIdentifier.NETWORK, 0x28),
            (KeyIdentifier.DATA, 0x20),
            (KeyIdentifier.KEY_TRANSPORT, 0x30),
            (KeyIdentifier.KEY_LOAD, 0x38),
        ],
    )
    def test_the_security_controls_on_air_are_built(self, identifier: KeyIdentifier, control: int) -> None:
        assert security_header.control(key_identifier=identifier, extended_nonce=True) == control
        assert security_header.control(key_identifier=identifier, extended_nonce=True, level=5) == control | 5

    @pytest.mark.parametrize(
        ("rejoin", "asked", "options"), [(False, True, 0x40), (True, True, 0x60), (True, False, 0x20)]
    )
    def test_the_options_of_a_leave_are_built(self, rejoin: bool, asked: bool, options: int) -> None:
        assert nwk_commands.leave_options(rejoin=rejoin, request=asked) == options
        command = nwk_commands.decode(bytes([0x04, options]))
        assert isinstance(command, nwk_commands.Leave)
        assert (command.rejoin, command.request, command.remove_children) == (rejoin, asked, False)


OWN_VECTORS = {
    "transport-network-key": (
        "2110300010000004030201004b1200463d234530eb915d404428f41f25b893ae05f083b0b867a0b30dfe5473a80d22e73aa8343d3316",
        (0x10, KeyIdentifier.KEY_TRANSPORT, 0x1000, TC, 35 + 4),
    ),
    "request-key": (
        "21812000200000443322110036cef412209b293a2d",
        (0x81, KeyIdentifier.DATA, 0x2000, DEVICE, 2 + 4),
    ),
    "transport-trust-center-link-key": (
        "2111380110000004030201004b120011774f46286aea76ef9e161e747b3fb69fbe438566b6a62dc824d329aca359b7ed17accd1ced",
        (0x11, KeyIdentifier.KEY_LOAD, 0x1001, TC, 34 + 4),
    ),
    "transport-reused-link-key": (
        "2111380110000004030201004b12001177b58eed8b2bb60855d2debfbef07e0128438566b6a62dc824d329aca359b7ed17fb58d14e",
        (0x11, KeyIdentifier.KEY_LOAD, 0x1001, TC, 34 + 4),
    ),
    "confirm-key": (
        "6112200210000004030201004b12003a13134a62f010e93b5649811e6277",
        (0x12, KeyIdentifier.DATA, 0x1002, TC, 11 + 4),
    ),
}


class TestProtocol14OwnVectors:
    @pytest.mark.parametrize(("text", "reading"), OWN_VECTORS.values(), ids=OWN_VECTORS.keys())
    def test_the_header_of_a_secured_aps_command_is_read_and_written(
        self, text: str, reading: tuple[int, KeyIdentifier, int, Eui64, int]
    ) -> None:
        octets = bytes.fromhex(text)
        frame = aps.decode(octets)
        security = frame.security
        assert security is not None
        assert frame.type is aps.FrameType.COMMAND
        assert frame.secured
        assert not frame.extended_present
        assert (security.level, security.extended_nonce, security.key_sequence) == (0, True, None)
        assert reading == (
            frame.counter,
            security.key_identifier,
            security.frame_counter,
            security.source,
            len(frame.payload),
        )
        assert aps.encode(frame) == octets

    def test_the_verify_key_is_read_and_written(self) -> None:
        octets = bytes.fromhex("01820f04443322110036cef4910713a83109c2091b23c4207fdcadb0")
        frame = aps.decode(octets)
        command = aps_commands.VerifyKey(
            key_type=aps_commands.KeyType.TRUST_CENTER_LINK,
            source=DEVICE,
            hash=bytes.fromhex("910713a83109c2091b23c4207fdcadb0"),
        )
        assert (frame.frame_control, frame.counter, frame.security) == (0x01, 0x82, None)
        assert aps_commands.decode(frame.payload) == command
        assert aps.encode(frame._replace(payload=aps_commands.encode(command))) == octets

    def test_the_network_frame_is_read_and_written(self) -> None:
        octets = bytes.fromhex(
            "4802000034121e552800300000443322110036cef400b669752603ac163f2e904478607a37e6b106a98dd3c934a489"
        )
        frame = nwk.Frame(
            nwk.frame_control(nwk.FrameType.DATA, discover_route=1, secured=True),
            NwkAddress(0x0000),
            NwkAddress(0x1234),
            30,
            0x55,
            security=security_header.AuxiliaryHeader(0x28, 0x3000, DEVICE, 0),
            payload=octets[22:],
        )
        assert nwk.decode(octets) == frame
        assert nwk.encode(frame) == octets
        assert frame.security is not None
        assert frame.security.key_identifier is KeyIdentifier.NETWORK


class TestEvidenceKeyDisclosure:
    def written(self, command: aps_commands.Command) -> bytes:
        inner = aps.Frame(
            aps.frame_control(aps.FrameType.COMMAND),
            None,
            None,
            None,
            None,
            None,
            0,
            payload=aps_commands.encode(command),
        )
        outer = nwk.Frame(
            nwk.frame_control(nwk.FrameType.DATA),
            NwkAddress(0x4AB1),
            NwkAddress(0x0000),
            30,
            0,
            payload=aps.encode(inner),
        )
        frame = mac.data(
            sequence=0,
            pan_id=PanId(0x1A62),
            destination=NwkAddress(0x4AB1),
            source=NwkAddress(0x0000),
            payload=nwk.encode(outer),
            ack_request=False,
        )
        return mac.encode(frame)

    def read(self, octets: bytes) -> aps_commands.Command:
        outer = nwk.decode(mac.decode(octets).payload)
        return aps_commands.decode(aps.decode(outer.payload).payload)

    def test_the_network_key_frame_is_read_and_written(self) -> None:
        octets = bytes.fromhex(
            "418800621ab14a0000 0800b14a00001e00 0100 0501 00112233445566778899aabbccddeeff 00"
            " 1100ffeeddccbbaa 8877665544332211"
        )
        command = aps_commands.TransportNetworkKey(
            key=Key(bytes.fromhex("00112233445566778899aabbccddeeff")),
            sequence=0,
            destination=Eui64(0xAABBCCDDEEFF0011),
            source=Eui64(0x1122334455667788),
        )
        assert self.read(octets) == command
        assert self.written(command) == octets

    def test_the_link_key_frame_is_read_and_written(self) -> None:
        octets = bytes.fromhex(
            "418800621ab14a0000 0800b14a00001e00 0100 0504 5a6967426565416c6c69616e63653039"
            " 1100ffeeddccbbaa 8877665544332211"
        )
        command = aps_commands.TransportTrustCenterLinkKey(
            key=GLOBAL_LINK_KEY,
            destination=Eui64(0xAABBCCDDEEFF0011),
            source=Eui64(0x1122334455667788),
        )
        assert self.read(octets) == command
        assert self.written(command) == octets


class TestProtocol15Aps:
    @pytest.mark.parametrize(
        ("octet", "built"),
        [
            (0x21, aps.frame_control(aps.FrameType.COMMAND, secured=True)),
            (0x01, aps.frame_control(aps.FrameType.COMMAND)),
            (0x61, aps.frame_control(aps.FrameType.COMMAND, secured=True, ack_request=True)),
            (0x02, aps.frame_control(aps.FrameType.ACK)),
            (0x12, aps.frame_control(aps.FrameType.ACK, ack_format=True)),
        ],
    )
    def test_the_frame_controls_of_the_table_are_built(self, octet: int, built: int) -> None:
        assert built == octet

    @pytest.mark.parametrize(
        ("command", "size"),
        [
            (
                aps_commands.TransportNetworkKey(
                    key=GLOBAL_LINK_KEY, sequence=0, destination=DEVICE, source=TC
                ),
                35,
            ),
            (
                aps_commands.TransportTrustCenterLinkKey(key=GLOBAL_LINK_KEY, destination=DEVICE, source=TC),
                34,
            ),
            (
                aps_commands.TransportApplicationLinkKey(key=GLOBAL_LINK_KEY, partner=TC, initiator=1),
                27,
            ),
        ],
    )
    def test_a_transport_key_is_as_long_as_the_table_says(
        self, command: aps_commands.Command, size: int
    ) -> None:
        assert len(aps_commands.encode(command)) == size


class TestProtocol16Zdp:
    @pytest.mark.parametrize(
        ("server_mask", "revision"), [("4100", 0), ("4128", 20), ("412a", 21), ("412c", 22), ("412e", 23)]
    )
    def test_the_stack_revision_is_read_from_the_server_mask(self, server_mask: str, revision: int) -> None:
        octets = bytes.fromhex(f"07 00 0000 00 40 8e 3412 52 5200 {server_mask} 5200 00")
        message = zdp.decode(0x8002, octets)
        assert isinstance(message.command, zdp.NodeDescriptorResponse)
        assert message.command.descriptor is not None
        assert message.command.descriptor.stack_revision == revision
        assert message.command.descriptor.frequency_band == zdp.FREQUENCY_BAND_2400_MHZ
        assert message.command.descriptor.manufacturer == 0x1234
        assert zdp.encode(message) == octets

    def test_a_device_announce_is_read_and_written(self) -> None:
        octets = bytes.fromhex("81 b14a 443322110036cef4 8e")
        message = zdp.Message(
            sequence=0x81,
            command=zdp.DeviceAnnounce(address=NwkAddress(0x4AB1), ieee=DEVICE, capability=0x8E),
        )
        assert zdp.decode(0x0013, octets) == message
        assert zdp.encode(message) == octets
        assert zdp.cluster_of(message.command) == 0x0013
