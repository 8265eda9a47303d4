"""The law of every codec: octets either raise DecodeError, or encode back to themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
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
from coordinator.codec.cursor import DecodeError
from tests.codec import judged_aps, judged_mac, judged_nwk, judged_zdp

RoundTrip = Callable[[bytes], bytes]


def _auxiliary(octets: bytes) -> bytes:
    header, end = security_header.decode("test", octets, 0)
    return security_header.encode(header) + octets[end:]


def _zdp(octets: bytes) -> bytes:
    """The first two octets choose the cluster."""
    cluster = int.from_bytes(octets[:2], "little")
    message = zdp.decode(cluster, octets[2:])
    assert zdp.cluster_of(message.command) == cluster
    return octets[:2] + zdp.encode(message)


CODECS: dict[str, RoundTrip] = {
    "mac": lambda octets: mac.encode(mac.decode(octets)),
    "mac-command": lambda octets: mac_commands.encode(mac_commands.decode(octets)),
    "beacon": lambda octets: beacon.encode(beacon.decode(octets)),
    "zigbee-beacon": lambda octets: beacon.encode_zigbee(beacon.decode_zigbee(octets)),
    "auxiliary-header": _auxiliary,
    "nwk": lambda octets: nwk.encode(nwk.decode(octets)),
    "nwk-command": lambda octets: nwk_commands.encode(nwk_commands.decode(octets)),
    "aps": lambda octets: aps.encode(aps.decode(octets)),
    "aps-command": lambda octets: aps_commands.encode(aps_commands.decode(octets)),
    "tlv": lambda octets: tlv.encode(tlv.decode(octets)),
    "zdp": _zdp,
}


def _seeds() -> dict[str, list[bytes]]:
    """Real octets of every layer, peeled out of the frames that tshark judges."""
    seeds: dict[str, list[bytes]] = {name: [] for name in CODECS}
    for case in judged_mac.mac_cases():
        frame = mac.decode(case.psdu)
        seeds["mac"].append(case.psdu)
        if frame.type is mac.FrameType.COMMAND:
            seeds["mac-command"].append(frame.payload)
        elif frame.type is mac.FrameType.BEACON:
            seeds["beacon"].append(frame.payload)
            seeds["zigbee-beacon"].append(beacon.decode(frame.payload).payload)
    for case in (*judged_nwk.nwk_header_cases(), *judged_nwk.nwk_command_cases()):
        outer = nwk.decode(mac.decode(case.psdu).payload)
        seeds["nwk"].append(mac.decode(case.psdu).payload)
        if outer.security is not None:
            seeds["auxiliary-header"].append(security_header.encode(outer.security))
        if outer.type is nwk.FrameType.COMMAND:
            seeds["nwk-command"].append(outer.payload)
    for case in (*judged_aps.aps_header_cases(), *judged_aps.aps_command_cases()):
        octets = nwk.decode(mac.decode(case.psdu).payload).payload
        inner = aps.decode(octets)
        seeds["aps"].append(octets)
        if inner.type is aps.FrameType.COMMAND and inner.security is None:
            seeds["aps-command"].append(inner.payload)
    for case in (*judged_zdp.discovery_cases(), *judged_zdp.management_cases()):
        inner = aps.decode(nwk.decode(mac.decode(case.psdu).payload).payload)
        assert inner.cluster is not None
        seeds["zdp"].append(inner.cluster.to_bytes(2, "little") + inner.payload)
    seeds["tlv"].append(bytes.fromhex("47 02 0100ff 40 00 07"))
    return seeds


SEEDS = _seeds()


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """A real frame, cut anywhere, with a few octets changed and some more appended."""
    octets = bytearray(draw(st.sampled_from(SEEDS[name])))
    for _ in range(draw(st.integers(0, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))]) + draw(st.binary(max_size=12))


def survives(name: str, octets: bytes) -> bool:
    """Whether the octets decode; if so they must come back."""
    try:
        again = CODECS[name](octets)
    except DecodeError as error:
        refused_at = error.offset
    else:
        assert again == octets
        return True
    assert 0 <= refused_at <= len(octets)
    return False


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_arbitrary_octets_are_refused_or_come_back(name: str, data: st.DataObject) -> None:
    survives(name, data.draw(st.binary(max_size=140)))


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_damaged_frames_are_refused_or_come_back(name: str, data: st.DataObject) -> None:
    survives(name, data.draw(mutated(name)))


@pytest.mark.parametrize("name", CODECS)
def test_real_frames_come_back_and_so_does_every_cut_that_decodes(name: str) -> None:
    assert SEEDS[name]
    for seed in SEEDS[name]:
        assert survives(name, seed)
        assert survives(name, seed + b"\x00\xff") or name == "tlv"
        for end in range(len(seed)):
            survives(name, seed[:end])


@pytest.mark.parametrize(
    ("name", "tail", "decoded"),
    [
        # Three address modes each way, two versions, four types; security, pending and the rest free.
        ("mac", bytes(range(40)), 9 * 2**10),
        # All but the reserved frame type 2.
        ("nwk", bytes(60), 3 * 2**14),
        # Every APS frame control with every second octet.
        ("aps", bytes(40), 2**16),
    ],
    ids=["mac", "nwk", "aps"],
)
def test_every_frame_control_is_refused_or_comes_back(name: str, tail: bytes, decoded: int) -> None:
    found = sum(survives(name, control.to_bytes(2, "little") + tail) for control in range(2**16))
    assert found == decoded


@pytest.mark.parametrize("cluster", [*zdp.ClusterId])
@given(octets=st.binary(max_size=40), status=st.sampled_from([b"", b"\x01\x00", b"\x01\x84"]))
def test_every_zdp_cluster_refuses_octets_or_gives_them_back(
    cluster: zdp.ClusterId, octets: bytes, status: bytes
) -> None:
    survives("zdp", cluster.to_bytes(2, "little") + status + octets)


def test_a_decode_error_says_layer_octet_and_reason() -> None:
    with pytest.raises(DecodeError) as caught:
        nwk.decode(bytes.fromhex("0804 0000 3412 1e 55"))
    assert str(caught.value) == "nwk: octet 8: frame ends inside the source route"
    assert (caught.value.layer, caught.value.offset) == ("nwk", 8)
    assert caught.value.reason == "frame ends inside the source route"


@pytest.mark.parametrize(
    ("psdu", "reason"),
    [
        ("0200", "frame ends inside the frame control or sequence number"),
        ("0500 01", "reserved frame type 5"),
        ("0120 01", "frame version 2 is later than 802.15.4-2006"),
        ("0104 01", "reserved addressing mode 1"),
        ("6188 01 621a", "frame ends inside the addressing fields"),
    ],
)
def test_a_psdu_that_is_no_frame_of_2006_is_refused_with_its_reason(psdu: str, reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        mac.decode(bytes.fromhex(psdu))
    assert caught.value.reason == reason


def test_the_reserved_nwk_frame_type_is_refused() -> None:
    with pytest.raises(DecodeError, match="reserved frame type 2"):
        nwk.decode(bytes.fromhex("0a00 0000 3412 1e 55"))


def test_the_sequence_number_of_too_few_octets_is_refused() -> None:
    with pytest.raises(DecodeError):
        mac.sequence(b"\x02\x00")
