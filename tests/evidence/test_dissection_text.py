"""A dissection for people."""

from __future__ import annotations

import pytest

from coordinator.evidence import dissection_text
from coordinator.evidence.captured import CapturedFrame
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Dissection, LayerError
from tests.evidence import published


def test_a_frame_is_an_indented_tree_with_names_beside_numbers() -> None:
    text = dissection_text.tree(Dissector().bare(published.TRANSPORT_REUSED_KEY, Start.APS))
    assert text == "\n".join(
        (
            "APS Transport-Key (TC link, ZigBeeAlliance09) key-load",
            "  APS",
            "    frame type: 0x01 (command)",
            "    frame control: 0x21",
            "    delivery mode: 0x00 (unicast)",
            "    ack format: no",
            "    secured: yes",
            "    ack request: no",
            "    extended header present: no",
            "    counter: 17",
            "    Auxiliary security header",
            "      control: 0x38",
            "      level on air: 0",
            "      level: 5",
            "      key identifier: 0x03 (key-load)",
            "      extended nonce: yes",
            "      require verified frame counter: no",
            "      frame counter: 4097",
            "      source: 00:12:4b:00:01:02:03:04",
            "      mic: fb58d14e",
            "      opened: yes",
            "      opened by: link key ZigBeeAlliance09 (key-load)",
            "      key: 5a6967426565416c6c69616e63653039 (ZigBeeAlliance09)",
            "      key origin: well known",
            "      nonce source: 00:12:4b:00:01:02:03:04",
            "  APS command",
            "    command: 0x05 (Transport-Key)",
            "    key: 5a6967426565416c6c69616e63653039 (ZigBeeAlliance09)",
            "    destination: f4:ce:36:00:11:22:33:44",
            "    source: 00:12:4b:00:01:02:03:04",
            "    key type: 0x04 (TC link)",
            "    is the key that secures it: yes",
        )
    )


def test_lists_are_one_line_or_numbered_entries() -> None:
    link_status = bytes.fromhex("0900 fcff 0000 0101 08 62 0000 17 3412 21")
    lines = dissection_text.tree(Dissector().bare(link_status, Start.NWK)).splitlines()
    start = lines.index("    entries 1")
    assert lines[start : start + 10] == [
        "    entries 1",
        "      address: 0x0000",
        "      cost: 23",
        "      incoming: 7",
        "      outgoing: 1",
        "    entries 2",
        "      address: 0x1234",
        "      cost: 33",
        "      incoming: 1",
        "      outgoing: 2",
    ]
    beacon = dissection_text.tree(Dissector().bare(published.BEACON)).splitlines()
    assert "    pending short: none" in beacon


def test_flags_are_named() -> None:
    lines = dissection_text.tree(Dissector().bare(published.ASSOCIATION_REQUEST)).splitlines()
    assert "    capability: 0x8e" in lines
    assert (
        "    capability flags: FULL_FUNCTION_DEVICE, MAINS_POWERED, RX_ON_WHEN_IDLE, ALLOCATE_ADDRESS"
        in lines
    )


def test_tlvs_that_follow_a_command_are_listed() -> None:
    node_desc_req = bytes.fromhex("00 00 0200 0000 00 01 05 0000 47 02 3412 01")
    dissection = Dissector().bare(node_desc_req, Start.APS)
    fields = dissection.layers["zdp"]
    assert isinstance(fields, dict)
    assert fields["trailing"] == "4702341201"
    assert fields["tlvs"] == [{"tag": 71, "tag_name": "Fragmentation Parameters", "value": "341201"}]
    assert "    tlvs 1" in dissection_text.tree(dissection).splitlines()


def test_errors_come_last_and_marked() -> None:
    lines = dissection_text.tree(Dissector().bare(b"\x61\x88")).splitlines()
    assert lines[-1] == "  ! mac: octet 2: frame ends inside the frame control or sequence number"


def test_nothing_in_a_capture_can_steer_the_terminal() -> None:
    error = LayerError(layer="x", octet=0, reason="\x1b[2Jcleared\r")
    text = dissection_text.tree(Dissection(summary="\x1b]0;mine\x07", layers={"a": "\x9b"}, errors=(error,)))
    assert all(line.isprintable() for line in text.split("\n"))
    frame = CapturedFrame(index=1, interface=0, link_type=230, utc_us=0, octets=b"", interface_name="\x1bc")
    assert dissection_text.heading(frame).isprintable()


@pytest.mark.parametrize(
    ("utc_us", "name", "said"),
    [
        (1_795_345_440_000_214, "radio0", "7  2026-11-22T11:04:00.000214Z  radio0"),
        (0, "", "7  1970-01-01T00:00:00.000000Z"),
        (None, "", "7"),
        (-1, "", "7  1969-12-31T23:59:59.999999Z"),
        (10**30, "", f"7  {10**30} us"),
        (-(10**18), "", f"7  {-(10**18)} us"),
    ],
)
def test_a_heading_has_number_time_and_interface(utc_us: int | None, name: str, said: str) -> None:
    frame = CapturedFrame(index=7, interface=0, link_type=230, utc_us=utc_us, octets=b"", interface_name=name)
    assert dissection_text.heading(frame) == said
