"""The published frames, taken apart: what we read is what tshark reads, and what the reference pages say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from coordinator.codec import nwk as nwk_codec
from coordinator.evidence import pcap
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Dissection, Fields, Value
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import Ccm
from coordinator.types import GLOBAL_LINK_KEY, Key
from tests.codec import judged_aps, judged_mac, judged_nwk, judged_zdp
from tests.codec.cast import KEY
from tests.codec.wireshark import Case
from tests.evidence import published, reading

NO_FCS = 230
ZA09 = GLOBAL_LINK_KEY.octets.hex()


def layer(dissection: Dissection, name: str) -> Fields:
    found = dissection.layers[name]
    assert isinstance(found, dict)
    return found


def security(dissection: Dissection, name: str) -> Fields:
    found = layer(dissection, name)["security"]
    assert isinstance(found, dict)
    return found


def pick(fields: Fields, *names: str) -> dict[str, Value]:
    return {name: fields[name] for name in names}


def dissect_file(octets: bytes, *keys: Key) -> list[Dissection]:
    dissector = Dissector(keys)
    return [dissector.captured(frame) for frame in pcap.read(octets)]


@pytest.mark.tshark
class TestTheReadingIsWiresharks:
    def test_of_the_published_join(self, tmp_path: Path) -> None:
        path = tmp_path / "join.pcap"
        octets = published.write_pcap(path, published.JOIN, NO_FCS)
        found = reading.disagreements(dissect_file(octets), reading.tshark(path, [GLOBAL_LINK_KEY]))
        assert found == []

    def test_of_the_published_join_reads_every_step(self, tmp_path: Path) -> None:
        """Against agreeing upon nothing: these values are tshark's and those of protocol.md 1.4."""
        path = tmp_path / "join.pcap"
        octets = published.write_pcap(path, published.JOIN, NO_FCS)
        theirs = reading.tshark(path, [GLOBAL_LINK_KEY])
        ours = [reading.ours(dissection) for dissection in dissect_file(octets)]
        for readings in (theirs, ours):
            commands = [reading["zbee_aps.cmd.id"] for reading in readings if "zbee_aps.cmd.id" in reading]
            assert commands == [[0x05], [0x08], [0x05], [0x05], [0x0F], [0x10]]
            identifiers = [reading["zbee.sec.key_id"] for reading in readings if "zbee.sec.key_id" in reading]
            assert identifiers == [[2], [1, 0], [3], [3], [0]]
            keys = [key for reading in readings for key in reading.get("zbee_aps.cmd.key", [])]
            assert keys == [
                int(key.octets.hex(), 16)
                for key in (published.NETWORK_KEY, GLOBAL_LINK_KEY, published.NEW_KEY)
            ]
            assert readings[11]["zbee_aps.cmd.status"] == [0x00]
            assert readings[5]["wpan.asoc.addr"] == [0x1234]

    def test_of_the_published_disclosures(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.pcap"
        frames = (published.DISCLOSED_NETWORK_KEY, published.DISCLOSED_LINK_KEY)
        octets = published.write_pcap(path, frames, NO_FCS)
        dissections = dissect_file(octets)
        assert reading.disagreements(dissections, reading.tshark(path, [])) == []
        network, link = (layer(dissection, "aps_command") for dissection in dissections)
        assert pick(network, "key_type", "key") == {"key_type": 1, "key": "00112233445566778899aabbccddeeff"}
        assert pick(link, "key_type", "key", "key_name") == {
            "key_type": 4,
            "key": ZA09,
            "key_name": "ZigBeeAlliance09",
        }

    @pytest.mark.parametrize(
        "cases",
        [
            [*judged_mac.mac_cases()],
            [*judged_nwk.nwk_header_cases(), *judged_nwk.nwk_command_cases()],
            [*judged_aps.aps_header_cases(), *judged_aps.aps_command_cases()],
            [*judged_zdp.discovery_cases(), *judged_zdp.management_cases()],
        ],
        ids=["mac", "nwk", "aps", "zdp"],
    )
    def test_of_every_kind_of_frame_there_is(self, cases: list[Case], tmp_path: Path) -> None:
        path = tmp_path / "frames.pcap"
        octets = published.write_pcap(path, tuple(case.psdu for case in cases), NO_FCS)
        dissections = dissect_file(octets, KEY)
        theirs = reading.tshark(path, [KEY, GLOBAL_LINK_KEY])
        assert reading.disagreements(dissections, theirs) == []
        assert [dissection.errors for dissection in dissections] == [()] * len(cases)

    def test_of_a_frame_without_extended_nonce_whose_sender_was_given_its_address(
        self, tmp_path: Path
    ) -> None:
        device_annce = bytes.fromhex("0802130000000060 01 3412 443322110036cef4 8e")
        header = bytes.fromhex("0802 fdff 3412 1e07 08 00300000 00")
        frame = nwk_codec.decode(header + device_annce)
        npdu = nwk_security.protect(frame, Ccm(published.NETWORK_KEY), published.DEVICE)
        path = tmp_path / "frames.pcap"
        frames = (published.ASSOCIATION_RESPONSE, published.from_device(npdu))
        octets = published.write_pcap(path, frames, NO_FCS)
        theirs = reading.tshark(path, [published.NETWORK_KEY])
        dissections = dissect_file(octets, published.NETWORK_KEY)
        assert theirs[1]["zbee_aps.zdp_cluster"] == [0x0013]
        assert reading.disagreements(dissections, theirs) == []
        assert security(dissections[1], "nwk")["nonce_source"] == str(published.DEVICE)


@pytest.mark.tshark
@pytest.mark.parametrize(("profile", "joiner"), [("pre-zb3", "zboss-r22"), ("zb3", "sleepy-zb3")])
def test_every_frame_of_a_simulated_join_is_opened_and_read_as_wireshark_does(
    profile: str, joiner: str, tmp_path: Path
) -> None:
    path = tmp_path / "join.pcapng"
    command = [sys.executable, "-c", "from coordinator.cli import main; main()", "simulate"]
    command += ["--profile", profile, "--joiner", joiner, "--capture", str(path)]
    subprocess.run(command, capture_output=True, timeout=120)
    dissections = dissect_file(path.read_bytes())
    assert len(dissections) > 30
    assert reading.disagreements(dissections, reading.tshark(path, [])) == []
    assert [found.summary for found in dissections if found.errors or "encrypted" in found.summary] == []


class TestThePublishedFrames:
    def join(self) -> list[Dissection]:
        dissector = Dissector()
        return [dissector.bare(frame) for frame in published.JOIN]

    def test_have_one_line_each(self) -> None:
        assert [dissection.summary for dissection in self.join()] == [
            "- -> 0xffff  MAC Beacon Request",
            "0x0000 -> -  MAC Beacon (PAN 0x1a62, open, profile 2, router room, end-device room)",
            "f4:ce:36:00:11:22:33:44 -> 0x0000  MAC Association Request (router)",
            "f4:ce:36:00:11:22:33:44 -> 0x0000  MAC Data Request",
            "MAC ack, sequence 3, frame pending",
            "00:12:4b:00:01:02:03:04 -> f4:ce:36:00:11:22:33:44  MAC Association Response (0x1234)",
            "0x0000 -> 0x1234  APS Transport-Key (NWK, sequence 0) key-transport",
            "0x1234 -> 0x0000  APS Request-Key (TC link) data-key",
            "0x0000 -> 0x1234  APS Transport-Key (TC link, ZigBeeAlliance09) key-load",
            "0x0000 -> 0x1234  APS Transport-Key (TC link) key-load",
            "0x1234 -> 0x0000  APS Verify-Key (TC link)",
            "0x0000 -> 0x1234  APS Confirm-Key (SUCCESS) data-key",
            "0x1234 -> 0xfffd  NWK Leave (indication)",
        ]

    def test_that_others_relay_show_the_hop(self) -> None:
        dissector = Dissector()
        relayed = bytes.fromhex("618808 621a 0000 7777 0800 0000 3412 1d02") + published.VERIFY_KEY
        assert dissector.bare(relayed).summary == (
            "0x1234 -> 0x0000  APS Verify-Key (TC link)  (hop 0x7777 -> 0x0000)"
        )

    def test_say_which_key_opened_them_and_where_it_came_from(self) -> None:
        join = self.join()
        opened = [
            (fields["opened_by"], fields["key_origin"])
            for index, name in ((6, "aps"), (7, "nwk"), (7, "aps"), (8, "aps"), (11, "aps"))
            for fields in (security(join[index], name),)
        ]
        assert opened == [
            ("link key ZigBeeAlliance09 (key-transport)", "well known"),
            ("network key seq 0", "Transport-Key in frame 7"),
            ("link key ZigBeeAlliance09 (data)", "well known"),
            ("link key ZigBeeAlliance09 (key-load)", "well known"),
            ("link key of f4:ce:36:00:11:22:33:44 (data)", "Transport-Key in frame 10"),
        ]

    def test_show_the_key_that_repeats_the_one_it_came_under(self) -> None:
        join = self.join()
        reused, fresh = layer(join[8], "aps_command"), layer(join[9], "aps_command")
        names = ("key", "is_the_key_that_secures_it")
        assert pick(reused, *names) == {"key": ZA09, "is_the_key_that_secures_it": True}
        assert pick(fresh, *names) == {
            "key": published.NEW_KEY.octets.hex(),
            "is_the_key_that_secures_it": False,
        }
        assert reused["key_name"] == "ZigBeeAlliance09"
        assert "key_name" not in fresh

    def test_show_which_key_a_verify_key_proves(self) -> None:
        assert layer(self.join()[10], "aps_command")["proves"] == "link key of f4:ce:36:00:11:22:33:44"
        alone = Dissector().bare(published.VERIFY_KEY, Start.APS)
        assert layer(alone, "aps_command")["proves"] == "no key at hand"

    def test_restore_the_security_level(self) -> None:
        fields = security(self.join()[6], "aps")
        assert pick(fields, "control", "level_on_air", "level", "frame_counter", "source", "mic") == {
            "control": "0x30",
            "level_on_air": 0,
            "level": 5,
            "frame_counter": 0x1000,
            "source": "00:12:4b:00:01:02:03:04",
            "mic": "343d3316",
        }

    def test_are_opened_alone_by_keys_that_are_given(self) -> None:
        dissector = Dissector([published.NETWORK_KEY, published.NEW_KEY])
        request = dissector.bare(published.REQUEST_KEY_OVER_NWK, Start.NWK)
        confirm = dissector.bare(published.CONFIRM_KEY, Start.APS)
        assert security(request, "nwk")["key_origin"] == "given"
        assert security(confirm, "aps")["opened_by"] == "link key that was given (data)"
        assert layer(confirm, "aps_command")["status_name"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("keys", "why"),
        [
            ([], "no key"),
            ([Key(bytes(16))], "MIC does not hold under 1 key"),
            ([Key(bytes(16)), published.NEW_KEY], "MIC does not hold under 2 keys"),
        ],
    )
    def test_that_stay_closed_say_why(self, keys: list[Key], why: str) -> None:
        dissection = Dissector(keys).bare(published.from_device(published.REQUEST_KEY_OVER_NWK))
        fields = security(dissection, "nwk")
        assert pick(fields, "opened", "why") == {"opened": False, "why": why}
        assert dissection.summary == f"0x1234 -> 0x0000  NWK data, encrypted ({why})"
        assert dissection.errors == ()
        assert layer(dissection, "payload")["octets"] == published.REQUEST_KEY_OVER_NWK[22:].hex()

    def test_that_were_changed_stay_closed(self) -> None:
        for bit in range(8):
            octets = bytearray(published.TRANSPORT_NETWORK_KEY)
            octets[-20] ^= 1 << bit
            dissection = Dissector().bare(bytes(octets), Start.APS)
            assert dissection.summary == "APS command, encrypted (MIC does not hold under 1 key)"

    def test_travel_in_a_tunnel(self) -> None:
        tunnel = bytes.fromhex("01 83 0e 443322110036cef4") + published.TRANSPORT_NETWORK_KEY
        dissector = Dissector()
        dissection = dissector.bare(published.to_device(tunnel))
        assert dissection.summary == (
            "0x0000 -> 0x1234  APS Tunnel (f4:ce:36:00:11:22:33:44): "
            "APS Transport-Key (NWK, sequence 0) key-transport"
        )
        frame = layer(dissection, "aps_command")["frame"]
        assert isinstance(frame, Mapping)
        inner = frame["aps_command"]
        assert isinstance(inner, Mapping)
        assert inner["key"] == published.NETWORK_KEY.octets.hex()
        after = dissector.bare(published.from_device(published.REQUEST_KEY_OVER_NWK))
        assert security(after, "nwk")["opened"] is True

    @pytest.mark.tshark
    def test_in_a_tunnel_are_read_as_wireshark_reads_them(self, tmp_path: Path) -> None:
        path = tmp_path / "tunnel.pcap"
        tunnel = bytes.fromhex("01 83 0e 443322110036cef4") + published.TRANSPORT_NETWORK_KEY
        octets = published.write_pcap(path, (published.to_device(tunnel),), NO_FCS)
        theirs = reading.tshark(path, [GLOBAL_LINK_KEY])
        assert theirs[0]["zbee_aps.cmd.id"] == [0x0E, 0x05]
        assert reading.disagreements(dissect_file(octets), theirs) == []
