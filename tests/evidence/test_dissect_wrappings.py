"""What stands round a frame in a capture: FCS, PHY header, TAP header, TI's trailer, snapped packets."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from coordinator.evidence import pcap, phy
from coordinator.evidence.captured import CapturedFrame
from coordinator.evidence.dissect import Dissector
from coordinator.evidence.dissection import Dissection, Fields
from tests.evidence import published, reading

ASSOCIATION_REQUEST = published.ASSOCIATION_REQUEST
TI_TRAILER = bytes.fromhex("d8eb")
"""RSSI -40, CRC held, correlation 107."""


def fcs(psdu: bytes) -> bytes:
    """CRC-16 of protocol.md 1.0, bit by bit."""
    crc = 0
    for octet in psdu:
        crc ^= octet
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def tap(*fields: tuple[int, bytes]) -> bytes:
    packed = b"".join(
        struct.pack("<HH", kind, len(value)) + value + bytes(-len(value) % 4) for kind, value in fields
    )
    return struct.pack("<BBH", 0, 0, 4 + len(packed)) + packed


WITH_FCS = ASSOCIATION_REQUEST + fcs(ASSOCIATION_REQUEST)
TAP_FIELDS = ((1, struct.pack("<f", -41.0)), (3, b"\x0f\x00\x00"), (10, b"\xc8"))


def dissect(link_type: int, octets: bytes, original_length: int = 0) -> Dissection:
    frame = CapturedFrame(
        index=1, interface=0, link_type=link_type, utc_us=0, octets=octets, original_length=original_length
    )
    return Dissector().captured(frame)


def around(dissection: Dissection) -> Fields:
    found = dissection.layers["phy"]
    assert isinstance(found, dict)
    return found


WHOLE = [
    pytest.param(195, WITH_FCS, "valid", id="195"),
    pytest.param(215, bytes(4) + b"\xa7" + bytes((len(WITH_FCS),)) + WITH_FCS, "valid", id="215"),
    pytest.param(230, ASSOCIATION_REQUEST, "none", id="230"),
    pytest.param(283, tap(*TAP_FIELDS) + ASSOCIATION_REQUEST, "none", id="283-silent-about-fcs"),
    pytest.param(283, tap((0, b"\0"), *TAP_FIELDS) + ASSOCIATION_REQUEST, "none", id="283-no-fcs"),
    pytest.param(283, tap((0, b"\1"), *TAP_FIELDS) + WITH_FCS, "valid", id="283-fcs"),
    pytest.param(
        283,
        tap((0, b"\2"), *TAP_FIELDS)
        + ASSOCIATION_REQUEST
        + struct.pack("<I", zlib.crc32(ASSOCIATION_REQUEST)),
        "valid",
        id="283-32-bit-fcs",
    ),
]


@pytest.mark.parametrize(("link_type", "octets", "state"), WHOLE)
class TestAWholeFrame:
    def test_of_every_link_type_is_found(self, link_type: int, octets: bytes, state: str) -> None:
        dissection = dissect(link_type, octets)
        assert dissection.summary == "f4:ce:36:00:11:22:33:44 -> 0x0000  MAC Association Request (router)"
        assert dissection.errors == ()
        assert around(dissection)["fcs"] == state
        assert "trailing" not in dissection.layers

    @pytest.mark.tshark
    def test_is_read_as_wireshark_reads_it(
        self, link_type: int, octets: bytes, state: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "frame.pcap"
        written = published.write_pcap(path, (octets,), link_type)
        (frame,) = pcap.read(written)
        fields = (*reading.FIELDS, "wpan.fcs_ok")
        (theirs,) = reading.tshark(path, [], fields=fields)
        assert theirs.pop("wpan.fcs_ok") == [1]
        assert theirs["wpan.cmd"] == [1]
        assert reading.disagreements([Dissector().captured(frame)], [theirs]) == []


@pytest.mark.tshark
@pytest.mark.parametrize("flip", [0, 1])
@pytest.mark.parametrize("psdu", [b"\x02\x00\x64", ASSOCIATION_REQUEST])
@pytest.mark.parametrize("fcs_type", [1, 2])
def test_an_fcs_holds_where_wireshark_says_so(fcs_type: int, psdu: bytes, flip: int, tmp_path: Path) -> None:
    check = fcs(psdu) if fcs_type == 1 else struct.pack("<I", zlib.crc32(psdu))
    octets = tap((0, bytes((fcs_type,)))) + psdu + bytes((check[0] ^ flip,)) + check[1:]
    path = tmp_path / "frame.pcap"
    (frame,) = pcap.read(published.write_pcap(path, (octets,), 283))
    (theirs,) = reading.tshark(path, [], fields=["wpan.fcs_ok"])
    fields = around(Dissector().captured(frame))
    assert theirs["wpan.fcs_ok"] == [1 - flip]
    assert (fields["fcs"] == "valid") is (flip == 0)


class TestTap:
    def test_tells_channel_strength_and_quality(self) -> None:
        fields = around(dissect(283, tap((0, b"\1"), *TAP_FIELDS) + WITH_FCS))
        assert {name: fields[name] for name in ("rss_dbm", "channel", "channel_page", "lqi", "fcs_type")} == {
            "rss_dbm": -41.0,
            "channel": 15,
            "channel_page": 0,
            "lqi": 200,
            "fcs_type": 1,
        }

    def test_keeps_fields_nobody_knows(self) -> None:
        fields = around(dissect(283, tap((77, b"\1\2\3")) + ASSOCIATION_REQUEST))
        assert fields["tap_field_77"] == "010203"

    def test_writes_a_strength_that_is_no_number_as_text(self) -> None:
        fields = around(dissect(283, tap((1, struct.pack("<f", float("nan")))) + ASSOCIATION_REQUEST))
        assert fields["rss_dbm"] == "nan"

    @pytest.mark.parametrize(
        ("octets", "said"),
        [
            (b"\0\0", "phy: octet 0: frame ends inside the TAP header"),
            (b"\1\0\4\0", "phy: octet 0: TAP version 1 is unknown"),
            (b"\0\0\3\0", "phy: octet 2: the TAP header says 3 octets of 4"),
            (b"\0\0\xff\0", "phy: octet 2: the TAP header says 255 octets of 4"),
            (b"\0\0\6\0\0\0", "phy: octet 4: frame ends inside the TAP field header"),
            (b"\0\0\x08\0\0\0\x09\0", "phy: octet 8: frame ends inside the TAP field"),
            (tap((0, b"\3")), "phy: octet 4: FCS type 3 is unknown"),
        ],
    )
    def test_that_is_broken_is_an_error_with_its_octet(self, octets: bytes, said: str) -> None:
        dissection = dissect(283, octets)
        assert [str(error) for error in dissection.errors] == [said]
        assert "mac" not in dissection.layers


class TestTheTrailerOfTiRadios:
    def test_is_tolerated_in_place_of_the_fcs_and_named(self) -> None:
        dissection = dissect(195, ASSOCIATION_REQUEST + TI_TRAILER)
        fields = around(dissection)
        assert fields["fcs"] == "no FCS; read as the trailer of a TI radio, which says that the CRC held"
        assert (fields["rssi"], fields["correlation"]) == (-40, 107)
        assert dissection.errors == ()

    @pytest.mark.tshark
    def test_is_read_as_wireshark_reads_it_when_it_is_told_to(self, tmp_path: Path) -> None:
        path = tmp_path / "frame.pcap"
        (frame,) = pcap.read(published.write_pcap(path, (ASSOCIATION_REQUEST + TI_TRAILER,), 195))
        theirs = reading.tshark(path, [], "-o", "wpan.fcs_format:TI CC24xx metadata")
        assert theirs[0]["wpan.correlation"] == [107]
        assert reading.disagreements([Dissector().captured(frame)], theirs) == []

    def test_without_its_crc_bit_is_an_fcs_that_does_not_hold(self) -> None:
        dissection = dissect(195, ASSOCIATION_REQUEST + b"\xd8\x6b")
        assert around(dissection)["fcs"] == "not valid"
        (error,) = dissection.errors
        assert str(error) == f"phy: octet {len(ASSOCIATION_REQUEST)}: the FCS d86b does not hold"
        assert "mac_command" in dissection.layers


class TestThePhyHeader:
    HEADER = bytes(4) + b"\xa7"

    def test_shows_preamble_delimiter_and_length(self) -> None:
        fields = around(dissect(215, self.HEADER + bytes((0x80 | len(WITH_FCS),)) + WITH_FCS + b"\xee"))
        assert fields["preamble"] == "00000000"
        assert fields["start_of_frame_delimiter"] == "a7"
        assert fields["frame_length"] == len(WITH_FCS)
        assert fields["trailing"] == "ee"
        assert fields["fcs"] == "valid"

    @pytest.mark.parametrize("size", range(6))
    def test_that_is_cut_is_an_error(self, size: int) -> None:
        dissection = dissect(215, (self.HEADER + b"\x05")[:size])
        assert [error.layer for error in dissection.errors] == ["phy"]
        assert list(dissection.layers) == ["phy"]

    def test_with_a_length_beyond_the_packet_is_an_error(self) -> None:
        dissection = dissect(215, self.HEADER + b"\x7f" + WITH_FCS)
        (error,) = dissection.errors
        assert str(error) == f"phy: octet 5: the frame length is 127, but {len(WITH_FCS)} octets follow"


class TestDamagedFrames:
    def test_teach_nothing(self) -> None:
        dissector = Dissector()
        damaged = published.ASSOCIATION_RESPONSE + b"\0\0"
        for octets in (damaged, published.DISCLOSED_NETWORK_KEY + b"\0\0"):
            frame = CapturedFrame(index=1, interface=0, link_type=195, utc_us=0, octets=octets)
            assert around(dissector.captured(frame))["fcs"] == "not valid"
        closed = dissector.bare(published.from_device(published.REQUEST_KEY_OVER_NWK))
        assert closed.summary.endswith("encrypted (no key)")

    def test_that_were_snapped_say_so(self) -> None:
        dissection = dissect(195, WITH_FCS[:10], original_length=len(WITH_FCS))
        assert [str(error) for error in dissection.errors] == [
            "phy: octet 10: the end of the frame was not captured",
            "mac: octet 10: frame ends inside the addressing fields",
        ]

    def test_shorter_than_their_fcs_have_no_frame(self) -> None:
        dissection = dissect(195, b"\x02")
        assert [str(error) for error in dissection.errors] == ["phy: octet 1: frame ends inside the FCS"]
        assert dissection.summary == "nothing to read  [phy: octet 1: frame ends inside the FCS]"

    def test_of_another_link_type_are_not_read(self) -> None:
        dissection = dissect(1, bytes(60))
        assert [error.reason for error in dissection.errors] == ["link type 1 is not of IEEE 802.15.4"]


class TestBareOctets:
    def test_with_a_good_fcs_lose_it(self) -> None:
        dissection = Dissector().bare(WITH_FCS)
        assert around(dissection)["fcs"] == "valid"
        assert "trailing" not in dissection.layers["mac_command"]  # type: ignore[operator]

    def test_without_one_keep_all(self) -> None:
        assert phy.unwrap_bare(ASSOCIATION_REQUEST).psdu == ASSOCIATION_REQUEST
