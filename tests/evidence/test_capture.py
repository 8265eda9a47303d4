"""The capture file, as tshark reads it: nothing here is judged by our own decoder.

The frames are the project's own vectors (protocol.md 1.4), made with code that decrypts a real capture.
"""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coordinator import trace
from coordinator.evidence import pcapng
from coordinator.evidence.capture import Capture, tap_header
from coordinator.evidence.comments import Comments, explain_deviation
from coordinator.types import GLOBAL_LINK_KEY, Channel, Eui64, Key, LinkKeyKind, NwkAddress, PanId
from tests.evidence.story import DEVICE, FRESH, NETWORK_KEY, REUSE, TRUST_CENTER, Story, us

PAN = PanId(0x1A62)
CHANNEL = Channel(15)
EPOCH = 1_795_345_440_000_000  # 2026-11-22 11:04:00 UTC

TRANSPORT_NWK = (
    "2110300010000004030201004b1200463d234530eb915d404428f41f25b893ae"
    "05f083b0b867a0b30dfe5473a80d22e73aa8343d3316"
)
REQUEST_KEY_NWK_FRAME = (
    "4802000034121e552800300000443322110036cef400b669752603ac163f2e904478607a37e6b106a98dd3c934a489"
)
TRANSPORT_FRESH = (
    "2111380110000004030201004b120011774f46286aea76ef9e161e747b3fb69f"
    "be438566b6a62dc824d329aca359b7ed17accd1ced"
)
TRANSPORT_REUSED = (
    "2111380110000004030201004b12001177b58eed8b2bb60855d2debfbef07e01"
    "28438566b6a62dc824d329aca359b7ed17fb58d14e"
)
VERIFY = "01820f04443322110036cef4910713a83109c2091b23c4207fdcadb0"
CONFIRM = "6112200210000004030201004b12003a13134a62f010e93b5649811e6277"


def unsecured_nwk(apdu: str, source: int, destination: int) -> bytes:
    return struct.pack("<HHHBB", 0x0008, destination, source, 30, 1) + bytes.fromhex(apdu)


def mac_data(npdu: bytes, source: int, destination: int, sequence: int) -> bytes:
    return struct.pack("<HBHHH", 0x8861, sequence, PAN, destination, source) + npdu


def to_joiner(apdu: str, sequence: int) -> bytes:
    return mac_data(unsecured_nwk(apdu, 0x0000, 0x1234), 0x0000, 0x1234, sequence)


def from_joiner(npdu: bytes, sequence: int) -> bytes:
    return mac_data(npdu, 0x1234, 0x0000, sequence)


def network_key() -> trace.KeyInUse:
    return trace.KeyInUse(at=us(0), key=NETWORK_KEY, sequence=0)


def link_key(key: Key, at: float = 0, kind: LinkKeyKind = LinkKeyKind.UNIQUE) -> trace.KeyInUse:
    return trace.KeyInUse(at=us(at), key=key, device=DEVICE, kind=kind)


def start(out: io.BytesIO, remarks: Sequence[str] = ()) -> Capture:
    return Capture(out, utc_at_zero=EPOCH, trust_center=TRUST_CENTER, remarks=remarks)


def read(path: Path, *fields: str) -> list[dict[str, str]]:
    """tshark's reading, with no preferences of anybody's."""
    wanted = ("frame.interface_name", "_ws.malformed", *fields)
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"]
    for field in wanted:
        command += ["-e", field]
    environment = {"PATH": "/usr/bin:/bin", "WIRESHARK_CONFIG_DIR": str(path.parent), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", check=True, timeout=120, env=environment
    )
    return [dict(zip(wanted, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def capinfos(path: Path) -> str:
    done = subprocess.run(["capinfos", str(path)], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.fixture(scope="module")
def join(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The own vectors as one join, each link key disclosed before its first frame."""
    out = io.BytesIO()
    capture = start(out, remarks=["profile: pre-zb3"])
    capture.key(network_key(), PAN)
    capture.frame(us(1), to_joiner(TRANSPORT_NWK, 1), CHANNEL, -41, 200, ["Transport-Key (NWK)"])
    capture.frame(us(2), from_joiner(bytes.fromhex(REQUEST_KEY_NWK_FRAME), 2), CHANNEL, -42, 190)
    comments = ["Transport-Key (TC link)", explain_deviation(REUSE)]
    capture.frame(us(3), to_joiner(TRANSPORT_REUSED, 3), CHANNEL, -41, 200, comments)
    capture.frame(us(4), to_joiner(TRANSPORT_FRESH, 4), CHANNEL, -41, 200)
    capture.key(link_key(FRESH, 4), PAN, NwkAddress(0x1234))
    capture.frame(us(5), from_joiner(unsecured_nwk(VERIFY, 0x1234, 0), 5), CHANNEL, -43, 180)
    capture.frame(us(6), to_joiner(CONFIRM, 6), CHANNEL, -41, 200)
    path = tmp_path_factory.mktemp("capture") / "join.pcapng"
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.tshark
class TestWiresharkReadsIt:
    def test_every_frame_decrypts_without_preferences(self, join: Path) -> None:
        rows = read(join, "zbee_aps.cmd.id", "zbee_aps.cmd.key", "zbee_aps.cmd.status", "zbee.sec.key_id")
        radio = [row for row in rows if row["frame.interface_name"] == "radio0"]
        assert [row["zbee_aps.cmd.id"] for row in radio] == ["0x05", "0x08", "0x05", "0x05", "0x0f", "0x10"]
        assert [row["zbee_aps.cmd.key"] for row in radio] == [
            "000102030405060708090a0b0c0d0e0f",
            "",
            "5a6967426565416c6c69616e63653039",
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
            "",
            "",
        ]
        assert [row["zbee.sec.key_id"] for row in radio] == ["0x02", "0x01|0x00", "0x03", "0x03", "", "0x00"]
        assert radio[-1]["zbee_aps.cmd.status"] == "0x00"
        assert not any(row["_ws.malformed"] for row in rows)

    def test_the_disclosed_keys_stand_on_their_own_interface_before_their_first_use(self, join: Path) -> None:
        rows = read(join, "zbee_aps.cmd.key_type", "zbee_aps.cmd.key", "frame.comment")
        disclosed = [number for number, row in enumerate(rows) if row["frame.interface_name"] == "keys"]
        assert disclosed == [0, 1, 6]
        assert [rows[number]["zbee_aps.cmd.key"] for number in disclosed] == [
            GLOBAL_LINK_KEY.octets.hex(),
            NETWORK_KEY.octets.hex(),
            FRESH.octets.hex(),
        ]
        assert [rows[number]["zbee_aps.cmd.key_type"] for number in disclosed] == ["0x04", "0x01", "0x04"]
        assert all("never on the air" in rows[number]["frame.comment"] for number in disclosed)

    def test_deviations_and_steps_are_frame_comments(self, join: Path) -> None:
        rows = [row for row in read(join, "frame.comment") if row["frame.interface_name"] == "radio0"]
        assert rows[0]["frame.comment"] == "Transport-Key (NWK)"
        assert rows[2]["frame.comment"].split("|") == [
            "Transport-Key (TC link)",
            "tclk.reuse_global: Transport-Key (TC link, unique key, key-load) -> "
            "Transport-Key (TC link, ZigBeeAlliance09, key-load); R21: a fresh key",
        ]
        assert rows[1]["frame.comment"] == ""

    def test_channel_strength_and_time_are_those_given(self, join: Path) -> None:
        rows = read(join, "wpan-tap.ch_num", "wpan-tap.rss", "wpan-tap.lqi", "frame.time_epoch")
        radio = [row for row in rows if row["frame.interface_name"] == "radio0"]
        assert [row["wpan-tap.ch_num"] for row in radio] == ["15"] * 6
        assert [float(row["wpan-tap.rss"]) for row in radio[:2]] == [-41.0, -42.0]
        assert [row["wpan-tap.lqi"] for row in radio[:2]] == ["200", "190"]
        assert [row["frame.time_epoch"] for row in radio[:2]] == [
            "1795345440.001000000",
            "1795345440.002000000",
        ]

    def test_the_file_says_what_it_is(self, join: Path) -> None:
        said = capinfos(join)
        assert "radio: sim" in said
        assert "THIS FILE CONTAINS KEYS of a test network" in said
        assert "profile: pre-zb3" in said
        assert "Capture application: legacy-tc" in said
        assert "Strict time order:   True" in said

    def test_it_keeps_the_secrets_blocks_that_wireshark_may_learn_one_day(self, join: Path) -> None:
        done = subprocess.run(
            ["capinfos", "-D", str(join)], capture_output=True, text=True, check=True, timeout=120
        )
        assert "Number of decryption secrets in file: 3" in done.stdout

    @settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        frames=st.lists(
            st.tuples(
                st.binary(min_size=0, max_size=125),
                st.lists(st.text(max_size=60), max_size=3),
                st.integers(-128, 0),
                st.integers(0, 255),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_any_octets_and_any_comments_make_a_file_that_opens(
        self, tmp_path: Path, frames: list[tuple[bytes, list[str], int, int]]
    ) -> None:
        out = io.BytesIO()
        capture = start(out)
        for number, (psdu, comments, rssi, lqi) in enumerate(frames):
            capture.frame(us(number), psdu, CHANNEL, rssi, lqi, comments)
        path = tmp_path / "any.pcapng"
        path.write_bytes(out.getvalue())
        command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.len"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        header = len(tap_header(CHANNEL, 0, 0))
        assert [int(line) for line in done.stdout.split()] == [header + len(psdu) for psdu, *_ in frames]


class TestBlocks:
    def test_a_network_key_secret_has_the_published_octets(self) -> None:
        key = Key(bytes.fromhex("00112233445566778899aabbccddeeff"))
        published = "0a000000280000004b574e5a1200000000112233445566778899aabbccddeeff621a000028000000"
        assert pcapng.nwk_key_secrets(key, PAN) == bytes.fromhex(published)

    @pytest.mark.parametrize("ends", [(0x0000, 0x4AB1), (0x4AB1, 0x0000)])
    def test_a_link_key_secret_has_the_published_octets_in_either_order(self, ends: tuple[int, int]) -> None:
        key = Key(bytes.fromhex("0f0e0d0c0b0a09080706050403020100"))
        published = "0a0000002c0000005350415a160000000f0e0d0c0b0a09080706050403020100621a0000b14a00002c000000"
        one, other = (NwkAddress(end) for end in ends)
        assert pcapng.aps_key_secrets(key, PAN, one, other) == bytes.fromhex(published)

    def test_a_disclosure_is_the_frame_that_was_tried_with_three_wiresharks(self) -> None:
        """evidence.md, "Works 3": type 1, PAN 0x1a62, 0x0000 to 0x4ab1."""
        out = io.BytesIO()
        capture = Capture(out, utc_at_zero=0, trust_center=Eui64.parse("1122334455667788"))
        key = Key(bytes.fromhex("00112233445566778899aabbccddeeff"))
        device = Eui64.parse("aabbccddeeff0011")
        capture.key(trace.KeyInUse(at=us(0), key=key, sequence=0, device=device), PAN, NwkAddress(0x4AB1))
        tried = (
            "418800621ab14a00000800b14a00001e000100050100112233445566778899aabbccddeeff00"
            "1100ffeeddccbbaa8877665544332211"
        )
        assert bytes.fromhex(tried) in out.getvalue()

    def test_a_key_is_disclosed_once(self) -> None:
        out = io.BytesIO()
        capture = start(out)
        capture.key(network_key(), PAN)
        once = out.getvalue()
        capture.key(network_key(), PAN)
        capture.key(link_key(GLOBAL_LINK_KEY, 9, LinkKeyKind.GLOBAL), PAN)
        assert out.getvalue() == once

    def test_the_same_calls_give_the_same_octets(self) -> None:
        files = []
        for _ in range(2):
            out = io.BytesIO()
            capture = start(out)
            capture.key(network_key(), PAN)
            capture.frame(us(1), to_joiner(TRANSPORT_NWK, 1), CHANNEL, -41, 200, ["a", "b"])
            files.append(out.getvalue())
        assert files[0] == files[1]

    def test_a_comment_longer_than_an_option_is_cut_between_characters(self) -> None:
        block = pcapng.enhanced_packet(1, 0, b"", ["\N{EURO SIGN}" * 30_000])
        (length,) = struct.unpack_from("<H", block, 30)
        assert length == 65_535 // 3 * 3
        assert block[32 : 32 + length].decode("utf-8") == "\N{EURO SIGN}" * (65_535 // 3)


class TestComments:
    def test_a_sent_frame_has_the_step_and_the_deviations_of_its_request(self) -> None:
        comments = Comments()
        records: list[trace.Record] = []
        Story(records.append).offer(1, deviations=(REUSE,), delivered=None)
        for record in records:
            comments.note(record)
        request = next(record for record in records if isinstance(record, trace.Requested))
        comments.note(
            trace.Sent(at=us(2), handle=7, psdu=b"", deviations=(REUSE,), request_id=request.request_id)
        )
        assert comments.sent(7) == ("Transport-Key (TC link, unique key, key-load)", explain_deviation(REUSE))

    def test_a_frame_of_the_stacks_own_has_none(self) -> None:
        comments = Comments()
        comments.note(trace.Sent(at=us(2), handle=7, psdu=b""))
        assert comments.sent(7) == comments.sent(8) == ()
