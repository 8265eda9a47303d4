"""`decode`: what was read and what was not, on stdout, stderr and in the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coordinator.cli import invoke

BEACON_REQUEST = "030864ffffffff07"
"""A whole frame, as sniffed; it decodes to a Beacon Request (`tests/codec` has tshark's word for it)."""


def decode(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = invoke(["decode", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "run.pcapng"
    invoke(["simulate", "--profile", "zb3", "--joiner", "telink", "--capture", str(path)])
    capsys.readouterr()
    return path


def classic(*frames: bytes, link_type: int = 230) -> bytes:
    """A pcap file by the published layout."""
    header = bytes.fromhex("d4c3b2a1020004000000000000000000ffff0000") + link_type.to_bytes(4, "little")
    records = (bytes(8) + 2 * len(frame).to_bytes(4, "little") + frame for frame in frames)
    return header + b"".join(records)


def test_octets_that_are_a_frame_pass(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = decode(capsys, BEACON_REQUEST)
    assert (code, err) == (0, "")
    assert "Beacon Request" in out


def test_octets_that_are_no_frame_are_bad_input_and_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = decode(capsys, "0308")
    assert code == 2
    assert "malformed" in out  # as far as it goes
    assert err.count("\n") == 1
    assert "malformed: mac: octet 2" in err


def test_a_file_with_malformed_frames_is_read_and_they_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "air.pcap"
    whole = bytes.fromhex(BEACON_REQUEST)
    path.write_bytes(classic(whole, b"\x03", whole, b"\x03\x08"))
    code, out, err = decode(capsys, str(path))
    assert code == 0
    assert out.count("Beacon Request") == 2
    assert err == f"legacy-tc: {path}: 2 frames are malformed\n"


def test_frames_of_something_else_beside_ours_are_malformed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ethernet.pcap"
    path.write_bytes(classic(bytes(60), link_type=1))
    assert decode(capsys, str(path)) == (
        2, "", f"legacy-tc: {path}: link type 1 is not of IEEE 802.15.4, nor is any other in this file\n",
    )  # fmt: skip


def test_a_capture_without_frames_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.pcap"
    path.write_bytes(classic())
    assert decode(capsys, str(path)) == (0, "", "")


@pytest.mark.parametrize("lost", [1, 4, 11, 40])
def test_a_capture_that_was_cut_off_is_decoded_up_to_there(
    lost: int, capture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, whole, _ = decode(capsys, str(capture), "--json")
    capture.write_bytes(capture.read_bytes()[:-lost])
    code, out, err = decode(capsys, str(capture), "--json")
    assert code == 0
    assert out.splitlines() == whole.splitlines()[: len(out.splitlines())]
    assert len(out.splitlines()) >= len(whole.splitlines()) - 2
    assert err.count("\n") == 1
    assert "decoded up to where it was cut off" in err
    json.loads(out.splitlines()[-1])


def test_a_classic_capture_that_was_cut_off_is_decoded_up_to_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "air.pcap"
    whole = bytes.fromhex(BEACON_REQUEST)
    path.write_bytes(classic(whole, whole)[:-3])
    code, out, err = decode(capsys, str(path))
    assert (code, out.count("Beacon Request")) == (0, 1)
    assert "5 of its 8 octets are there" in err


def test_a_capture_cut_off_in_its_first_block_is_none(
    capture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture.write_bytes(capture.read_bytes()[:20])
    code, out, err = decode(capsys, str(capture))
    assert (code, out) == (2, "")
    assert "the file ends inside" in err
