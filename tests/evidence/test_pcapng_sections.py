"""pcapng files: both byte orders, all packet blocks, interfaces, sections, comments, secrets, broken blocks.

The files are written by hand from the published layout; tshark and editcap judge the reading.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.evidence import pcap
from coordinator.evidence.captured import Secrets
from tests.evidence.test_pcap import ENVIRONMENT, read, read_until_error

ACK = b"\x02\x00\x64"
UTC = 1_795_345_440_000_214
COMMENT, NAME, RESOLUTION, OFFSET = 1, 2, 9, 14

Options = Sequence[tuple[int, bytes]]


class Writer:
    """Blocks of one byte order, by hand."""

    def __init__(self, order: str) -> None:
        self.order = order

    def block(self, kind: int, body: bytes) -> bytes:
        total = struct.pack(self.order + "I", len(body) + 12)
        return struct.pack(self.order + "I", kind) + total + body + total

    def options(self, options: Options) -> bytes:
        if not options:
            return b""
        packed = [
            struct.pack(self.order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
            for code, value in options
        ]
        return b"".join(packed) + bytes(4)

    def section(self) -> bytes:
        return self.block(0x0A0D0D0A, struct.pack(self.order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link_type: int = 230, snap: int = 0, options: Options = ()) -> bytes:
        return self.block(1, struct.pack(self.order + "HHI", link_type, 0, snap) + self.options(options))

    def enhanced(self, ticks: int, octets: bytes = ACK, interface: int = 0, options: Options = ()) -> bytes:
        high, low, length = ticks >> 32, ticks & 0xFFFFFFFF, len(octets)
        head = struct.pack(self.order + "IIIII", interface, high, low, length, length)
        return self.block(6, head + octets + bytes(-length % 4) + self.options(options))

    def obsolete(self, ticks: int, octets: bytes = ACK, interface: int = 0) -> bytes:
        high, low, length = ticks >> 32, ticks & 0xFFFFFFFF, len(octets)
        head = struct.pack(self.order + "HHIIII", interface, 0, high, low, length, length)
        return self.block(2, head + octets + bytes(-length % 4))

    def simple(self, octets: bytes, original: int) -> bytes:
        return self.block(3, struct.pack(self.order + "I", original) + octets + bytes(-len(octets) % 4))

    def secrets(self, kind: int, octets: bytes) -> bytes:
        head = struct.pack(self.order + "II", kind, len(octets))
        return self.block(10, head + octets + bytes(-len(octets) % 4))


@pytest.fixture(params=["<", ">"], ids=["little-endian", "big-endian"])
def writer(request: pytest.FixtureRequest) -> Writer:
    return Writer(str(request.param))


def tshark(path: Path, *fields: str) -> list[list[str]]:
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("resolution", "ticks"),
    [
        (None, UTC),
        (6, UTC),
        (3, UTC // 1_000),
        (9, UTC * 1_000 + 999),
        (0, UTC // 1_000_000),
        (0x80 | 20, UTC * 2**20 // 1_000_000),
        (0x80, UTC // 1_000_000),
    ],
)
class TestTimeResolution:
    def capture(self, writer: Writer, resolution: int | None, ticks: int) -> bytes:
        options = [] if resolution is None else [(RESOLUTION, bytes((resolution,)))]
        return writer.section() + writer.interface(options=options) + writer.enhanced(ticks)

    def test_every_unit_becomes_microseconds(
        self, writer: Writer, resolution: int | None, ticks: int
    ) -> None:
        (frame,) = pcap.read(self.capture(writer, resolution, ticks))
        coarseness = {3: 1_000, 0: 1_000_000, 0x80: 1_000_000}.get(resolution or 6, 1)
        if resolution == 0:
            coarseness = 1_000_000
        assert frame.utc_us is not None
        assert 0 <= UTC - frame.utc_us <= coarseness

    @pytest.mark.tshark
    def test_the_time_is_the_one_wireshark_shows(
        self, writer: Writer, resolution: int | None, ticks: int, tmp_path: Path
    ) -> None:
        path = tmp_path / "time.pcapng"
        path.write_bytes(self.capture(writer, resolution, ticks))
        ((shown,),) = tshark(path, "frame.time_epoch")
        (frame,) = pcap.read(path.read_bytes())
        assert frame.utc_us == int(shown.replace(".", "")) // 1_000


class TestPackets:
    def capture(self, writer: Writer) -> bytes:
        return b"".join(
            (
                writer.section(),
                writer.interface(230, options=[(NAME, b"keys")]),
                writer.interface(195, options=[(NAME, b"radio0\0")]),
                writer.enhanced(
                    UTC, b"\x01\x02\x03\x04\x05", 1, [(COMMENT, b"one"), (COMMENT, b"and \xc3\xa9")]
                ),
                writer.obsolete(UTC + 1, b"\x06\x07\x08", 0),
                writer.simple(b"\x09\x0a\x0b\x0c", 4),
            )
        )

    def test_of_all_three_kinds_are_read(self, writer: Writer) -> None:
        enhanced, obsolete, simple = pcap.read(self.capture(writer))
        assert (enhanced.octets, obsolete.octets, simple.octets) == (
            b"\x01\x02\x03\x04\x05",
            b"\x06\x07\x08",
            b"\x09\x0a\x0b\x0c",
        )
        assert (enhanced.utc_us, obsolete.utc_us, simple.utc_us) == (UTC, UTC + 1, None)
        assert (enhanced.link_type, obsolete.link_type, simple.link_type) == (195, 230, 230)
        assert (enhanced.interface_name, obsolete.interface_name) == ("radio0", "keys")
        assert [frame.index for frame in (enhanced, obsolete, simple)] == [1, 2, 3]

    def test_keep_all_their_comments(self, writer: Writer) -> None:
        enhanced, obsolete, _ = pcap.read(self.capture(writer))
        assert (enhanced.comments, obsolete.comments) == (("one", "and \xe9"), ())

    @pytest.mark.tshark
    def test_are_those_that_wireshark_reads(self, writer: Writer, tmp_path: Path) -> None:
        path = tmp_path / "packets.pcapng"
        path.write_bytes(self.capture(writer))
        fields = ("frame.number", "frame.interface_id", "frame.interface_name", "frame.cap_len")
        names = {0: "keys", 1: "radio0"}
        assert tshark(path, *fields) == [
            [str(frame.index), str(frame.interface), names[frame.interface], str(len(frame.octets))]
            for frame in pcap.read(path.read_bytes())
        ]

    def test_stand_between_blocks_of_any_other_kind(self, writer: Writer) -> None:
        unknown = writer.block(0x0BAD, b"a block of a kind that nobody knows!")
        octets = writer.section() + unknown + writer.interface() + unknown + writer.enhanced(UTC) + unknown
        (frame,) = pcap.read(octets)
        assert (frame.index, frame.octets) == (1, ACK)

    def test_in_a_simple_block_are_cut_at_the_snap_length(self, writer: Writer) -> None:
        octets = writer.section() + writer.interface(snap=4) + writer.simple(b"\x01\x02\x03\x04", 60)
        (frame,) = pcap.read(octets)
        assert (frame.octets, frame.original_length) == (b"\x01\x02\x03\x04", 60)

    def test_count_their_time_from_the_offset_of_their_interface(self, writer: Writer) -> None:
        offset = struct.pack(writer.order + "q", 1_795_345_440)
        octets = writer.section() + writer.interface(options=[(OFFSET, offset)]) + writer.enhanced(214)
        (frame,) = pcap.read(octets)
        assert frame.utc_us == UTC


class TestSections:
    def test_of_different_byte_orders_have_interfaces_of_their_own(self) -> None:
        octets = b""
        for order, link_type in (("<", 230), (">", 195)):
            writer = Writer(order)
            octets += writer.section() + writer.interface(link_type) + writer.enhanced(UTC)
        first, second = pcap.read(octets)
        assert (first.link_type, second.link_type) == (230, 195)
        assert (first.index, second.index) == (1, 2)
        assert first.interface == second.interface == 0

    def test_do_not_lend_their_interfaces_to_the_next(self, writer: Writer) -> None:
        octets = writer.section() + writer.interface() + writer.enhanced(UTC)
        frames, error = read_until_error(octets + writer.section() + writer.enhanced(UTC))
        assert len(frames) == 1
        assert error.reason == "packet 2 names interface 0: there is none"


class TestSecrets:
    def test_come_with_the_next_packet(self, writer: Writer) -> None:
        octets = b"".join(
            (
                writer.section(),
                writer.interface(),
                writer.enhanced(UTC),
                writer.secrets(0x5A4E574B, b"0123456789abcdefXY"),
                writer.secrets(0x544C534B, b"CLIENT_RANDOM 0 1"),
                writer.enhanced(UTC),
            )
        )
        first, second = pcap.read(octets)
        assert first.secrets == ()
        assert second.secrets == (
            Secrets(kind=0x5A4E574B, octets=b"0123456789abcdefXY"),
            Secrets(kind=0x544C534B, octets=b"CLIENT_RANDOM 0 1"),
        )


class TestBrokenFiles:
    @pytest.mark.parametrize("cut", range(1, 36))
    def test_that_are_cut_give_what_stands_before_the_cut(self, cut: int, writer: Writer) -> None:
        whole = writer.section() + writer.interface() + writer.enhanced(UTC)
        frames, error = read_until_error((whole + writer.enhanced(UTC))[:-cut])
        assert len(frames) == 1
        assert error.offset == len(whole) + 36 - cut
        assert "the file ends inside a block" in error.reason

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"\0\0\0\0\x0c\0\0\0\x10\0\0\0", "a block of 12 octets ends with the length 16"),
            (b"\0\0\0\0\x08\0\0\0\x08\0\0\0", "a block cannot be 8 octets long"),
            (b"\0\0\0\0\xff\xff\xff\x7f", "the file ends inside a block header"),
            (b"\0\0\0\0\xff\xff\xff\x7f\0\0\0\0", "the file ends inside a block of type 0"),
            (Writer("<").block(1, bytes(4)), "the interface description is too short"),
            (Writer("<").block(6, bytes(8)), "the header of packet 1 is longer than its block"),
            (Writer("<").enhanced(UTC, interface=7), "packet 1 names interface 7: there is none"),
            (Writer("<").simple(b"", 4), "packet 1 says 4 octets, more than its block holds"),
            (Writer("<").block(10, bytes(4)), "the decryption secrets are longer than their block"),
            (Writer("<").block(10, b"KWNZ\xff\0\0\0"), "the decryption secrets are longer than their block"),
            (
                Writer("<").block(6, struct.pack("<IIIII", 0, 0, 0, 0, 0) + b"\x01\0\xff\0"),
                "option 1 is longer than its block",
            ),
        ],
    )
    def test_say_what_is_wrong_and_where(self, body: bytes, said: str) -> None:
        start = Writer("<").section() + Writer("<").interface()
        frames, error = read_until_error(start + body)
        assert frames == []
        assert error.reason.startswith(said)
        assert len(start) <= error.offset <= len(start + body)

    @pytest.mark.parametrize(
        ("octets", "said"),
        [
            (b"\x0a\x0d\x0d\x0a\x1c\0\0\0", "octet 8: the file ends inside a pcapng section header"),
            (b"\x0a\x0d\x0d\x0a\x1c\0\0\0abcd", "octet 8: 61626364 is not the byte-order magic"),
            (Writer("<").block(0x0A0D0D0A, b"\x4d\x3c\x2b\x1a"), "octet 0: the section header is too short"),
            (
                Writer(">").block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 2, 0, -1)),
                "octet 12: pcapng version 2.0 is unknown",
            ),
        ],
    )
    def test_without_a_good_section_header_are_refused(self, octets: bytes, said: str) -> None:
        frames, error = read_until_error(octets)
        assert frames == []
        assert str(error).startswith(said)

    @given(blocks=st.lists(st.tuples(st.sampled_from([1, 2, 3, 5, 6, 10]), st.binary(max_size=60))))
    def test_raise_nothing_but_capture_errors(self, blocks: list[tuple[int, bytes]]) -> None:
        writer = Writer("<")
        octets = writer.section() + writer.interface()
        for kind, body in blocks:
            octets += writer.block(kind, body + bytes(-len(body) % 4))
        frames, error = read(octets)
        packets = sum(kind in (2, 3, 6) for kind, _ in blocks)
        assert len(frames) == packets if error is None else len(frames) <= packets
        assert error is None or 0 <= error.offset <= len(octets)

    @given(st.binary(max_size=200), st.integers(min_value=0, max_value=119))
    def test_that_were_overwritten_raise_nothing_but_capture_errors(self, octets: bytes, at: int) -> None:
        writer = Writer(">")
        whole = writer.section() + writer.interface(options=[(RESOLUTION, b"\x09")]) + writer.enhanced(UTC)
        broken = whole[:at] + octets + whole[at + len(octets) :]
        _, error = read(broken)
        assert error is None or 0 <= error.offset <= len(broken)
