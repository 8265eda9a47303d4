"""The MAC frames and values that section 1.1 of the protocol reference publishes."""

from __future__ import annotations

import pytest

from coordinator.codec import beacon, mac, mac_commands
from coordinator.types import Eui64, ExtendedPanId, NwkAddress, PanId

NONE, SHORT, EXTENDED = mac.AddressMode.NONE, mac.AddressMode.SHORT, mac.AddressMode.EXTENDED
TC = Eui64(0x00124B0001020304)
DEVICE = Eui64(0xF4CE360011223344)


class TestProtocol11Mac:
    def test_the_captured_beacon_request_is_written_octet_for_octet(self) -> None:
        control = mac.frame_control(mac.FrameType.COMMAND, destination_mode=SHORT)
        payload = mac_commands.encode(mac_commands.BeaconRequest())
        frame = mac.Frame(control, 0x64, PanId(0xFFFF), NwkAddress(0xFFFF), None, None, payload)
        assert mac.encode(frame) == bytes.fromhex("03 08 64 ff ff ff ff 07")

    def test_the_captured_beacon_request_is_read(self) -> None:
        frame = mac.decode(bytes.fromhex("03 08 64 ff ff ff ff 07"))
        assert frame.type is mac.FrameType.COMMAND
        assert (frame.sequence, frame.destination_pan, frame.destination) == (0x64, 0xFFFF, 0xFFFF)
        assert (frame.source_pan, frame.source, frame.source_mode) == (None, None, NONE)
        assert mac_commands.decode(frame.payload) == mac_commands.BeaconRequest()

    @pytest.mark.parametrize(
        ("octets", "built"),
        [
            (0x8000, mac.frame_control(mac.FrameType.BEACON, source_mode=SHORT)),
            (
                0xC823,
                mac.frame_control(
                    mac.FrameType.COMMAND, ack_request=True, destination_mode=SHORT, source_mode=EXTENDED
                ),
            ),
            (
                0xC863,
                mac.frame_control(
                    mac.FrameType.COMMAND,
                    ack_request=True,
                    pan_id_compression=True,
                    destination_mode=SHORT,
                    source_mode=EXTENDED,
                ),
            ),
            (
                0xCC63,
                mac.frame_control(
                    mac.FrameType.COMMAND,
                    ack_request=True,
                    pan_id_compression=True,
                    destination_mode=EXTENDED,
                    source_mode=EXTENDED,
                ),
            ),
        ],
    )
    def test_the_frame_controls_of_a_join_are_those_of_the_table(self, octets: int, built: int) -> None:
        assert built == octets

    @pytest.mark.parametrize(("ack_request", "control"), [(True, 0x8861), (False, 0x8841)])
    def test_data_frames_have_the_frame_control_of_the_table(self, ack_request: bool, control: int) -> None:
        frame = mac.data(
            sequence=1,
            pan_id=PanId(0x1A62),
            destination=NwkAddress(0),
            source=NwkAddress(0x4AB1),
            payload=b"",
            ack_request=ack_request,
        )
        assert frame.frame_control == control
        assert frame.ack_request is ack_request

    def test_an_association_request_from_pan_ffff_is_read(self) -> None:
        octets = bytes.fromhex("23c8 01 621a 0000 ffff 443322110036cef4 01 8e")
        frame = mac.decode(octets)
        assert (frame.destination_pan, frame.source_pan, frame.source) == (0x1A62, 0xFFFF, DEVICE)
        assert frame.source_pan_id == 0xFFFF
        assert mac_commands.decode(frame.payload) == mac_commands.AssociationRequest(capability=0x8E)

    def test_an_association_response_carries_its_address_before_its_status(self) -> None:
        frame = mac.decode(bytes.fromhex("63cc 02 621a 443322110036cef4 0403020100 4b1200 02 b14a 00"))
        assert (frame.destination, frame.source) == (DEVICE, TC)
        assert frame.source_pan_id == 0x1A62
        assert mac_commands.decode(frame.payload) == mac_commands.AssociationResponse(
            address=NwkAddress(0x4AB1), status=mac_commands.AssociationStatus.SUCCESS
        )

    @pytest.mark.parametrize(
        ("permit", "coordinator", "value"),
        [(True, True, 0xCFFF), (False, True, 0x4FFF), (True, False, 0x8FFF), (False, False, 0x0FFF)],
    )
    def test_the_superframe_specification_is_that_of_the_table(
        self, permit: bool, coordinator: bool, value: int
    ) -> None:
        assert beacon.superframe(association_permit=permit, pan_coordinator=coordinator) == value

    @pytest.mark.parametrize(
        ("octets", "router", "end_device", "depth"),
        [
            ("2284", True, True, 0),
            ("2200", False, False, 0),
            ("2204", True, False, 0),
            ("2280", False, True, 0),
            ("228c", True, True, 1),
        ],
    )
    def test_the_capacities_of_the_zigbee_beacon_are_in_their_bits(
        self, octets: str, router: bool, end_device: bool, depth: int
    ) -> None:
        payload = bytes.fromhex(f"00 {octets} 221100ccbbaaeedd ffffff 00")
        value = beacon.ZigbeePayload(
            extended_pan_id=ExtendedPanId(Eui64(0xDDEEAABBCC001122)),
            router_capacity=router,
            end_device_capacity=end_device,
            depth=depth,
        )
        assert beacon.decode_zigbee(payload) == value
        assert beacon.encode_zigbee(value) == payload

    def test_the_capability_of_a_router_is_8e_and_of_a_sleepy_end_device_80(self) -> None:
        flags = mac_commands.Capability
        router = (
            flags.FULL_FUNCTION_DEVICE | flags.MAINS_POWERED | flags.RX_ON_WHEN_IDLE | flags.ALLOCATE_ADDRESS
        )
        assert (router, flags.ALLOCATE_ADDRESS) == (0x8E, 0x80)

    def test_the_fcs_has_the_check_value_of_crc_16_kermit(self) -> None:
        assert mac.fcs(b"123456789") == 0x2189
        assert mac.append_fcs(b"123456789")[-2:] == b"\x89\x21"

    def test_a_wrong_fcs_is_noticed(self) -> None:
        good = mac.append_fcs(bytes.fromhex("02 00 64"))
        assert mac.fcs_is_valid(good)
        assert not mac.fcs_is_valid(good[:-1] + bytes([good[-1] ^ 1]))
        assert not mac.fcs_is_valid(b"\x00")

    @pytest.mark.parametrize(
        ("octets", "poll"),
        [
            ("63c8 01 621a 0000 443322110036cef4 04", True),
            ("6388 01 621a 0000 b14a 04", True),
            ("6388 01 621a 0000 b14a 01", False),
            ("6188 01 621a 0000 b14a 04", False),
            ("6388 01 621a 0000 b14a", False),
            ("6b88 01 621a 0000 b14a 04", False),
            ("6384 01 621a 0000 b14a 04", False),
            ("", False),
        ],
    )
    def test_a_data_request_is_recognised_in_raw_octets(self, octets: str, poll: bool) -> None:
        assert mac.is_data_request(bytes.fromhex(octets)) is poll

    def test_an_acknowledgement_is_recognised_in_raw_octets(self) -> None:
        psdu = mac.encode(mac.ack(0x64, frame_pending=True))
        assert psdu == bytes.fromhex("12 00 64")
        assert mac.encode(mac.ack(0x64, frame_pending=False)) == bytes.fromhex("02 00 64")
        assert mac.is_ack(psdu)
        assert mac.sequence(psdu) == 0x64
        assert not mac.wants_ack(psdu)
        assert not mac.is_ack(psdu[:2])
        assert mac.wants_ack(bytes.fromhex("6188 01 621a 0000 b14a"))
        assert not mac.is_ack(bytes.fromhex("6188 01"))
