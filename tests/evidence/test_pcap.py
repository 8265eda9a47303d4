"""Classic capture files: every byte order and resolution, Wireshark's own variants, broken files."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.evidence import pcap
from coordinator.evidence.captured import CapturedFrame, CaptureError
from tests.evidence import published

NO_FCS = 230
UTC = 1_795_345_440_000_000
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def classic(order: str, magic: int, fraction: int, frame: bytes = b"\x02\x00\x64") -> bytes:
    header = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, NO_FCS)
    return header + struct.pack(order + "IIII", 1_795_345_440, fraction, len(frame), len(frame) + 2) + frame


def read(octets: bytes) -> tuple[list[CapturedFrame], CaptureError | None]:
    """The packets before the error, and the error, if there is one."""
    frames: list[CapturedFrame] = []
    try:
        # `extend` keeps what the reader gave before it raised.
        frames.extend(pcap.read(octets))
    except CaptureError as error:
        return frames, error
    return frames, None


def read_until_error(octets: bytes) -> tuple[list[CapturedFrame], CaptureError]:
    frames, error = read(octets)
    assert error is not None
    return frames, error


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 214), (0xA1B23C4D, 214_999)])
class TestEveryClassicFile:
    def test_is_read_with_microseconds_of_utc(self, order: str, magic: int, fraction: int) -> None:
        (frame,) = pcap.read(classic(order, magic, fraction))
        assert frame == CapturedFrame(
            index=1,
            interface=0,
            link_type=NO_FCS,
            utc_us=UTC + 214,
            octets=b"\x02\x00\x64",
            original_length=5,
        )

    @pytest.mark.tshark
    def test_is_read_as_wireshark_reads_it(
        self, order: str, magic: int, fraction: int, tmp_path: Path
    ) -> None:
        path = tmp_path / "classic.pcap"
        path.write_bytes(classic(order, magic, fraction))
        command = ["tshark", "-n", "-r", str(path), "-T", "fields"]
        for field in ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len"):
            command += ["-e", field]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60, env=ENVIRONMENT
        )
        number, time, captured, length = done.stdout.split()
        (frame,) = pcap.read(path.read_bytes())
        assert (str(frame.index), str(len(frame.octets)), str(frame.original_length)) == (
            number,
            captured,
            length,
        )
        assert frame.utc_us == int(time.replace(".", "")) // 1_000


@pytest.mark.tshark
class TestFilesThatEditcapWrites:
    @pytest.mark.parametrize("kind", ["pcap", "nsecpcap", "pcapng"])
    @pytest.mark.parametrize(
        ("encapsulation", "link_type"),
        [("wpan", 195), ("wpan-nonask-phy", 215), ("wpan-nofcs", 230), ("wpan-tap", 283)],
    )
    def test_hold_the_same_packets(
        self, kind: str, encapsulation: str, link_type: int, tmp_path: Path
    ) -> None:
        published.write_pcap(tmp_path / "original.pcap", published.JOIN, NO_FCS)
        written = tmp_path / "written"
        command = ["editcap", "-F", kind, "-T", encapsulation, str(tmp_path / "original.pcap"), str(written)]
        subprocess.run(command, check=True, timeout=60, capture_output=True, env=ENVIRONMENT)
        frames = list(pcap.read(written.read_bytes()))
        assert [frame.octets for frame in frames] == list(published.JOIN)
        assert {frame.link_type for frame in frames} == {link_type}
        assert [frame.index for frame in frames] == list(range(1, len(published.JOIN) + 1))
        assert [frame.utc_us for frame in frames] == [
            UTC + 1_000_001 * number for number in range(len(published.JOIN))
        ]

    def test_that_were_snapped_still_tell_the_original_length(self, tmp_path: Path) -> None:
        published.write_pcap(tmp_path / "original.pcap", published.JOIN, NO_FCS)
        written = tmp_path / "written"
        command = ["editcap", "-s", "20", "-F", "pcapng", str(tmp_path / "original.pcap"), str(written)]
        subprocess.run(command, check=True, timeout=60, capture_output=True, env=ENVIRONMENT)
        for frame, original in zip(pcap.read(written.read_bytes()), published.JOIN, strict=True):
            assert (frame.octets, frame.original_length) == (original[:20], len(original))


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("octets", "said"),
        [
            (b"", "octet 0: neither a pcap nor a pcapng file"),
            (b"\xd4\xc3", "octet 0: neither a pcap nor a pcapng file"),
            (b"GIF89a" + bytes(40), "octet 0: neither a pcap nor a pcapng file"),
            (b"\x1f\x8b\x08" + bytes(40), "octet 0: this is a gzip file: unpack it first"),
            (bytes.fromhex("34cdb2a1") + bytes(20), "octet 0: this is a 'modified' pcap"),
            (bytes.fromhex("d4c3b2a1 0200 0400"), "octet 8: the file ends inside the pcap file header"),
            (bytes.fromhex("d4c3b2a1 0300 0400") + bytes(16), "octet 4: pcap version 3.4 is unknown"),
        ],
    )
    def test_are_refused_in_one_line_with_octet_and_reason(self, octets: bytes, said: str) -> None:
        frames, error = read_until_error(octets)
        assert frames == []
        assert str(error).startswith(said)
        assert "\n" not in str(error)

    def test_that_end_inside_the_last_packet_give_all_before_it(self, tmp_path: Path) -> None:
        octets = published.write_pcap(tmp_path / "whole.pcap", published.JOIN, NO_FCS)
        frames, error = read_until_error(octets[:-3])
        assert [frame.octets for frame in frames] == list(published.JOIN[:-1])
        assert error.offset == len(octets) - 3
        last = len(published.JOIN[-1])
        assert error.reason == (
            f"the file ends inside packet {len(published.JOIN)}: {last - 3} of its {last} octets are there"
        )

    def test_that_end_inside_a_packet_header_say_so(self) -> None:
        octets = classic("<", 0xA1B2C3D4, 0)
        frames, error = read_until_error(octets + b"\0\0\0")
        assert len(frames) == 1
        assert str(error) == f"octet {len(octets) + 3}: the file ends inside the header of packet 2"

    @given(st.binary(max_size=400))
    def test_raise_nothing_but_capture_errors(self, octets: bytes) -> None:
        for start in (b"", bytes.fromhex("d4c3b2a1 0200 0400"), bytes.fromhex("a1b23c4d 0002 0004")):
            frames, error = read(start + octets)
            assert error is None or 0 <= error.offset <= len(start + octets)
            assert start or error is not None
            assert all(frame.octets in octets for frame in frames)
