"""Open Coordinator Backup, both ways, through zigpy's reader and writer: the network of a ZHA or
Zigbee2MQTT coordinator taken over, and ours given to them.

Counters of an imported network begin a jump further on, because its coordinator may have sent more since
the backup; `zigpy.backups` jumps as far when it restores one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import zigpy.backups
import zigpy.state
import zigpy.types

from coordinator import __version__
from coordinator.profiles.errors import ConfigurationError
from coordinator.runtime import records
from coordinator.runtime.backup_check import check
from coordinator.runtime.records import DeviceState, LinkKeysState, NetworkState, Saved
from coordinator.security.counters import COUNTER_LIMIT
from coordinator.security.keys import hashed_key
from coordinator.stack.neighbors import Relationship
from coordinator.trust_center.device import MEMBERS, Standing
from coordinator.types import (
    NO_ADDRESS,
    Channel,
    Eui64,
    ExtendedPanId,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)

JUMP = 10_000
"""How far counters go on past those of a backup."""
SLEEPY_CHILD = 0x80
"""A backup says who is a child, not of what kind: an end device that sleeps is the safe assumption, since
what is held for it is fetched by one that does not sleep as well."""
SECURITY_LEVEL = 5


def read(text: str, source: str) -> Saved:
    """The state in a backup. Raises ConfigurationError with the JSON path of what is wrong."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigurationError(
            source, f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}"
        ) from None
    except RecursionError:
        raise ConfigurationError(source, "", "not JSON: nested too deeply") from None
    checked = check(found, source)
    try:
        backup = zigpy.backups.NetworkBackup.from_open_coordinator_json(checked)
    except (KeyError, ValueError, TypeError, AssertionError) as error:
        raise ConfigurationError(
            source, "", f"zigpy cannot read it: {type(error).__name__}: {error}"
        ) from None
    return _saved(backup)


def write(saved: Saved) -> str:
    """The backup of a state that has a network, as JSON text."""
    backup = zigpy.backups.NetworkBackup.from_dict(
        {
            "version": zigpy.backups.BACKUP_FORMAT_VERSION,
            "backup_time": datetime.now(UTC).isoformat(),
            "network_info": _network_info(saved),
            "node_info": _node_info(saved),
        }
    )
    document: Mapping[str, Any] = backup.as_open_coordinator_json()
    return json.dumps(document, indent=2) + "\n"


# --- from a backup ------------------------------------------------------------------------------------


def _saved(backup: zigpy.backups.NetworkBackup) -> Saved:
    info = backup.network_info
    network_key = _key(info.network_key.key)
    default = _key(info.tc_link_key.key)
    sent = [info.tc_link_key.tx_counter, *(key.tx_counter for key in info.key_table)]
    saved = Saved(
        network=NetworkState(
            eui64=_eui64(backup.node_info.ieee),
            channel=Channel(int(info.channel)),
            pan_id=PanId(int(info.pan_id)),
            extended_pan_id=ExtendedPanId(_eui64(info.extended_pan_id)),
            update_id=int(info.nwk_update_id),
            key_sequence=int(info.network_key.seq),
        ),
        network_keys={int(info.network_key.seq): network_key},
        default_link_key=default,
        bounds={
            records.network_counter(network_key): _after(info.network_key.tx_counter),
            records.APS_COUNTER: _after(max(sent)),
        },
    )
    _take_devices(saved, info)
    return saved


def _take_devices(saved: Saved, info: zigpy.state.NetworkInfo) -> None:
    """Who is in a backup was let stay by its coordinator: it need not prove itself again."""
    keys = {_eui64(key.partner_ieee): key for key in info.key_table}
    addresses = {_eui64(ieee): NwkAddress(int(nwk)) for ieee, nwk in info.nwk_addresses.items()}
    children = {_eui64(ieee) for ieee in info.children}
    seed = (info.stack_specific.get("ezsp") or {}).get("hashed_tclk")
    for eui64 in dict.fromkeys((*addresses, *keys)):
        key = keys.get(eui64)
        link_key = None if key is None else _key(key.key)
        if link_key is None and seed is not None:
            link_key = hashed_key(Key.parse(seed), eui64)
        unique = link_key is not None and link_key != saved.default_link_key
        child = eui64 in children and eui64 in addresses
        saved.devices[eui64] = DeviceState(
            address=addresses.get(eui64, NO_ADDRESS),
            standing=Standing.VERIFIED if eui64 in addresses else Standing.UNKNOWN,
            capability=SLEEPY_CHILD if child else 0,
            relationship=Relationship.CHILD.value if child else None,
            link_keys=_link_keys(saved.default_link_key, link_key) if unique and link_key else None,
            aps_incoming={} if key is None or link_key is None else {link_key: int(key.rx_counter)},
        )


def _link_keys(default: Key, unique: Key) -> LinkKeysState:
    return LinkKeysState(provisional=(default, LinkKeyKind.GLOBAL), current=(unique, LinkKeyKind.UNIQUE))


def _after(counter: int) -> int:
    return min(int(counter) + JUMP, COUNTER_LIMIT)


def _key(key: zigpy.types.KeyData) -> Key:
    return Key(key.serialize())


def _eui64(ieee: zigpy.types.EUI64) -> Eui64:
    return Eui64.from_octets(ieee.serialize())


# --- to a backup --------------------------------------------------------------------------------------


def _network_info(saved: Saved) -> dict[str, object]:
    """As zigpy's own JSON has it: its constructors want its own integers everywhere."""
    network = saved.network
    assert network is not None
    key = saved.network_keys[network.key_sequence]
    aps = saved.bounds.get(records.APS_COUNTER, 0)
    members = {
        eui64: device
        for eui64, device in saved.devices.items()
        if device.standing in MEMBERS and device.address != NO_ADDRESS
    }
    unique = {
        eui64: device.link_keys.current[0]
        for eui64, device in members.items()
        if device.link_keys is not None and device.link_keys.current[1] is not LinkKeyKind.GLOBAL
    }
    return {
        "extended_pan_id": str(network.extended_pan_id),
        "pan_id": f"{network.pan_id:04x}",
        "nwk_update_id": network.update_id,
        "nwk_manager_id": "0000",
        "channel": network.channel,
        "channel_mask": [network.channel],
        "security_level": SECURITY_LEVEL,
        "network_key": _key_object(
            key,
            network.eui64,
            sent=saved.bounds.get(records.network_counter(key), 0),
            sequence=network.key_sequence,
        ),
        "tc_link_key": _key_object(saved.default_link_key, network.eui64, sent=aps),
        "key_table": [
            _key_object(key, eui64, sent=aps, received=members[eui64].aps_incoming.get(key, 0))
            for eui64, key in unique.items()
        ],
        "children": [
            str(eui64) for eui64, device in members.items() if device.relationship == Relationship.CHILD.value
        ],
        "route_table": {},
        "tx_power": None,
        "nwk_addresses": {str(eui64): f"{device.address:04x}" for eui64, device in members.items()},
        "stack_specific": {},
        "metadata": {},
        "source": f"legacy-tc@{__version__}",
    }


def _node_info(saved: Saved) -> dict[str, object]:
    assert saved.network is not None
    return {
        "nwk": "0000",
        "ieee": str(saved.network.eui64),
        "logical_type": "coordinator",
        "model": "legacy-tc",
        "manufacturer": None,
        "version": __version__,
    }


def _key_object(
    key: Key, partner: Eui64, *, sent: int, received: int = 0, sequence: int = 0
) -> dict[str, object]:
    return {
        "key": key.octets.hex(":"),
        "tx_counter": sent,
        "rx_counter": received,
        "seq": sequence,
        "partner_ieee": str(partner),
    }
