"""tshark's reading of a capture beside ours: the same fields, named as tshark names them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from coordinator.evidence.dissection import Dissection, Value
from coordinator.types import Key

_IN_LAYERS: Mapping[str, Mapping[str, str]] = {
    "phy": {
        "channel": "wpan-tap.ch_num",
        "channel_page": "wpan-tap.ch_page",
        "lqi": "wpan-tap.lqi",
        "fcs_type": "wpan-tap.fcs_type",
        "frame_length": "wpan-nonask-phy.frame_length",
        "rssi": "wpan.rssi",
        "correlation": "wpan.correlation",
    },
    "mac": {
        "frame_type": "wpan.frame_type",
        "security_enabled": "wpan.security",
        "frame_pending": "wpan.pending",
        "ack_request": "wpan.ack_request",
        "pan_id_compression": "wpan.pan_id_compression",
        "version": "wpan.version",
        "destination_mode": "wpan.dst_addr_mode",
        "source_mode": "wpan.src_addr_mode",
        "sequence": "wpan.seq_no",
        "destination_pan": "wpan.dst_pan",
    },
    "mac_command": {"command": "wpan.cmd"},
    "beacon": {
        "association_permit": "wpan.assoc_permit",
        "pan_coordinator": "wpan.bcn_coord",
        "beacon_order": "wpan.beacon_order",
        "superframe_order": "wpan.superframe_order",
        "final_cap_slot": "wpan.cap",
        "battery_life_extension": "wpan.battery_ext",
    },
    "zigbee_beacon": {
        "protocol_id": "zbee_beacon.protocol",
        "stack_profile": "zbee_beacon.profile",
        "protocol_version": "zbee_beacon.version",
        "router_capacity": "zbee_beacon.router",
        "depth": "zbee_beacon.depth",
        "end_device_capacity": "zbee_beacon.end_dev",
        "extended_pan_id": "zbee_beacon.ext_panid",
        "tx_offset": "zbee_beacon.tx_offset",
        "update_id": "zbee_beacon.update_id",
    },
    "nwk": {
        "frame_type": "zbee_nwk.frame_type",
        "protocol_version": "zbee_nwk.proto_version",
        "discover_route": "zbee_nwk.discovery",
        "multicast": "zbee_nwk.multicast",
        "secured": "zbee_nwk.security",
        "source_routed": "zbee_nwk.src_route",
        "destination_ieee_present": "zbee_nwk.ext_dst",
        "source_ieee_present": "zbee_nwk.ext_src",
        "end_device_initiator": "zbee_nwk.end_device_initiator",
        "destination": "zbee_nwk.dst",
        "source": "zbee_nwk.src",
        "radius": "zbee_nwk.radius",
        "sequence": "zbee_nwk.seqno",
        "destination_ieee": "zbee_nwk.dst64",
        "relay_count": "zbee_nwk.relay.count",
        "relay_index": "zbee_nwk.relay.index",
        "relays": "zbee_nwk.relay",
    },
    "security": {
        "key_identifier": "zbee.sec.key_id",
        "extended_nonce": "zbee.sec.ext_nonce",
        "frame_counter": "zbee.sec.counter",
        "source": "zbee.sec.src64",
        "key_sequence": "zbee.sec.key_seqno",
        "mic": "zbee.sec.mic",
        "key": "zbee.sec.key",
    },
    "nwk_command": {"command": "zbee_nwk.cmd.id"},
    "aps": {
        "frame_type": "zbee_aps.type",
        "delivery_mode": "zbee_aps.delivery",
        "secured": "zbee_aps.security",
        "ack_request": "zbee_aps.ack_req",
        "extended_header_present": "zbee_aps.ext_header",
        "destination_endpoint": "zbee_aps.dst",
        "group": "zbee_aps.group",
        "profile": "zbee_aps.profile",
        "source_endpoint": "zbee_aps.src",
        "counter": "zbee_aps.counter",
        "fragmentation": "zbee_aps.fragmentation",
        "block_number": "zbee_aps.block",
        "ack_bitfield": "zbee_aps.block_acks",
    },
    "aps_command": {
        "command": "zbee_aps.cmd.id",
        "key_type": "zbee_aps.cmd.key_type",
        "key": "zbee_aps.cmd.key",
        "hash": "zbee_aps.cmd.key_hash",
    },
    "zdp": {
        "sequence": "zbee_zdp.seqno",
        "status": "zbee_zdp.status",
        "address": "zbee_zdp.nwk_addr",
        "ieee": "zbee_zdp.ext_addr",
        "children": "zbee_zdp.ext_addr",
        "table/neighbors/ieee": "zbee_zdp.ext_addr",
        "scan_duration": "zbee_zdp.duration",
    },
}

_IN_COMMANDS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("mac_command", "Association Response"): {"address": "wpan.asoc.addr", "status": "wpan.assoc.status"},
    ("nwk_command", "Leave"): {
        "rejoin": "zbee_nwk.cmd.leave.rejoin",
        "request": "zbee_nwk.cmd.leave.request",
        "remove_children": "zbee_nwk.cmd.leave.children",
    },
    ("nwk_command", "Network Status"): {"status": "zbee_nwk.cmd.status", "target": "zbee_nwk.cmd.route.dest"},
    ("nwk_command", "Rejoin Response"): {
        "address": "zbee_nwk.cmd.addr",
        "status": "zbee_nwk.cmd.rejoin_status",
    },
    ("nwk_command", "Rejoin Request"): {"capability": "zbee_nwk.cmd.cinfo"},
    ("nwk_command", "Route Record"): {"relays": "zbee_nwk.cmd.relay_device"},
    ("nwk_command", "Link Status"): {
        "entries/address": "zbee_nwk.cmd.link.address",
        "entries/incoming": "zbee_nwk.cmd.link.incoming_cost",
        "entries/outgoing": "zbee_nwk.cmd.link.outgoing_cost",
    },
    ("nwk_command", "Route Request"): {
        "identifier": "zbee_nwk.cmd.route.id",
        "destination": "zbee_nwk.cmd.route.dest",
        "destination_ieee": "zbee_nwk.cmd.route.dest_ext",
        "path_cost": "zbee_nwk.cmd.route.cost",
    },
    ("nwk_command", "Route Reply"): {
        "identifier": "zbee_nwk.cmd.route.id",
        "originator": "zbee_nwk.cmd.route.orig",
        "responder": "zbee_nwk.cmd.route.resp",
        "responder_ieee": "zbee_nwk.cmd.route.resp_ext",
        "path_cost": "zbee_nwk.cmd.route.cost",
    },
    ("nwk_command", "Network Report"): {"extended_pan_id": "zbee_nwk.cmd.epid"},
    ("nwk_command", "Link Power Delta"): {
        "entries/address": "zbee_nwk.cmd.link_pwr_delta.address",
        "entries/delta": "zbee_nwk.cmd.link_pwr_delta.power_delta",
    },
    ("nwk_command", "Network Update"): {
        "extended_pan_id": "zbee_nwk.cmd.epid",
        "update_id": "zbee_nwk.cmd.update.id",
    },
    ("aps_command", "Transport-Key"): {
        "destination": "zbee_aps.cmd.dst",
        "source": "zbee_aps.cmd.src",
        "sequence": "zbee_aps.cmd.seqno",
        "partner": "zbee_aps.cmd.partner",
    },
    ("aps_command", "Update-Device"): {
        "device": "zbee_aps.cmd.device",
        "address": "zbee_aps.cmd.addr",
        "status": "zbee_aps.cmd.update_status",
    },
    ("aps_command", "Remove-Device"): {"target": "zbee_aps.cmd.device"},
    ("aps_command", "Request-Key"): {"partner": "zbee_aps.cmd.partner"},
    ("aps_command", "Switch-Key"): {"sequence": "zbee_aps.cmd.seqno"},
    ("aps_command", "Tunnel"): {"destination": "zbee_aps.cmd.dst"},
    ("aps_command", "Verify-Key"): {"source": "zbee_aps.cmd.src"},
    ("aps_command", "Confirm-Key"): {"status": "zbee_aps.cmd.status", "destination": "zbee_aps.cmd.dst"},
    ("zdp", "Node_Desc_rsp"): {
        "descriptor/manufacturer": "zbee_zdp.node.manufacturer",
        "descriptor/server_mask": "zbee_zdp.server",
        "descriptor/stack_revision": "zbee_zdp.server.stack_compliance_revision",
        "descriptor/logical_type": "zbee_zdp.node.type",
        "descriptor/max_buffer": "zbee_zdp.node.max_buffer",
    },
    ("zdp", "Mgmt_Permit_Joining_req"): {
        "duration": "zbee_zdp.duration",
        "tc_significance": "zbee_zdp.significance",
    },
    ("zdp", "Mgmt_Leave_req"): {"device": "zbee_zdp.ext_addr", "rejoin": "zbee_zdp.leave.rejoin"},
}
_ADDRESSES = {"destination": ("wpan.dst16", "wpan.dst64"), "source": ("wpan.src16", "wpan.src64")}
_CLUSTERS = ("zbee_aps.cluster", "zbee_aps.zdp_cluster")
_OCTETS = ("zbee.sec.mic", "zbee.sec.key", "zbee_aps.cmd.key", "zbee_aps.cmd.key_hash")

FIELDS = tuple(
    dict.fromkeys(
        [field for fields in (*_IN_LAYERS.values(), *_IN_COMMANDS.values()) for field in fields.values()]
        + [field for fields in _ADDRESSES.values() for field in fields]
        + [*_CLUSTERS]
    )
)

Reading = dict[str, list[int]]
"""The values of each field in the order they stand in the frame; everything as a number."""


def tshark(path: Path, keys: Sequence[Key], *options: str, fields: Sequence[str] = FIELDS) -> list[Reading]:
    """What tshark reads in every packet of a file, with these keys and no other preference."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|"]
    command += options
    for key in keys:
        command += ["-o", f'uat:zigbee_pc_keys:"{key.octets.hex()}","Normal","key"']
    for field in fields:
        command += ["-e", field]
    environment = {"PATH": "/usr/bin:/bin", "WIRESHARK_CONFIG_DIR": str(path.parent), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environment)
    return [_on_air(dict(zip(fields, line.split("\t"), strict=True))) for line in done.stdout.splitlines()]


def _on_air(line: Mapping[str, str]) -> Reading:
    """A line as numbers, without the MAC source that tshark adds to frames whose address is short."""
    found = {
        field: [number(field, text) for text in values.split("|")] for field, values in line.items() if values
    }
    if "wpan.src16" in found:
        found.pop("wpan.src64", None)
    return found


def disagreements(dissections: Sequence[Dissection], readings: Sequence[Reading]) -> list[str]:
    """Every field that only one of the two reads, or that they read otherwise."""
    found = []
    for index, (dissection, theirs) in enumerate(zip(dissections, readings, strict=True), 1):
        mine = ours(dissection)
        for field in {**mine, **theirs}:
            if mine.get(field) != theirs.get(field):
                found.append(f"frame {index}, {field}: we {mine.get(field)}, tshark {theirs.get(field)}")
    return found


def ours(dissection: Dissection) -> Reading:
    """What the dissection reads, in the same words."""
    found: Reading = {}
    for field, value in _walk(dissection.layers):
        values = value if isinstance(value, list) else [value]
        found.setdefault(field, []).extend(number(field, item) for item in values)
    return {field: values for field, values in found.items() if values}


def number(field: str, value: Value) -> int:
    """A value as a number: decimal or 0x, an EUI-64 or octets as hexadecimal digits, a truth value."""
    if not isinstance(value, str):
        assert isinstance(value, int), value
        return int(value)
    if value in ("True", "False"):
        return int(value == "True")
    if ":" in value or field in _OCTETS:
        return int(value.replace(":", ""), 16)
    return int(value, 0)


def _walk(layers: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    for layer, fields in layers.items():
        if not isinstance(fields, Mapping):
            continue
        names = dict(_IN_LAYERS.get(layer, {}))
        names |= _IN_COMMANDS.get((layer, str(fields.get("command_name"))), {})
        for name, field in names.items():
            value = _find(fields, name)
            if value is not None:
                yield field, value
        if layer == "mac":
            yield from _addresses(fields)
        if layer == "aps" and "cluster" in fields:
            yield _CLUSTERS[fields.get("profile") == "0x0000"], fields["cluster"]
        if isinstance(fields.get("security"), Mapping):
            yield from _walk({"security": fields["security"]})
        if isinstance(fields.get("frame"), Mapping):
            yield from _walk(fields["frame"])  # type: ignore[arg-type]


def _addresses(fields: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    for name, (short, extended) in _ADDRESSES.items():
        value = fields.get(name)
        if isinstance(value, str):
            yield (extended if ":" in value else short), value


def _find(fields: Mapping[str, Value], path: str) -> Value:
    """The value at a path; through a list it is the list of what its items have there."""
    name, _, rest = path.partition("/")
    value = fields.get(name)
    if not rest:
        return value
    if isinstance(value, Mapping):
        return _find(value, rest)
    if isinstance(value, list):
        return [_find(item, rest) for item in value]
    return None
