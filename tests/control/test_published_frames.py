"""Published frames show nobody a key, unless that was asked for; read by tshark with what everybody has."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from tests.control.rig import Client, Json, bench
from tests.end_to_end import wireshark

SCHEMA = Path(__file__).parents[2] / "docs" / "api" / "schemas" / "event.frame.json"
WELL_KNOWN = b"ZigBeeAlliance09".hex()
WITHOUT_FCS = 230
"""LINKTYPE_IEEE802_15_4_NOFCS."""


def keys_read(psdus: Sequence[str], folder: Path, *keys: str) -> set[str]:
    """The keys that tshark finds in these frames, with ZigBeeAlliance09 and `keys` in its table."""
    path = folder / "published.pcap"
    records = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, WITHOUT_FCS)]
    for number, psdu in enumerate(map(bytes.fromhex, psdus)):
        records.append(struct.pack("<IIII", number, 0, len(psdu), len(psdu)) + psdu)
    path.write_bytes(b"".join(records))
    table = [f'uat:zigbee_pc_keys:"{key}","Normal","k"' for key in (WELL_KNOWN, *keys)]
    options = [each for row in table for each in ("-o", row)]
    shown = wireshark.tshark(path, *options, "-T", "fields", "-e", "zbee_aps.cmd.key")
    return {re.sub("[^0-9a-f]", "", each) for line in shown.splitlines() for each in line.split(",")} - {""}


def network_key(client: Client) -> str:
    session = client.service.bench.session
    assert session is not None
    return session.center.network.key.octets.hex()


def joined(
    profile: str = "zb3", *, expose_keys: bool = False, fault: Json | None = None
) -> tuple[str, list[Json]]:
    """The network key, and the frames published of a join."""
    keys: list[str] = []

    async def body(client: Client) -> None:
        keys.append(network_key(client))
        if fault is not None:
            await client.done("fault/arm", fault="f", **fault)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("joined" if fault is None else "fault-spent")
        await client.until("verdict")

    client, _ = bench(body, profile=profile, frames=True, expose_keys=expose_keys, observe=20)
    frames = client.of("frame")
    judge = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    assert [error.message for frame in frames for error in judge.iter_errors(frame)] == []
    return keys[0], frames


@pytest.mark.parametrize("profile", ["zb3", "pre-zb3", "ha12", "clear-key"])
def test_a_reader_with_everybodys_keys_finds_none_in_the_frames_of_a_join(
    profile: str, tmp_path: Path
) -> None:
    key, frames = joined(profile)
    found = keys_read([str(frame["psdu"]) for frame in frames], tmp_path)
    assert found <= {"00" * 16}
    withheld = [frame for frame in frames if frame["withheld"] is not None]
    assert {frame["withheld"] for frame in withheld} == {"key" if profile == "clear-key" else "encrypted"}
    assert len(withheld) < len(frames) / 2
    assert key not in json.dumps(frames)


@pytest.mark.parametrize("profile", ["zb3", "clear-key"])
def test_with_expose_keys_that_reader_finds_the_network_key(profile: str, tmp_path: Path) -> None:
    key, frames = joined(profile, expose_keys=True)
    assert key in keys_read([str(frame["psdu"]) for frame in frames], tmp_path)
    assert {frame["withheld"] for frame in frames} == {None}


def test_only_what_carries_a_key_is_withheld_and_only_its_payload(tmp_path: Path) -> None:
    _, whole = joined(expose_keys=True)
    key, shown = joined()
    assert len(whole) == len(shown)
    for was, is_ in zip(whole, shown, strict=True):
        octets, published = bytes.fromhex(str(was["psdu"])), bytes.fromhex(str(is_["psdu"]))
        assert len(octets) == len(published)
        if is_["withheld"] is None:
            assert octets == published
        else:
            kept = published.rstrip(b"\0")
            assert octets.startswith(kept)
            # MAC 9, NWK 8, APS 2, auxiliary 13 octets; 35 of Transport-Key and 4 of MIC.
            assert (len(octets), len(octets) - len(kept)) in {(71, 39), (71, 40)}
    # The Trust Center link key went under the network key, and is there for whoever has that.
    assert keys_read([str(frame["psdu"]) for frame in shown], tmp_path, key) - {"00" * 16} != set()


@pytest.mark.parametrize(
    "damage",
    [
        *({"action": "flip", "octet": octet, "mask": mask} for octet, mask in (
            (0, 0x01), (1, 0x44), (10, 0x02), (10, 0x04), (17, 0x08), (19, 0x20), (-1, 0x01),
        )),
        {"action": "truncate", "octets": 50},
        {"action": "repeat", "times": 2},
    ],
    ids=lambda damage: "-".join(map(str, damage.values())),
)  # fmt: skip
@pytest.mark.parametrize("profile", ["zb3", "clear-key"])
def test_of_a_transport_key_that_a_fault_damages_nothing_is_left_to_mend(profile: str, damage: Json) -> None:
    _, frames = joined(profile, fault={"match": {"frame": "transport-key-nwk"}, "count": 1, **damage})
    struck = [frame for frame in frames if frame["withheld"] == "damaged"]
    assert struck
    assert all(set(bytes.fromhex(str(frame["psdu"]))[3:]) == {0} for frame in struck)
    for frame in frames:
        if any("fault.f" in str(each) for each in frame["deviations"]):  # type: ignore[attr-defined]
            assert frame in struck


def test_what_others_send_is_judged_by_its_octets() -> None:
    _, frames = joined(expose_keys=True)
    (carried, *_) = (frame for frame in frames if len(str(frame["psdu"])) == 2 * 71)

    async def body(client: Client) -> None:
        await client.done("inject", psdu=carried["psdu"])

    client, _ = bench(body, frames=True)
    assert [frame["withheld"] for frame in client.of("frame")] == ["encrypted"]


def test_a_fault_on_what_the_network_key_protects_hides_nothing() -> None:
    match = {"frame": "transport-key-tclk"}
    _, frames = joined(fault={"match": match, "action": "flip", "octet": -1, "mask": 1, "count": 1})
    struck = [frame for frame in frames if any("fault.f" in str(each) for each in frame["deviations"])]  # type: ignore[attr-defined]
    assert [frame["withheld"] for frame in struck] == [None]
