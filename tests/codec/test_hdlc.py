"""HDLC-lite: aiospinel is the independent reader and writer."""

from __future__ import annotations

from aiospinel.protocol import HDLCLiteFrame
from hypothesis import assume, given
from hypothesis import strategies as st

from coordinator.codec import crc, hdlc

SPECIAL = (0x7E, 0x7D, 0x11, 0x13, 0xF8)
OCTETS = st.integers(0, 255) | st.sampled_from(SPECIAL)
PAYLOADS = st.lists(OCTETS, max_size=200).map(bytes)


@st.composite
def cuts(draw: st.DrawFn, octets: bytes) -> list[bytes]:
    """The octets in arbitrary pieces, empty ones too."""
    places = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=12)))
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]


def read(*pieces: bytes, longest: int = hdlc.LONGEST) -> tuple[list[bytes], int]:
    """The payloads found in a stream of pieces, and how many frames were bad."""
    deframer = hdlc.Deframer(longest)
    return [payload for piece in pieces for payload in deframer.feed(piece)], deframer.bad


@given(PAYLOADS)
def test_aiospinel_reads_what_we_frame_and_would_frame_it_alike(payload: bytes) -> None:
    framed = hdlc.encode(payload)
    assert framed == HDLCLiteFrame(payload).serialize()
    assert HDLCLiteFrame.from_bytes(framed).data == payload


@given(st.data(), st.lists(PAYLOADS, max_size=5), st.integers(0, 3))
def test_any_split_of_the_octets_gives_the_same_frames(
    data: st.DataObject, payloads: list[bytes], flags: int
) -> None:
    stream = b"".join(HDLCLiteFrame(payload).serialize() + b"\x7e" * flags for payload in payloads)
    pieces = data.draw(cuts(stream))
    assert read(*pieces) == (payloads, 0)
    assert read(*(bytes((octet,)) for octet in stream)) == (payloads, 0)


@given(st.data(), st.lists(OCTETS, max_size=400).map(bytes), st.sampled_from([8, 64, hdlc.LONGEST]))
def test_any_split_of_any_noise_gives_the_same_frames_and_the_same_count(
    data: st.DataObject, noise: bytes, longest: int
) -> None:
    pieces = data.draw(cuts(noise + b"\x7e"))
    assert read(*pieces, longest=longest) == read(noise + b"\x7e", longest=longest)


@given(st.data(), PAYLOADS, st.integers(1, 0xFFFF))
def test_a_burst_of_up_to_sixteen_bits_in_payload_or_crc_never_passes(
    data: st.DataObject, payload: bytes, burst: int
) -> None:
    body = payload + crc.x25(payload).to_bytes(2, "little")
    shift = data.draw(st.integers(0, len(body) * 8 - 1))
    damaged = int.from_bytes(body, "little") ^ burst << shift
    octets = (damaged & (1 << len(body) * 8) - 1).to_bytes(len(body), "little")
    assume(octets != body)
    deframer = hdlc.Deframer()
    assert not deframer.feed(b"\x7e" + _stuff(octets) + b"\x7e")
    assert deframer.bad == 1


@given(st.data(), PAYLOADS, PAYLOADS, PAYLOADS)
def test_after_a_flipped_bit_the_next_frame_but_one_is_read_whatever_was_hit(
    data: st.DataObject, first: bytes, second: bytes, third: bytes
) -> None:
    stream = bytearray(hdlc.encode(first))
    at = data.draw(st.integers(0, len(stream) * 8 - 1))
    stream[at // 8] ^= 1 << at % 8
    found, _ = read(bytes(stream), hdlc.encode(second), hdlc.encode(third))
    assert found[-2:] == [second, third]


@given(st.lists(OCTETS.filter(lambda octet: octet != 0x7E), max_size=300).map(bytes), PAYLOADS)
def test_noise_before_a_flag_costs_no_frame_after_it(noise: bytes, payload: bytes) -> None:
    found, _ = read(noise, hdlc.encode(payload))
    assert found[-1] == payload


def test_what_never_ends_is_held_within_bounds_counted_once_and_ended_by_the_next_flag() -> None:
    deframer = hdlc.Deframer()
    for _ in range(1000):
        assert not deframer.feed(b"x" * 1000)
        assert len(deframer._part) <= hdlc.LONGEST
    assert deframer.feed(b"x\x7e" + hdlc.encode(b"next")) == [b"next"]
    assert deframer.bad == 1


def test_an_escape_before_a_flag_or_another_escape_aborts_the_frame() -> None:
    assert read(b"\x7eabc\x7d\x7e", b"\x7eab\x7d\x7d\x5d\x7e") == ([], 2)


def test_what_is_shorter_than_its_crc_is_bad() -> None:
    assert read(b"\x7e\x00\x7e") == ([], 1)


def test_a_reader_that_starts_anew_forgets_what_was_begun() -> None:
    deframer = hdlc.Deframer()
    deframer.feed(b"\x7e\x80\x06")
    deframer.clear()
    assert deframer.feed(hdlc.encode(b"new")) == [b"new"]
    assert deframer.bad == 0


def test_both_crcs_have_their_catalogued_check_values() -> None:
    assert crc.x25(b"123456789") == 0x906E
    assert crc.kermit(b"123456789") == 0x2189


def _stuff(octets: bytes) -> bytes:
    """Stuffing without a CRC, written out."""
    return b"".join(bytes((0x7D, octet ^ 0x20)) if octet in SPECIAL else bytes((octet,)) for octet in octets)
