"""What is kept across restarts, as values and as the records of the state file.

Keys of records: a letter and an identifier. ``N`` the network, ``K`` and a key sequence number a network
key, ``L`` the default link key, ``C`` and a key (or nothing, for APS) the bound of an outgoing counter,
``D`` and an EUI-64 a device, ``F`` what is left of networks that were forgotten. All numbers little-endian,
EUI-64s as on air.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from coordinator.runtime.errors import StateError
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Relationship
from coordinator.trust_center.device import Standing
from coordinator.types import (
    GLOBAL_LINK_KEY,
    Channel,
    Eui64,
    ExtendedPanId,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)

STANDINGS = (
    Standing.UNKNOWN,
    Standing.ASSOCIATED,
    Standing.KEYED,
    Standing.AUTHENTICATED,
    Standing.OFFERED,
    Standing.VERIFIED,
    Standing.RENEWING,
    Standing.REMOVING,
    Standing.REJOINING,
    Standing.LEFT,
)
"""By their number in the file, which never changes."""
KINDS = (LinkKeyKind.GLOBAL, LinkKeyKind.INSTALL_CODE, LinkKeyKind.UNIQUE)
"""By their number in the file, which never changes."""

NETWORK, NETWORK_KEY, DEFAULT_LINK_KEY, COUNTER, DEVICE = b"N", b"K", b"L", b"C", b"D"
FORGOTTEN = b"F"
APS_COUNTER = COUNTER
"""The one counter of all link keys."""
NOTHING = 0xFF
"""No revision, no neighbour relationship, no kind of key."""

_NETWORK = struct.Struct("<QBHQBB")
_BOUND = struct.Struct("<I")
_FORGOTTEN = struct.Struct("<II")
_DEVICE = struct.Struct("<HBBBQBBBH")
_LINK_KEYS = struct.Struct("<B16sB16sB16sB16s")
_NWK_COUNTER = struct.Struct("<BI")
_APS_COUNTER = struct.Struct("<16sI")
_RELATIONSHIPS = frozenset((NOTHING, *(relationship.value for relationship in Relationship)))
_NO_KEY = bytes(16)
_STANDING_NUMBERS = {standing: number for number, standing in enumerate(STANDINGS)}
_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkState:
    """The network and who its coordinator is. `key_sequence` names the active network key."""

    eui64: Eui64
    channel: Channel
    pan_id: PanId
    extended_pan_id: ExtendedPanId
    update_id: int = 0
    key_sequence: int = 0


class LinkKeysState(NamedTuple):
    """The link keys of one device, as `security.material.LinkKeyEntry` has them."""

    provisional: tuple[Key, LinkKeyKind]
    current: tuple[Key, LinkKeyKind]
    pending: tuple[Key, LinkKeyKind] | None = None
    previous: Key | None = None


class DeviceState(NamedTuple):
    """One device, a tuple because each join makes several (ADR 0004). Standing UNKNOWN is just an address.

    `relationship` None: it was no neighbour; else a number of `stack.neighbors.Relationship`, and
    `timeout` that of its end device timeout. `nwk_incoming` holds the least counter that is fresh by key
    sequence number, `aps_incoming` by link key.
    """

    address: NwkAddress
    standing: Standing = Standing.UNKNOWN
    capability: int = 0
    parent: Eui64 | None = None
    stack_revision: int | None = None
    relationship: int | None = None
    timeout: int = 8
    link_keys: LinkKeysState | None = None
    nwk_incoming: Mapping[int, int] = MappingProxyType({})
    aps_incoming: Mapping[Key, int] = MappingProxyType({})


@dataclass(slots=True, kw_only=True)
class Saved:
    """All of it. `bounds` are by record key; every value below a bound may have been used. `forgotten` is how
    many networks were kept in the folder before this one, and no counter of theirs went past `floor`.
    """

    network: NetworkState | None = None
    network_keys: dict[int, Key] = field(default_factory=dict)
    default_link_key: Key = GLOBAL_LINK_KEY
    bounds: dict[bytes, int] = field(default_factory=dict)
    devices: dict[Eui64, DeviceState] = field(default_factory=dict)
    forgotten: int = 0
    floor: int = 0


def network_counter(key: Key) -> bytes:
    """The record key of the NWK counter of this network key."""
    return COUNTER + key.octets


def device_key(device: Eui64) -> bytes:
    """The record key of a device."""
    return DEVICE + device.to_octets()


def encode_bound(bound: int) -> bytes:
    """The record of a counter."""
    return _BOUND.pack(bound)


def encode_network(network: NetworkState) -> bytes:
    """The record of the network."""
    return _NETWORK.pack(
        network.eui64,
        network.channel,
        network.pan_id,
        network.extended_pan_id,
        network.update_id,
        network.key_sequence,
    )


def encode_link_keys(keys: LinkKeysState) -> bytes:
    """The link keys within a device's record."""
    pending, previous = keys.pending, keys.previous
    return _LINK_KEYS.pack(
        _KIND_NUMBERS[keys.provisional[1]],
        keys.provisional[0].octets,
        _KIND_NUMBERS[keys.current[1]],
        keys.current[0].octets,
        NOTHING if pending is None else _KIND_NUMBERS[pending[1]],
        _NO_KEY if pending is None else pending[0].octets,
        NOTHING if previous is None else 0,
        _NO_KEY if previous is None else previous.octets,
    )


def encode_device(device: DeviceState, link_keys: bytes) -> bytes:
    """The record of a device; `link_keys` is what `encode_link_keys` made of its link keys, or nothing."""
    nwk, aps = device.nwk_incoming, device.aps_incoming
    parts = [
        _DEVICE.pack(
            device.address,
            _STANDING_NUMBERS[device.standing],
            device.capability,
            device.parent is not None,
            device.parent or 0,
            NOTHING if device.stack_revision is None else device.stack_revision,
            NOTHING if device.relationship is None else device.relationship,
            device.timeout,
            len(nwk) | bool(link_keys) << 8,
        ),
        link_keys,
    ]
    for sequence, counter in nwk.items():
        parts.append(_NWK_COUNTER.pack(sequence, counter))
    for key, counter in aps.items():
        parts.append(_APS_COUNTER.pack(key.octets, counter))
    return b"".join(parts)


def encode(saved: Saved) -> dict[bytes, bytes]:
    """All records of a state."""
    records: dict[bytes, bytes] = {DEFAULT_LINK_KEY: saved.default_link_key.octets}
    if saved.network is not None:
        records[NETWORK] = encode_network(saved.network)
    if saved.forgotten:
        records[FORGOTTEN] = _FORGOTTEN.pack(saved.forgotten, saved.floor)
    for sequence, key in saved.network_keys.items():
        records[NETWORK_KEY + bytes((sequence,))] = key.octets
    for counter, bound in saved.bounds.items():
        records[counter] = encode_bound(bound)
    for eui64, device in saved.devices.items():
        keys = b"" if device.link_keys is None else encode_link_keys(device.link_keys)
        records[device_key(eui64)] = encode_device(device, keys)
    return records


def decode(records: Mapping[bytes, bytes]) -> Saved:
    """The state that these records are. Raises StateError for what this version does not know."""
    saved = Saved()
    for key, value in records.items():
        try:
            _decode_record(saved, key, value)
        except (struct.error, ValueError, IndexError) as error:
            raise StateError(f"the record {key.hex()} makes no sense: {error}") from None
    if saved.network is not None and saved.network.key_sequence not in saved.network_keys:
        raise StateError(f"the active network key (sequence {saved.network.key_sequence}) is missing")
    return saved


def _decode_record(saved: Saved, key: bytes, value: bytes) -> None:
    match key[:1]:
        case b"N":
            saved.network = _decode_network(value)
        case b"K":
            saved.network_keys[key[1]] = Key(value)
        case b"L":
            saved.default_link_key = Key(value)
        case b"C":
            (saved.bounds[key],) = _BOUND.unpack(value)
        case b"F":
            saved.forgotten, saved.floor = _FORGOTTEN.unpack(value)
        case b"D" if len(key) == 9:
            saved.devices[Eui64.from_octets(key[1:])] = _decode_device(value)
        case _:
            raise ValueError("no such kind of record")


def _decode_network(value: bytes) -> NetworkState:
    eui64, channel, pan_id, extended, update_id, sequence = _NETWORK.unpack(value)
    return NetworkState(
        eui64=Eui64(eui64),
        channel=Channel(channel),
        pan_id=PanId(pan_id),
        extended_pan_id=ExtendedPanId(Eui64(extended)),
        update_id=update_id,
        key_sequence=sequence,
    )


def _decode_device(value: bytes) -> DeviceState:
    address, standing, capability, behind, parent, revision, relationship, timeout, rest = (
        _DEVICE.unpack_from(value)
    )
    if relationship not in _RELATIONSHIPS or timeout >= len(END_DEVICE_TIMEOUTS):
        raise ValueError(f"no such neighbour: relationship {relationship}, timeout {timeout}")
    at = _DEVICE.size
    link_keys = None
    if rest >> 8:
        link_keys = _decode_link_keys(_LINK_KEYS.unpack_from(value, at))
        at += _LINK_KEYS.size
    middle = at + (rest & 0xFF) * _NWK_COUNTER.size
    return DeviceState(
        address=NwkAddress(address),
        standing=STANDINGS[standing],
        capability=capability,
        parent=Eui64(parent) if behind else None,
        stack_revision=None if revision == NOTHING else revision,
        relationship=None if relationship == NOTHING else relationship,
        timeout=timeout,
        link_keys=link_keys,
        nwk_incoming=dict(_NWK_COUNTER.iter_unpack(value[at:middle])),
        aps_incoming={Key(octets): counter for octets, counter in _APS_COUNTER.iter_unpack(value[middle:])},
    )


def _decode_link_keys(fields: tuple[int, bytes, int, bytes, int, bytes, int, bytes]) -> LinkKeysState:
    kind, provisional, current_kind, current, pending_kind, pending, has_previous, previous = fields
    return LinkKeysState(
        provisional=(Key(provisional), KINDS[kind]),
        current=(Key(current), KINDS[current_kind]),
        pending=None if pending_kind == NOTHING else (Key(pending), KINDS[pending_kind]),
        previous=None if has_previous == NOTHING else Key(previous),
    )
