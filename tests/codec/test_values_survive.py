"""The other law: a value encodes to octets that decode to that value."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import (
    aps,
    aps_commands,
    beacon,
    mac,
    mac_commands,
    nwk,
    nwk_commands,
    security_header,
    tlv,
    zdp,
)
from tests.codec.strategies import U8, aps_frames, auxiliary_headers, mac_frames, nwk_frames
from tests.codec.strategies_commands import APS_COMMANDS, BEACONS, MAC_COMMANDS, NWK_COMMANDS, ZIGBEE_BEACONS
from tests.codec.strategies_zdp import ZDP_REQUESTS, ZDP_RESPONSES


@given(mac_frames())
def test_a_mac_frame_survives(frame: mac.Frame) -> None:
    assert mac.decode(mac.encode(frame)) == frame


@given(auxiliary_headers(), st.binary(max_size=5))
def test_an_auxiliary_header_survives(header: security_header.AuxiliaryHeader, before: bytes) -> None:
    octets = before + security_header.encode(header)
    assert security_header.decode("nwk", octets + b"\x01", len(before)) == (header, len(octets))


@given(nwk_frames())
def test_a_nwk_frame_survives(frame: nwk.Frame) -> None:
    assert nwk.decode(nwk.encode(frame)) == frame


@given(aps_frames())
def test_an_aps_frame_survives(frame: aps.Frame) -> None:
    assert aps.decode(aps.encode(frame)) == frame


@given(MAC_COMMANDS)
def test_a_mac_command_survives(command: mac_commands.Command) -> None:
    assert mac_commands.decode(mac_commands.encode(command)) == command


@given(BEACONS)
def test_a_beacon_survives(value: beacon.Beacon) -> None:
    assert beacon.decode(beacon.encode(value)) == value


@given(ZIGBEE_BEACONS)
def test_a_zigbee_beacon_payload_survives(value: beacon.ZigbeePayload) -> None:
    assert beacon.decode_zigbee(beacon.encode_zigbee(value)) == value


@given(NWK_COMMANDS)
def test_a_nwk_command_survives(command: nwk_commands.Command) -> None:
    assert nwk_commands.decode(nwk_commands.encode(command)) == command


@given(APS_COMMANDS)
def test_an_aps_command_survives(command: aps_commands.Command) -> None:
    assert aps_commands.decode(aps_commands.encode(command)) == command


@given(U8, st.one_of(ZDP_REQUESTS, ZDP_RESPONSES))
def test_a_zdp_message_survives(sequence: int, command: zdp.Command) -> None:
    message = zdp.Message(sequence=sequence, command=command)
    assert zdp.decode(zdp.cluster_of(command), zdp.encode(message)) == message


@given(st.lists(st.builds(tlv.Tlv, tag=U8, value=st.binary(min_size=1, max_size=256)), max_size=4).map(tuple))
def test_tlvs_survive(tlvs: tuple[tlv.Tlv, ...]) -> None:
    assert tlv.decode(tlv.encode(tlvs)) == tlvs


def test_the_length_octet_of_a_tlv_is_one_less_than_its_length() -> None:
    assert tlv.encode((tlv.Tlv(tag=0x47, value=b"\x01\x02\x03"),)) == bytes.fromhex("47 02 010203")
