"""tshark, which shares no code with us, reads every kind of frame that the codecs build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from coordinator.codec import mac
from tests.codec import judged_aps, judged_mac, judged_nwk, judged_zdp, wireshark

pytestmark = pytest.mark.tshark

CASES = [
    *judged_mac.mac_cases(),
    *judged_nwk.nwk_header_cases(),
    *judged_nwk.nwk_command_cases(),
    *judged_aps.aps_header_cases(),
    *judged_aps.aps_command_cases(),
    *judged_zdp.discovery_cases(),
    *judged_zdp.management_cases(),
]


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, wireshark.Reading]:
    path = tmp_path_factory.mktemp("pcap") / "frames.pcap"
    wireshark.write_pcap(path, [case.psdu for case in CASES], wireshark.NO_FCS)
    fields = [field for case in CASES for field in case.expected]
    found = wireshark.read(path, fields)
    assert len(found) == len(CASES)
    return {case.name: reading for case, reading in zip(CASES, found, strict=True)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tshark_reads_the_fields_that_were_encoded(
    case: wireshark.Case, readings: Mapping[str, wireshark.Reading]
) -> None:
    assert wireshark.disagreements(case, readings[case.name]) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tshark_calls_no_frame_malformed(
    case: wireshark.Case, readings: Mapping[str, wireshark.Reading]
) -> None:
    assert "_ws.malformed" not in readings[case.name]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tshark_leaves_no_octet_unread_but_ciphertext_and_fragments(
    case: wireshark.Case, readings: Mapping[str, wireshark.Reading]
) -> None:
    unread = () if case.leftover is None else (str(case.leftover),)
    assert readings[case.name].get("data.len", ()) == unread


def test_tshark_finds_every_fcs_good(tmp_path: Path) -> None:
    path = tmp_path / "fcs.pcap"
    frames = [mac.append_fcs(case.psdu) for case in CASES]
    wireshark.write_pcap(path, frames, wireshark.WITH_FCS)
    readings = wireshark.read(path, ["wpan.fcs_ok"])
    assert [reading.get("wpan.fcs_ok") for reading in readings] == [("1",)] * len(frames)
