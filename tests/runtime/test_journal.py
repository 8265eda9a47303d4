"""The state file: a torn tail is cut off, anything else that is wrong is refused with the place."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.runtime import journal, records
from coordinator.runtime.committer import AHEAD, Committer
from coordinator.runtime.errors import StateError
from coordinator.runtime.records import DeviceState, LinkKeysState, NetworkState, Saved
from coordinator.runtime.store import Store
from coordinator.trust_center.device import Standing
from coordinator.types import (
    COORDINATOR,
    Channel,
    Eui64,
    ExtendedPanId,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)
from tests.runtime.disk import Disk

RECORDS = st.dictionaries(st.binary(min_size=1, max_size=17), st.binary(min_size=1, max_size=200), max_size=8)
CHANGES = st.lists(
    st.tuples(st.sampled_from([b"a", b"bb", b"ccc"]), st.binary(max_size=40)), min_size=1, max_size=12
)
KEYS = st.binary(min_size=16, max_size=16).map(Key)
KINDS = st.sampled_from(LinkKeyKind)
PAIRS = st.tuples(KEYS, KINDS)
EUI64S = st.integers(0, 2**64 - 1).map(Eui64)
U32 = st.integers(0, 2**32 - 1)
U8 = st.integers(0, 255)
DEVICES = st.builds(
    DeviceState,
    address=st.integers(0, 0xFFFF).map(NwkAddress),
    standing=st.sampled_from(Standing),
    capability=U8,
    parent=st.none() | EUI64S,
    stack_revision=st.none() | st.integers(0, 127),
    relationship=st.sampled_from((None, 0, 1, 2, 5)),
    timeout=st.integers(0, 14),
    link_keys=st.none()
    | st.builds(
        LinkKeysState,
        provisional=PAIRS,
        current=PAIRS,
        pending=st.none() | PAIRS,
        previous=st.none() | KEYS,
    ),
    nwk_incoming=st.dictionaries(U8, U32, max_size=4),
    aps_incoming=st.dictionaries(KEYS, U32, max_size=4),
)
NETWORKS = st.builds(
    NetworkState,
    eui64=EUI64S,
    channel=st.integers(11, 26).map(Channel),
    pan_id=st.integers(0, 0xFFFE).map(PanId),
    extended_pan_id=EUI64S.map(ExtendedPanId),
    update_id=U8,
    key_sequence=st.just(7),
)


def batches(*changes: list[tuple[bytes, bytes]]) -> bytes:
    return journal.HEADER + b"".join(
        journal.encode_batch(number, [journal.encode_record(*change) for change in batch])
        for number, batch in enumerate(changes, 1)
    )


def outcome(changes: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for key, value in changes:
        found[key] = value
    return {key: value for key, value in found.items() if value}


@given(RECORDS)
def test_what_is_written_is_read(image: dict[bytes, bytes]) -> None:
    assert journal.decode_file(journal.encode_file(image) + bytes(100)) == (image, False)


@given(CHANGES, CHANGES, st.data())
def test_a_tail_torn_anywhere_leaves_what_was_before_it(
    first: list[tuple[bytes, bytes]], second: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    durable, whole = batches(first), batches(first, second)
    cut = data.draw(st.integers(len(durable), len(whole) - 1))
    garbage = data.draw(st.binary(max_size=20) | st.just(bytes(50)))
    torn = whole[:cut] + garbage
    expected = (outcome(first), outcome([*first, *second]))
    found, was_torn = journal.decode_file(torn)
    assert found in expected
    if not garbage:
        assert found == expected[0]
        assert was_torn == (cut > len(durable))


@given(CHANGES, CHANGES, CHANGES, st.data())
def test_one_octet_wrong_with_something_whole_after_it_is_refused_with_the_offset(
    first: list[tuple[bytes, bytes]],
    second: list[tuple[bytes, bytes]],
    third: list[tuple[bytes, bytes]],
    data: st.DataObject,
) -> None:
    whole = bytearray(batches(first, second, third))
    start, end = len(batches(first)), len(batches(first, second))
    at = data.draw(st.integers(start, end - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StateError, match=f"damaged at offset {start}: batch 2 is not as it was written"):
        journal.decode_file(bytes(whole))


@given(st.binary(max_size=300))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    for candidate in (octets, journal.HEADER + octets):
        with contextlib.suppress(StateError):
            journal.decode_file(candidate)


def test_a_newer_version_is_refused_and_named() -> None:
    octets = b"legacy-tc state 00000002\n" + bytes(50)
    with pytest.raises(StateError, match="newer legacy-tc \\(state version 2, this one knows 1\\)"):
        journal.decode_file(octets)


def test_what_is_wrong_is_said_with_the_file_and_nothing_is_overwritten(tmp_path: Path) -> None:
    for octets in (b"hello", b"", b"legacy-tc state 00000009\n", journal.HEADER + b"LTCb" + bytes(90)):
        file = tmp_path / "state"
        file.write_bytes(octets)
        with pytest.raises(StateError, match=str(file)):
            Store.open(tmp_path)
        assert file.read_bytes() == octets


@given(
    st.builds(
        Saved,
        network=NETWORKS,
        network_keys=st.dictionaries(U8, KEYS, max_size=2).map(lambda keys: {**keys, 7: Key(bytes(16))}),
        default_link_key=KEYS,
        bounds=st.dictionaries(KEYS.map(records.network_counter), U32, max_size=3),
        devices=st.dictionaries(EUI64S, DEVICES, max_size=4),
    )
)
def test_every_state_survives_its_records(saved: Saved) -> None:
    assert records.decode(journal.decode_file(journal.encode_file(records.encode(saved)))[0]) == saved


def test_a_record_that_nobody_knows_is_refused() -> None:
    with pytest.raises(StateError, match="no such kind of record"):
        records.decode({b"Z": b"1"})


def test_the_numbers_in_the_file_are_those_of_version_1() -> None:
    assert [standing.value for standing in records.STANDINGS] == [
        "unknown", "associated", "keyed", "authenticated", "offered",
        "verified", "renewing", "removing", "rejoining", "left",
    ]  # fmt: skip
    assert set(records.STANDINGS) == set(Standing)
    assert [kind.value for kind in records.KINDS] == ["global", "install-code", "unique"]
    state = DeviceState(address=NwkAddress(COORDINATOR + 0x1234), standing=Standing.VERIFIED, capability=0x8E)
    assert records.encode_device(state, b"").hex() == "3412058e00" + "00" * 8 + "ffff080000"


def test_a_file_that_is_mostly_history_is_written_anew(tmp_path: Path) -> None:
    disk = Disk()
    committer = Committer(disk, tmp_path / "state", {})
    committer.create()
    value = bytes(60_000)
    for number in range(100):
        committer.put(b"k", value + bytes((number,)))
        committer.request()
    octets = disk.read(tmp_path / "state")
    assert octets is not None
    assert len(octets) < 2**20 + 2 * len(value) + AHEAD
    assert journal.decode_file(octets)[0] == {b"k": value + b"\x63"}
