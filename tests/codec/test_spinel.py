"""Spinel: aiospinel reads and writes the frames; layouts of raw streams are written out by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from aiospinel.protocol import SpinelFrame, SpinelHeader
from aiospinel.types import CommandID, PackedUInt21, PropertyID
from aiospinel.types import Status as TheirStatus
from hypothesis import given
from hypothesis import strategies as st

from coordinator.codec import spinel, spinel_stream
from coordinator.codec.cursor import Cursor, DecodeError, EncodeError
from coordinator.types import CHANNELS, Channel, Eui64

PACKED = st.integers(0, 2**21 - 1)
U8, I8 = st.integers(0, 0xFF), st.integers(-128, 127)
U16, U32, U64 = st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
PSDUS = st.binary(max_size=127)
TRANSMISSIONS = st.builds(
    spinel_stream.Transmission,
    PSDUS,
    st.sampled_from(CHANNELS),
    U8, U8, st.booleans(), st.booleans(), st.booleans(), st.booleans(), U32, U32, U8, I8,
)  # fmt: skip
RECEIVED = st.builds(
    spinel_stream.Received, PSDUS, st.binary(min_size=2, max_size=2), I8, I8, U16, U8, U8, U64
)
OUTCOMES = st.builds(
    spinel_stream.Outcome, st.integers(0, 200), st.booleans(), st.booleans(), st.none() | RECEIVED
)


# Packed integers and frames


@given(PACKED)
def test_packed_integers_are_aiospinel_s(value: int) -> None:
    assert spinel.pack(value) == PackedUInt21(value).serialize()
    cursor = Cursor(spinel.LAYER, spinel.pack(value) + b"\xff")
    assert spinel.unpack(cursor) == value
    assert cursor.remaining == 1


@given(st.lists(PACKED, max_size=8))
def test_lists_of_packed_integers_survive(values: list[int]) -> None:
    assert spinel.unpack_all(spinel.pack_all(values)) == tuple(values)


@pytest.mark.parametrize("value", [-1, 2**21])
def test_what_needs_more_than_21_bits_is_not_packed(value: int) -> None:
    with pytest.raises(EncodeError):
        spinel.pack(value)


@pytest.mark.parametrize("octets", ["", "80", "ff ff", "80 80 80 00", "ff ff ff 01"])
def test_a_packed_integer_that_ends_early_or_never_is_refused(octets: str) -> None:
    with pytest.raises(DecodeError):
        spinel.unpack(Cursor(spinel.LAYER, bytes.fromhex(octets)))


@given(st.integers(0, 15), st.sampled_from(list(CommandID)), st.binary(max_size=60))
def test_aiospinel_reads_our_frames_and_we_read_its(
    transaction: int, command: CommandID, payload: bytes
) -> None:
    ours = spinel.Frame(transaction, int(command), payload)
    theirs = SpinelFrame(SpinelHeader(transaction, 0, 0b10), command, payload)
    assert spinel.encode(ours) == theirs.serialize()
    assert SpinelFrame.from_bytes(spinel.encode(ours)) == theirs
    assert spinel.decode(theirs.serialize()) == ours


@given(st.builds(spinel.Frame, st.integers(0, 15), PACKED, st.binary(max_size=60)))
def test_a_frame_survives(frame: spinel.Frame) -> None:
    assert spinel.decode(spinel.encode(frame)) == frame


@pytest.mark.parametrize("octets", ["", "80", "01 02", "c1 02", "41 02"])
def test_what_is_no_spinel_frame_is_refused(octets: str) -> None:
    with pytest.raises(DecodeError):
        spinel.decode(bytes.fromhex(octets))


@pytest.mark.parametrize("transaction", [-1, 16])
def test_a_transaction_beyond_four_bits_is_not_encoded(transaction: int) -> None:
    with pytest.raises(EncodeError):
        spinel.encode(spinel.Frame(transaction, 0, b""))


def test_the_numbers_are_aiospinel_s_but_for_the_one_that_it_has_wrong() -> None:
    for ours, theirs in ((spinel.Command, CommandID), (spinel.Property, PropertyID)):
        for member in theirs:
            if member.name in ours.__members__ and member.name != "MAC_SCAN_STATE":
                assert ours[member.name] == int(member), member.name
    assert int(spinel.Property.MAC_SCAN_STATE) == 48
    assert int(spinel.Status.RESET_POWER_ON) == int(TheirStatus.RESET_POWER_ON)


@given(PACKED, st.binary(max_size=40))
def test_a_property_and_its_value_survive(property_id: int, value: bytes) -> None:
    assert spinel.split(spinel.valued(property_id, value)) == (property_id, value)


def test_an_eui_64_is_sent_most_significant_octet_first() -> None:
    address = Eui64.parse("00:12:4b:00:01:02:03:04")
    assert spinel.eui64(address).hex() == "00124b0001020304"
    assert spinel.read_eui64(bytes.fromhex("00124b0001020304")) == address
    with pytest.raises(DecodeError):
        spinel.read_eui64(bytes(7))


# STREAM_RAW


@given(RECEIVED)
def test_a_received_frame_survives(received: spinel_stream.Received) -> None:
    assert spinel_stream.decode_received(spinel_stream.encode_received(received)) == received


@given(TRANSMISSIONS, TRANSMISSIONS)
def test_a_transmission_survives(
    transmission: spinel_stream.Transmission, default: spinel_stream.Transmission
) -> None:
    octets = spinel_stream.encode_transmission(transmission)
    assert spinel_stream.decode_transmission(octets, default) == transmission


@given(OUTCOMES)
def test_an_outcome_survives(outcome: spinel_stream.Outcome) -> None:
    assert spinel_stream.decode_outcome(spinel_stream.encode_outcome(outcome)) == outcome


def test_a_received_frame_is_laid_out_as_firmware_does() -> None:
    octets = struct.pack("<H3s2sbbHHBBQHBHBI", 5, b"\x02\x00\x2a", b"\xaa\xbb", -40, -95, 0x10, 10, 15, 255,
                         1_000_000, 1, 0, 5, 0, 0)  # fmt: skip
    received = spinel_stream.Received(
        b"\x02\x00\x2a", b"\xaa\xbb", -40, -95, 0x10, channel=15, lqi=255, timestamp=1_000_000
    )
    assert spinel_stream.encode_received(received) == octets
    assert spinel_stream.decode_received(octets) == received


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("0300 aa 0000", spinel_stream.Received(b"\xaa")),
        ("0300 aa 0000 d8 a1 1000", spinel_stream.Received(b"\xaa", rssi=-40, noise=-95, flags=16)),
        (
            "0300 aa 0000 d8 a1 1000 0200 0f ff",
            spinel_stream.Received(b"\xaa", rssi=-40, noise=-95, flags=16, channel=15, lqi=255),
        ),
        ("0300 aa 0000 d8 a1 0000 0000", spinel_stream.Received(b"\xaa", rssi=-40, noise=-95)),
    ],
)
def test_older_firmware_leaves_metadata_out(octets: str, expected: spinel_stream.Received) -> None:
    assert spinel_stream.decode_received(bytes.fromhex(octets)) == expected


def test_a_transmission_is_laid_out_as_hosts_do_and_its_last_fields_may_be_left_out() -> None:
    octets = struct.pack(
        "<H3s2sBBBBBBBIIBb", 5, b"\x03\x08\x01", bytes(2), 20, 1, 4, 1, 1, 0, 1, 0, 0, 20, -5
    )
    transmission = spinel_stream.Transmission(
        b"\x03\x08\x01", Channel(20), backoffs=1, retries=4, channel_after=20, power=-5
    )
    assert spinel_stream.encode_transmission(transmission) == octets
    default = spinel_stream.Transmission(b"", Channel(11), 9, 8, False, False, True, False, 7, 6, 5, 4)
    assert spinel_stream.decode_transmission(octets, default) == transmission
    shortened = spinel_stream.decode_transmission(octets[:10], default)
    assert shortened == default._replace(psdu=b"\x03\x08\x01", channel=Channel(20), backoffs=1, retries=4)
    assert spinel_stream.decode_transmission(octets[:7], default) == default._replace(psdu=b"\x03\x08\x01")


def test_octets_after_a_transmission_s_last_field_are_refused() -> None:
    octets = spinel_stream.encode_transmission(spinel_stream.Transmission(b"\x03\x08\x01", Channel(20)))
    with pytest.raises(DecodeError):
        spinel_stream.decode_transmission(octets + b"\x00", spinel_stream.Transmission(b"", Channel(11)))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("11", spinel_stream.Outcome(17)),
        ("00 01", spinel_stream.Outcome(0, True)),
        ("12 00 00", spinel_stream.Outcome(18, False, False)),
    ],
)
def test_an_outcome_may_end_early(octets: str, expected: spinel_stream.Outcome) -> None:
    assert spinel_stream.decode_outcome(bytes.fromhex(octets)) == expected


DEFAULT = spinel_stream.Transmission(b"", Channel(11))
DECODERS: dict[str, Callable[[bytes], object]] = {
    "frame": spinel.decode,
    "property": spinel.split,
    "list": spinel.unpack_all,
    "eui64": spinel.read_eui64,
    "received": spinel_stream.decode_received,
    "transmission": lambda octets: spinel_stream.decode_transmission(octets, DEFAULT),
    "outcome": spinel_stream.decode_outcome,
}


@pytest.mark.parametrize("name", DECODERS)
@given(octets=st.binary(max_size=60) | RECEIVED.map(spinel_stream.encode_received), cut=st.integers(0, 60))
def test_any_octets_are_decoded_or_refused_and_nothing_else(name: str, octets: bytes, cut: int) -> None:
    for whole_or_cut in (octets, octets[:cut]):
        try:
            DECODERS[name](whole_or_cut)
        except DecodeError as error:
            refused_at = error.offset
        else:
            continue
        assert 0 <= refused_at <= len(whole_or_cut)


@pytest.mark.parametrize(
    "encode",
    [
        lambda: spinel_stream.encode_received(spinel_stream.Received(b"", rssi=200)),
        lambda: spinel_stream.encode_received(spinel_stream.Received(b"", channel=256)),
        lambda: spinel_stream.encode_transmission(spinel_stream.Transmission(b"", Channel(11), retries=-1)),
        lambda: spinel_stream.encode_transmission(spinel_stream.Transmission(bytes(70_000), Channel(11))),
    ],
)
def test_a_value_that_has_no_octets_is_an_encode_error(encode: Callable[[], bytes]) -> None:
    with pytest.raises(EncodeError):
        encode()
