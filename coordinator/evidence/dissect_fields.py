"""Decoded commands as plain fields: every field, every named bit, names beside the numbers that have one.

Commands are dataclasses whose fields bear the specification's names; here is only how to write them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections.abc import Mapping

from coordinator.codec import aps_commands, mac_commands, nwk_commands, tlv, zdp, zdp_descriptors
from coordinator.codec.cursor import DecodeError
from coordinator.evidence.dissection import Fields, Value
from coordinator.evidence.keyring import KEY_NAMES
from coordinator.primitives.describe import ASSOCIATION, KEY_TYPES, STATUSES
from coordinator.types import DeviceType, Eui64, Key

_WIDTHS = {
    **dict.fromkeys(("options", "capability", "mac_capability", "flags", "characteristics"), 2),
    **dict.fromkeys(("descriptor_capability", "parent_information", "frequency_band", "pending_reserved"), 2),
    **dict.fromkeys(("address", "destination", "source", "target", "originator", "responder", "device"), 4),
    **dict.fromkeys(("coordinator", "nwk_manager", "relays", "associated", "pending_short"), 4),
    **dict.fromkeys(("pan_id", "pan_ids", "new_pan_id", "superframe", "descriptor"), 4),
    **dict.fromkeys(("cluster", "profile", "input_clusters", "output_clusters"), 4),
    **dict.fromkeys(("manufacturer", "server_mask"), 4),
    "tx_offset": 6,
    "channels": 8,
}
"""How many hexadecimal digits the integers of these names have; others are written in decimal."""

_CAPABILITIES = ("capability", "mac_capability")
_SERVER_BITS = {
    0: "PRIMARY_TRUST_CENTER",
    1: "BACKUP_TRUST_CENTER",
    2: "PRIMARY_BINDING_TABLE_CACHE",
    3: "BACKUP_BINDING_TABLE_CACHE",
    4: "PRIMARY_DISCOVERY_CACHE",
    5: "BACKUP_DISCOVERY_CACHE",
    6: "NETWORK_MANAGER",
}

_Names = Mapping[int, str]


def _names_of(members: type[enum.IntEnum]) -> _Names:
    return {int(member): member.name for member in members}


_ZDP_STATUSES = _names_of(zdp.Status)
_DISASSOCIATION = {1: "the coordinator wants the device to leave", 2: "the device leaves"}
_NETWORK_STATUSES = {
    0x00: "No Route Available",
    0x01: "Tree Link Failure",
    0x02: "Non-tree Link Failure",
    0x03: "Low Battery",
    0x04: "No Routing Capacity",
    0x05: "No Indirect Capacity",
    0x06: "Indirect Transaction Expiry",
    0x07: "Target Device Unavailable",
    0x08: "Target Address Unallocated",
    0x09: "Parent Link Failure",
    0x0A: "Validate Route",
    0x0B: "Source Route Failure",
    0x0C: "Many-to-One Route Failure",
    0x0D: "Address Conflict",
    0x0E: "Verify Address",
    0x0F: "PAN ID Update",
    0x10: "Network Address Update",
    0x11: "Bad Frame Counter",
    0x12: "Bad Key Sequence Number",
}
"""The names Wireshark 4.0 gives them."""

_STATUS_NAMES: dict[type[object], _Names] = {
    mac_commands.AssociationResponse: ASSOCIATION,
    nwk_commands.RejoinResponse: ASSOCIATION,
    nwk_commands.NetworkStatus: _NETWORK_STATUSES,
    nwk_commands.EndDeviceTimeoutResponse: {0: "SUCCESS", 1: "INCORRECT_VALUE"},
    aps_commands.UpdateDevice: _names_of(aps_commands.UpdateDeviceStatus),
    aps_commands.ConfirmKey: STATUSES,
}
UNKNOWN = "unknown"


def fields(command: object) -> Fields:
    """Every field of a decoded command or descriptor that is on the air, then its named bits."""
    found: Fields = {}
    if not dataclasses.is_dataclass(command):
        return found
    for field in dataclasses.fields(command):
        value: object = getattr(command, field.name)
        if value is None:
            continue
        if field.name == "trailing":
            if isinstance(value, bytes) and value:
                found |= _trailing(value)
            continue
        found[field.name] = render(field.name, value)
        found |= _beside(type(command), field.name, value)
    for name, member in vars(type(command)).items():
        if isinstance(member, property):
            value = getattr(command, name)
            if value is not None:
                found[name] = render(name, value)
    return found


def render(name: str, value: object) -> Value:
    """One value, written as fields of this name are."""
    match value:
        case bool() | str() | None:
            return value
        case Eui64():
            return str(value)
        case Key():
            return value.octets.hex()
        case bytes():
            return value.hex()
        case int():
            width = _WIDTHS.get(name)
            return int(value) if width is None else f"0x{value:0{width}x}"
        case tuple() | list():
            return [render(name, item) for item in value]
        case _:
            return fields(value)


def named(value: int, names: _Names) -> str:
    """The name of a number, if it has one."""
    return names.get(value, UNKNOWN)


def _beside(owner: type[object], name: str, value: object) -> Fields:
    """The names and flags that explain a field."""
    if isinstance(value, Key):
        return {"key_name": KEY_NAMES[value]} if value in KEY_NAMES else {}
    if not isinstance(value, int):
        return {}
    if name in _CAPABILITIES:
        flags = [str(flag.name) for flag in mac_commands.Capability if value & flag]
        return {f"{name}_flags": flags}
    if name == "server_mask":
        return {"server_mask_flags": [text for bit, text in _SERVER_BITS.items() if value >> bit & 1]}
    names = _names(owner, name)
    return {} if names is None else {f"{name}_name": named(value, names)}


def _names(owner: type[object], name: str) -> _Names | None:
    match name:
        case "status":
            return _STATUS_NAMES.get(owner, _ZDP_STATUSES)
        case "key_type":
            return KEY_TYPES
        case "logical_type" if owner is zdp_descriptors.NodeDescriptor:
            return {member.value: member.name for member in DeviceType}
        case "reason":
            return _DISASSOCIATION
        case _:
            return None


def _trailing(octets: bytes) -> Fields:
    """What follows the fields of a command, and what it says if it is TLVs."""
    found: Fields = {"trailing": octets.hex()}
    with contextlib.suppress(DecodeError):
        found["tlvs"] = [_tlv(item) for item in tlv.decode(octets)]
    return found


def _tlv(item: tlv.Tlv) -> Value:
    """One TLV; the value of one that only holds others is read once more."""
    found = _flat(item)
    if item.tag in _ENCAPSULATIONS:
        with contextlib.suppress(DecodeError):
            found["tlvs"] = [_flat(inner) for inner in tlv.decode(item.value)]
    return found


def _flat(item: tlv.Tlv) -> Fields:
    name = "local" if item.tag < _FIRST_GLOBAL_TAG else named(item.tag, _TLV_NAMES)
    return {"tag": item.tag, "tag_name": name, "value": item.value.hex()}


_TLV_NAMES = {
    64: "Manufacturer Specific",
    65: "Supported Key Negotiation Methods",
    66: "PAN ID Conflict Report",
    67: "Next PAN ID Change",
    68: "Next Channel Change",
    69: "Symmetric Passphrase",
    70: "Router Information",
    71: "Fragmentation Parameters",
    72: "Joiner Encapsulation",
    73: "Beacon Appendix Encapsulation",
    75: "Configuration Parameters",
    76: "Device Capability Extension",
}
"""The global tags of R23 (unverified: Wireshark 4.0 does not know them)."""
_ENCAPSULATIONS = (72, 73)
_FIRST_GLOBAL_TAG = 64
