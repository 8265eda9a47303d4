"""NWK frames taken apart: header, auxiliary header, commands."""

from __future__ import annotations

from coordinator.codec import nwk, nwk_commands
from coordinator.codec.cursor import DecodeError
from coordinator.evidence import dissect_fields, dissect_security
from coordinator.evidence.dissection import Draft, Fields
from coordinator.evidence.knowledge import AddressBook, Carried, Knowledge
from coordinator.primitives.describe import ASSOCIATION
from coordinator.security import nwk as nwk_security
from coordinator.types import hex16

_NAMES: dict[int, str] = {
    nwk_commands.CommandId.ROUTE_REQUEST: "Route Request",
    nwk_commands.CommandId.ROUTE_REPLY: "Route Reply",
    nwk_commands.CommandId.NETWORK_STATUS: "Network Status",
    nwk_commands.CommandId.LEAVE: "Leave",
    nwk_commands.CommandId.ROUTE_RECORD: "Route Record",
    nwk_commands.CommandId.REJOIN_REQUEST: "Rejoin Request",
    nwk_commands.CommandId.REJOIN_RESPONSE: "Rejoin Response",
    nwk_commands.CommandId.LINK_STATUS: "Link Status",
    nwk_commands.CommandId.NETWORK_REPORT: "Network Report",
    nwk_commands.CommandId.NETWORK_UPDATE: "Network Update",
    nwk_commands.CommandId.END_DEVICE_TIMEOUT_REQUEST: "End Device Timeout Request",
    nwk_commands.CommandId.END_DEVICE_TIMEOUT_RESPONSE: "End Device Timeout Response",
    nwk_commands.CommandId.LINK_POWER_DELTA: "Link Power Delta",
    0x0E: "Network Commissioning Request",
    0x0F: "Network Commissioning Response",
}
_ZIGBEE_VERSIONS = (1, 2)
_GREEN_POWER_VERSION = 3


def dissect(draft: Draft, knowledge: Knowledge, carried: Carried) -> Carried | None:
    """Take a NWK frame apart; the sender in `carried` is this hop's. Returns what the APS shall read."""
    octets, base, pan = carried.octets, carried.base, carried.pan
    version = octets[0] >> 2 & 0x0F if octets else _ZIGBEE_VERSIONS[0]
    if version not in _ZIGBEE_VERSIONS:
        _foreign(draft, version, octets, base)
        return None
    try:
        frame = nwk.decode(octets)
    except DecodeError as error:
        draft.what = "NWK, malformed"
        draft.layers["nwk"] = {"octets": octets.hex()}
        draft.fail("nwk", error, base)
        return None
    draft.layers["nwk"] = found = _header(frame)
    inside = base + len(octets) - len(frame.payload)
    if frame.type is nwk.FrameType.INTER_PAN:
        draft.what = "inter-PAN"
        return Carried(frame.payload, inside, pan)
    draft.route = (hex16(frame.source), hex16(frame.destination))
    payload = _payload(draft, knowledge, carried, frame, found)
    if payload is None:
        return None
    addresses = knowledge.addresses
    if draft.trusted:
        addresses.learn(pan, frame.source, frame.source_ieee)
        addresses.learn(pan, frame.destination, frame.destination_ieee)
    if frame.type is nwk.FrameType.COMMAND:
        _command(draft, addresses, frame, Carried(payload, inside, pan))
        return None
    if not payload:
        draft.what = "NWK data, empty"
        return None
    ieee = addresses.find(pan, frame.source) if frame.source_ieee is None else frame.source_ieee
    return Carried(payload, inside, pan, frame.source, ieee)


def _foreign(draft: Draft, version: int, octets: bytes, base: int) -> None:
    draft.layers["nwk"] = {"protocol_version": version, "octets": octets.hex()}
    if version == _GREEN_POWER_VERSION:
        draft.what = "Green Power frame (not decoded)"
        return
    draft.what = "not Zigbee"
    draft.fail("nwk", DecodeError("nwk", 0, f"protocol version {version} is not Zigbee's"), base)


def _header(frame: nwk.Frame) -> Fields:
    found: Fields = {
        "frame_type": int(frame.type),
        "frame_type_name": frame.type.name.lower(),
        "frame_control": hex16(frame.frame_control),
        "protocol_version": frame.version,
        "discover_route": frame.discover_route,
        "multicast": frame.multicast,
        "secured": frame.secured,
        "source_routed": frame.source_routed,
        "destination_ieee_present": frame.frame_control & nwk.DESTINATION_IEEE != 0,
        "source_ieee_present": frame.frame_control & nwk.SOURCE_IEEE != 0,
        "end_device_initiator": frame.end_device_initiator,
    }
    if frame.type is nwk.FrameType.INTER_PAN:
        return found
    found |= {
        "destination": hex16(frame.destination),
        "source": hex16(frame.source),
        "radius": frame.radius,
        "sequence": frame.sequence,
    }
    if frame.destination_ieee is not None:
        found["destination_ieee"] = str(frame.destination_ieee)
    if frame.source_ieee is not None:
        found["source_ieee"] = str(frame.source_ieee)
    if frame.multicast_control is not None:
        found["multicast_control"] = f"0x{frame.multicast_control:02x}"
    if frame.relay_index is not None:
        found["relay_count"] = len(frame.relays)
        found["relay_index"] = frame.relay_index
        found["relays"] = [hex16(relay) for relay in frame.relays]
    return found


def _payload(
    draft: Draft, knowledge: Knowledge, carried: Carried, frame: nwk.Frame, found: Fields
) -> bytes | None:
    """The plaintext payload; None, and the reason in the draft, if no key opens it."""
    auxiliary = frame.security
    if auxiliary is None:
        return frame.payload
    result, outcome = dissect_security.open_payload(
        knowledge.keyring,
        auxiliary,
        carried.ieee if auxiliary.source is None else auxiliary.source,
        frame.payload,
        lambda cipher, sender: nwk_security.unprotect(carried.octets, frame, cipher, sender),
    )
    found["security"] = dissect_security.header(auxiliary) | outcome
    if isinstance(result, str):
        draft.what = f"NWK {frame.type.name.lower()}, encrypted ({result})"
        draft.layers["payload"] = {"octets": frame.payload.hex()}
        return None
    knowledge.addresses.learn(carried.pan, carried.source, auxiliary.source)
    return result.plaintext


def _command(draft: Draft, addresses: AddressBook, frame: nwk.Frame, carried: Carried) -> None:
    payload, base = carried.octets, carried.base
    try:
        command = nwk_commands.decode(payload)
    except DecodeError as error:
        draft.what = "NWK command, malformed"
        draft.layers["nwk_command"] = {"octets": payload.hex()}
        draft.fail("nwk command", error, base)
        return
    identifier = payload[0]
    name = _NAMES.get(identifier)
    found: Fields = {"command": identifier, "command_name": name or dissect_fields.UNKNOWN}
    draft.layers["nwk_command"] = found | dissect_fields.fields(command)
    draft.what = f"NWK {name or f'command 0x{identifier:02x}'}{_gist(command)}"
    if draft.trusted and isinstance(command, nwk_commands.RejoinResponse) and command.status == 0:
        addresses.learn(carried.pan, command.address, frame.destination_ieee)


def _gist(command: nwk_commands.Command) -> str:
    """What a summary says of a command besides its name."""
    match command:
        case nwk_commands.Leave():
            kind = "request" if command.request else "indication"
            rejoin = ", rejoin" if command.rejoin else ""
            return f" ({kind}{rejoin}{', remove children' if command.remove_children else ''})"
        case nwk_commands.LinkStatus():
            return f" ({len(command.entries)} neighbors)"
        case nwk_commands.RejoinResponse(status=0):
            return f" ({hex16(command.address)})"
        case nwk_commands.RejoinResponse():
            return f" ({ASSOCIATION.get(command.status, f'status 0x{command.status:02x}')})"
        case nwk_commands.NetworkStatus():
            return f" (0x{command.status:02x}, {hex16(command.target)})"
        case nwk_commands.RouteRequest():
            return f" ({hex16(command.destination)})"
        case _:
            return ""
