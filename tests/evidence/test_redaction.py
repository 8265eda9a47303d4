"""No key can be read from the event file that was not asked for, but the one that everybody has.

The Transport-Key frames without security are those of the reference (evidence.md, "Works 3"), which
Wireshark reads.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator import trace
from coordinator.codec import aps, mac, nwk
from coordinator.evidence.events import Events
from coordinator.evidence.redaction import redact
from coordinator.types import Channel, Instant
from tests.end_to_end.front_door import NETWORK_KEY, run

HEADERS = "418800621ab14a0000 0800b14a00001e00 "
NETWORK = bytes.fromhex(
    HEADERS + "0100 0501 00112233445566778899aabbccddeeff 00 1100ffeeddccbbaa 8877665544332211"
)
WELL_KNOWN = bytes.fromhex(
    HEADERS + "0100 0504 5a6967426565416c6c69616e63653039 1100ffeeddccbbaa 8877665544332211"
)
TUNNELLED = bytes.fromhex(
    HEADERS + "0100 0e 1100ffeeddccbbaa "
    "0100 0501 00112233445566778899aabbccddeeff 00 1100ffeeddccbbaa 8877665544332211"
)
KEY = bytes.fromhex(NETWORK_KEY)


@pytest.mark.parametrize("psdu", [NETWORK, TUNNELLED])
def test_the_octets_of_a_key_in_the_clear_become_zeros_and_nothing_else_changes(psdu: bytes) -> None:
    assert redact(psdu) == psdu.replace(KEY, bytes(16))


def test_the_key_that_everybody_has_is_left() -> None:
    assert redact(WELL_KNOWN) is None


@pytest.mark.parametrize("length", range(len(NETWORK)))
def test_of_a_frame_that_is_cut_short_no_octet_of_the_key_remains(length: int) -> None:
    cut = NETWORK[:length]
    left = redact(cut)
    assert KEY[1:4] not in (cut if left is None else left)


@given(st.binary(max_size=127))
def test_any_octets_are_redacted_or_left_and_keep_their_length(psdu: bytes) -> None:
    left = redact(psdu)
    assert left is None or len(left) == len(psdu)


@given(st.binary(max_size=40))
def test_what_the_network_key_protects_is_left(rest: bytes) -> None:
    assert redact(bytes.fromhex("418800621ab14a0000 0802") + rest) is None


def test_an_event_says_that_its_frame_was_redacted() -> None:
    heard = trace.Heard(at=Instant(0), psdu=NETWORK, channel=Channel(15), rssi=-40, lqi=255)
    sent = trace.Sent(at=Instant(0), handle=1, psdu=NETWORK)
    for record in (heard, sent):
        event = json.loads(Events(utc_at_zero=0).line(record))
        assert (event["psdu"], event["psdu_redacted"]) == (NETWORK.replace(KEY, bytes(16)).hex(), True)
        exposed = json.loads(Events(utc_at_zero=0, expose_keys=True).line(record))
        assert exposed["psdu"] == NETWORK.hex()
        assert "psdu_redacted" not in exposed


@pytest.mark.parametrize(
    ("profile", "joiner"), [("clear-key", "zboss-r22"), ("zigbee-2007", "ha12"), ("zb3", "nxp")]
)
def test_the_event_file_of_a_run_does_not_show_the_network_key(
    profile: str, joiner: str, tmp_path: Path
) -> None:
    events, keys = tmp_path / "run.jsonl", tmp_path / "network.key"
    keys.write_text(NETWORK_KEY + "\n")
    names = ("--profile", profile, "--joiner", joiner, "--network-key-file", str(keys))
    run("simulate", *names, "--events", str(events))
    lines = events.read_text().splitlines()
    assert len(lines) > 20
    assert NETWORK_KEY not in events.read_text()
    redacted = [json.loads(line)["psdu"] for line in lines if '"psdu_redacted":true' in line]
    assert bool(redacted) == (profile != "zb3")
    for psdu in redacted:  # what is left can be taken apart: only the key is zeros
        apdu = aps.decode(nwk.decode(mac.decode(bytes.fromhex(psdu)).payload).payload)
        assert apdu.payload[:18] == b"\x05\x01" + bytes(16)


def test_every_line_of_the_event_file_is_written_alike(tmp_path: Path) -> None:
    events = tmp_path / "run.jsonl"
    run("simulate", "--profile", "zb3", "--joiner", "nxp", "--events", str(events))
    for line in events.read_text().splitlines():
        assert line == json.dumps(json.loads(line), separators=(",", ":"))
