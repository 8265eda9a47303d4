"""Whatever the octets: a dissection that JSON and a terminal take, errors in their place, no exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.evidence import dissection_text
from coordinator.evidence.captured import CapturedFrame, Secrets
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Dissection
from coordinator.types import Key
from tests.evidence import published

OCTETS = st.binary(max_size=160)
LINK_TYPES = st.sampled_from([195, 215, 230, 283, 0, 1, 65535])


def check(dissection: Dissection, size: int) -> None:
    json.dumps(dissection.as_dict(), allow_nan=False)
    text = dissection_text.tree(dissection)
    assert text.splitlines()[0] == dissection.summary
    assert all(line.isprintable() for line in text.split("\n"))
    assert all(0 <= error.octet <= size for error in dissection.errors)
    assert all(str(error) in dissection.summary for error in dissection.errors)


class TestAnyOctets:
    @given(octets=OCTETS, start=st.sampled_from(Start))
    def test_as_a_frame_of_any_layer(self, octets: bytes, start: Start) -> None:
        check(Dissector([Key(bytes(16))]).bare(octets, start), len(octets))

    @given(octets=OCTETS, link_type=LINK_TYPES, more=st.integers(0, 40), secrets=st.binary(max_size=40))
    def test_as_a_packet_of_any_link_type(
        self, octets: bytes, link_type: int, more: int, secrets: bytes
    ) -> None:
        frame = CapturedFrame(
            index=1,
            interface=0,
            link_type=link_type,
            utc_us=None,
            octets=octets,
            original_length=len(octets) + more,
            secrets=(Secrets(kind=0x5A4E574B, octets=secrets), Secrets(kind=7, octets=secrets)),
        )
        check(Dissector().captured(frame), len(octets))

    @given(octets=OCTETS, control=st.integers(0, 0xFFFF))
    def test_as_a_nwk_frame_of_zigbee(self, octets: bytes, control: int) -> None:
        header = (control & ~0x3E | 0x08).to_bytes(2, "little")
        check(Dissector().bare(header + octets, Start.NWK), len(octets) + 2)

    @given(octets=OCTETS, command=st.integers(0, 0x14))
    def test_as_an_aps_command(self, octets: bytes, command: int) -> None:
        head = bytes((0x01, 0x00, command))
        check(Dissector().bare(head + octets, Start.APS), len(octets) + 3)

    @given(octets=OCTETS, cluster=st.integers(0, 0x40), response=st.booleans())
    def test_as_a_zdp_message(self, octets: bytes, cluster: int, response: bool) -> None:
        head = bytes((0x00, 0x00, cluster, 0x80 * response, 0x00, 0x00, 0x00, 0x01))
        check(Dissector().bare(head + octets, Start.APS), len(octets) + 8)

    @given(octets=OCTETS, command=st.integers(0, 0x10))
    def test_as_a_nwk_command(self, octets: bytes, command: int) -> None:
        head = bytes.fromhex("0900 fcff 3412 1e01") + bytes((command,))
        check(Dissector().bare(head + octets, Start.NWK), len(octets) + 9)

    @given(octets=OCTETS, command=st.integers(0, 0x0A))
    def test_as_a_mac_command(self, octets: bytes, command: int) -> None:
        head = bytes.fromhex("63cc04 621a 443322110036cef4 0403020100 4b1200") + bytes((command,))
        check(Dissector().bare(head + octets), len(octets) + len(head))

    @given(octets=OCTETS)
    def test_as_a_beacon(self, octets: bytes) -> None:
        head = bytes.fromhex("008001621a0000")
        check(Dissector().bare(head + octets), len(octets) + len(head))

    @settings(max_examples=300)
    @given(
        number=st.integers(0, len(published.JOIN) - 1),
        at=st.integers(0, 80),
        octet=st.integers(0, 255),
        length=st.integers(0, 90),
    )
    def test_as_a_join_with_one_frame_damaged(self, number: int, at: int, octet: int, length: int) -> None:
        dissector = Dissector()
        for index, frame in enumerate(published.JOIN):
            octets = bytearray(frame)
            if index == number:
                octets[at % len(octets)] = octet
                octets = octets[:length]
            check(dissector.bare(bytes(octets)), len(octets))


class TestErrors:
    def test_name_the_octet_of_the_packet_not_of_the_layer(self) -> None:
        confirm_key = bytes.fromhex("01 05 10 00 04 443322")
        frame = published.to_device(confirm_key)
        dissection = Dissector().bare(frame)
        assert [str(error) for error in dissection.errors] == [
            f"aps command: octet {len(frame) - 3}: frame ends inside the destination address"
        ]
        assert dissection.layers["aps_command"] == {"octets": "100004443322"}
        assert list(dissection.layers) == ["mac", "nwk", "aps", "aps_command"]

    @pytest.mark.parametrize(
        ("octets", "said"),
        [
            ("", "mac: octet 0: frame ends inside the frame control or sequence number"),
            ("6188", "mac: octet 2: frame ends inside the frame control or sequence number"),
            ("618805 621a 3412", "mac: octet 7: frame ends inside the addressing fields"),
            ("638805 621a 3412 0000", "mac command: octet 9: frame ends inside the command frame identifier"),
            ("618805 621a 3412 0000 0800 34", "nwk: octet 11: frame ends inside the header"),
            ("618805 621a 3412 0000 4000 3412 0000", "nwk: octet 9: protocol version 0 is not Zigbee's"),
            (
                "618805 621a 3412 0000 0900 3412 0000 1e01 04",
                "nwk command: octet 18: frame ends inside the options",
            ),
            (
                "618805 621a 3412 0000 0800 3412 0000 1e01 00",
                "aps: octet 18: frame ends inside the destination endpoint",
            ),
            (
                "618805 621a 3412 0000 0800 3412 0000 1e01 00 00 1300 0000 00 01 05 3412",
                "zdp: octet 28: frame ends inside the IEEE address",
            ),
            (
                "008001621a0000 ffcf 00",
                "beacon: octet 10: frame ends inside the pending address specification",
            ),
            (
                "008001621a0000 ffcf 00 00 00 22",
                "zigbee beacon: octet 11: frame ends inside the Zigbee beacon payload",
            ),
        ],
    )
    def test_of_every_layer_end_it_there(self, octets: str, said: str) -> None:
        dissection = Dissector().bare(bytes.fromhex(octets))
        assert [str(error) for error in dissection.errors] == [said]

    def test_of_tunnels_in_tunnels_come_before_the_stack_ends(self) -> None:
        tunnels = bytes.fromhex("01 00 0e 1122334455667788") * 5_000
        dissection = Dissector().bare(tunnels, Start.APS)
        assert [error.reason for error in dissection.errors] == ["a tunnel in a tunnel in a tunnel"]


class TestWhatIsNotForUs:
    def test_green_power_frames_are_named_and_left(self) -> None:
        dissection = Dissector().bare(bytes.fromhex("010805 ffff ffff 8c30 01020304"))
        assert "Green Power" in dissection.summary
        assert dissection.errors == ()

    def test_frames_secured_by_the_mac_are_named_and_left(self) -> None:
        dissection = Dissector().bare(bytes.fromhex("698805 621a 3412 0000 0d01020304 aabb"))
        assert dissection.summary == "0x0000 -> 0x1234  MAC data, secured by the MAC (not decoded)"
        assert dissection.layers["payload"] == {"octets": "0d01020304aabb"}
