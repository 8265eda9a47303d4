"""APS frames taken apart: header, auxiliary header, commands with what they carry, ZDP messages."""

from __future__ import annotations

from coordinator.codec import aps, aps_commands, zdp
from coordinator.codec.cursor import DecodeError
from coordinator.codec.security_header import AuxiliaryHeader
from coordinator.evidence import dissect_fields, dissect_security
from coordinator.evidence.dissection import Draft, Fields
from coordinator.evidence.keyring import KEY_NAMES, Opened
from coordinator.evidence.knowledge import Carried, Knowledge
from coordinator.primitives.describe import STATUSES, ZDP_NAMES, describe_zdp, key_type
from coordinator.security import aps as aps_security
from coordinator.types import Eui64, Key, hex16

_NAMES: dict[int, str] = {
    0x01: "SKKE-1",
    0x02: "SKKE-2",
    0x03: "SKKE-3",
    0x04: "SKKE-4",
    aps_commands.CommandId.TRANSPORT_KEY: "Transport-Key",
    aps_commands.CommandId.UPDATE_DEVICE: "Update-Device",
    aps_commands.CommandId.REMOVE_DEVICE: "Remove-Device",
    aps_commands.CommandId.REQUEST_KEY: "Request-Key",
    aps_commands.CommandId.SWITCH_KEY: "Switch-Key",
    0x0A: "Entity-Authentication initiator challenge",
    0x0B: "Entity-Authentication responder challenge",
    0x0C: "Entity-Authentication initiator MAC",
    0x0D: "Entity-Authentication responder MAC",
    aps_commands.CommandId.TUNNEL: "Tunnel",
    aps_commands.CommandId.VERIFY_KEY: "Verify-Key",
    aps_commands.CommandId.CONFIRM_KEY: "Confirm-Key",
    aps_commands.CommandId.RELAY_MESSAGE_DOWNSTREAM: "Relay-Message-Downstream",
    aps_commands.CommandId.RELAY_MESSAGE_UPSTREAM: "Relay-Message-Upstream",
}
_ZDP_PROFILE = 0x0000
_DEEPEST_TUNNEL = 3
"""Tunnels in tunnels do not occur; octets that look so must not exhaust the stack."""


def dissect(draft: Draft, knowledge: Knowledge, carried: Carried) -> None:
    """Take an APS frame apart, which the sender in `carried` originated."""
    draft.layers |= _frame(draft, knowledge, carried, 0)


def _frame(draft: Draft, knowledge: Knowledge, carried: Carried, depth: int) -> Fields:
    """The layers of an APS frame; `depth` counts the tunnels it is in."""
    octets = carried.octets
    try:
        frame = aps.decode(octets)
    except DecodeError as error:
        draft.what = "APS, malformed"
        draft.fail("aps", error, carried.base)
        return {"aps": {"octets": octets.hex()}}
    header = _header(frame)
    layers: Fields = {"aps": header}
    opened: Opened | None = None
    payload = frame.payload
    if frame.security is not None:
        result, header["security"] = _open(knowledge, carried, frame, frame.security)
        if isinstance(result, str):
            draft.what = f"APS {_kind(frame)}, encrypted ({result})"
            return layers | {"payload": {"octets": payload.hex()}}
        opened, payload = result, result.plaintext
        knowledge.addresses.learn(carried.pan, carried.source, frame.security.source)
    inside = carried._replace(octets=payload, base=carried.base + len(octets) - len(frame.payload))
    fragment = frame.extended is not None and frame.extended.control & 3 != 0
    if frame.type is aps.FrameType.COMMAND and not fragment:
        return layers | _command(draft, knowledge, inside, frame, opened, depth)
    if frame.type is aps.FrameType.DATA and frame.profile == _ZDP_PROFILE and not fragment:
        return layers | _zdp(draft, knowledge, inside, frame)
    draft.what = f"APS {_kind(frame)}{_count(payload, fragment)}"
    return layers | ({"payload": {"octets": payload.hex()}} if payload else {})


def _kind(frame: aps.Frame) -> str:
    """What a frame is besides a command: ``data, profile 0x0104 cluster 0x0006``."""
    name = frame.type.name.lower().replace("_", "-")
    if frame.cluster is None or frame.profile is None:
        return name
    if frame.profile == _ZDP_PROFILE:
        return f"{name}, ZDP {ZDP_NAMES.get(frame.cluster, hex16(frame.cluster))}"
    return f"{name}, profile {hex16(frame.profile)} cluster {hex16(frame.cluster)}"


def _count(payload: bytes, fragment: bool) -> str:
    text = f", {len(payload)} octets" if payload else ""
    return text + (" (fragment)" if fragment else "")


def _header(frame: aps.Frame) -> Fields:
    found: Fields = {
        "frame_type": int(frame.type),
        "frame_type_name": frame.type.name.lower().replace("_", "-"),
        "frame_control": f"0x{frame.frame_control:02x}",
        "delivery_mode": int(frame.delivery_mode),
        "delivery_mode_name": frame.delivery_mode.name.lower(),
        "ack_format": frame.ack_format,
        "secured": frame.secured,
        "ack_request": frame.ack_request,
        "extended_header_present": frame.extended_present,
    }
    if frame.destination_endpoint is not None:
        found["destination_endpoint"] = frame.destination_endpoint
    if frame.group is not None:
        found["group"] = hex16(frame.group)
    if frame.cluster is not None:
        found["cluster"] = hex16(frame.cluster)
    if frame.profile is not None:
        found["profile"] = hex16(frame.profile)
    if frame.source_endpoint is not None:
        found["source_endpoint"] = frame.source_endpoint
    if frame.type is not aps.FrameType.INTER_PAN:
        found["counter"] = frame.counter
    if frame.extended is not None:
        found["extended_control"] = f"0x{frame.extended.control:02x}"
        found["fragmentation"] = frame.extended.control & 3
        if frame.extended.block_number is not None:
            found["block_number"] = frame.extended.block_number
        if frame.extended.ack_bitfield is not None:
            found["ack_bitfield"] = f"0x{frame.extended.ack_bitfield:02x}"
    return found


def _open(
    knowledge: Knowledge, carried: Carried, frame: aps.Frame, auxiliary: AuxiliaryHeader
) -> tuple[Opened | str, Fields]:
    result, outcome = dissect_security.open_payload(
        knowledge.keyring,
        auxiliary,
        carried.ieee if auxiliary.source is None else auxiliary.source,
        frame.payload,
        lambda cipher, sender: aps_security.unprotect(carried.octets, frame, cipher, sender),
    )
    return result, dissect_security.header(auxiliary) | outcome


def _command(
    draft: Draft, knowledge: Knowledge, carried: Carried, frame: aps.Frame, opened: Opened | None, depth: int
) -> Fields:
    payload = carried.octets
    try:
        command = aps_commands.decode(payload)
    except DecodeError as error:
        draft.what = "APS command, malformed"
        draft.fail("aps command", error, carried.base)
        return {"aps_command": {"octets": payload.hex()}}
    identifier = payload[0]
    name = _NAMES.get(identifier)
    found: Fields = {"command": identifier, "command_name": name or dissect_fields.UNKNOWN}
    found |= dissect_fields.fields(command)
    draft.what = f"APS {name or f'command 0x{identifier:02x}'}{_gist(command)}"
    if frame.security is not None:
        draft.what += f" {dissect_security.suffix(frame.security.key_identifier)}"
    if isinstance(command, aps_commands.TransportKey):
        if isinstance(command, aps_commands.TransportNetworkKey):
            found |= {"key_type": int(aps_commands.KeyType.NETWORK), "key_type_name": key_type(0x01)}
        if draft.trusted or opened is not None:
            _learn(draft, knowledge, command)
        transported = _transported(command)
        if opened is not None and transported is not None:
            found["is_the_key_that_secures_it"] = transported == opened.key
    elif isinstance(command, aps_commands.VerifyKey):
        proven = knowledge.keyring.proven_by(command.hash)
        found["proves"] = proven if proven is not None else "no key at hand"
    elif isinstance(command, aps_commands.Tunnel):
        inner = carried._replace(octets=command.frame, base=carried.base + len(payload) - len(command.frame))
        found["frame"] = _tunnelled(draft, knowledge, inner, depth + 1)
    return {"aps_command": found}


def _tunnelled(draft: Draft, knowledge: Knowledge, inner: Carried, depth: int) -> Fields:
    outer = draft.what
    if depth > _DEEPEST_TUNNEL:
        draft.fail("aps", DecodeError("aps", 0, "a tunnel in a tunnel in a tunnel"), inner.base)
        return {"octets": inner.octets.hex()}
    layers = _frame(draft, knowledge, inner, depth)
    draft.what = f"{outer}: {draft.what}"
    return layers


def _gist(command: aps_commands.Command) -> str:
    """What a summary says of a command besides its name and its protection."""
    match command:
        case aps_commands.TransportUnknownKey():
            return f" ({key_type(command.key_type)})"
        case aps_commands.TransportNetworkKey():
            return f" (NWK, sequence {command.sequence})"
        case aps_commands.TransportTrustCenterLinkKey() | aps_commands.TransportApplicationLinkKey():
            name = f", {KEY_NAMES[command.key]}" if command.key in KEY_NAMES else ""
            return f" ({key_type(command.key_type)}{name})"
        case aps_commands.RequestKey() | aps_commands.VerifyKey():
            # A Request-Key for an application link key says 2, which elsewhere is the obsolete master key.
            application = command.key_type == aps_commands.KeyType.APPLICATION_MASTER
            return f" ({'app link' if application else key_type(command.key_type)})"
        case aps_commands.ConfirmKey():
            return f" ({STATUSES.get(command.status, f'0x{command.status:02x}')})"
        case aps_commands.UpdateDevice():
            return f" ({command.device}, {hex16(command.address)}, status {command.status})"
        case aps_commands.RemoveDevice():
            return f" ({command.target})"
        case aps_commands.SwitchKey():
            return f" ({command.sequence})"
        case aps_commands.Tunnel():
            return f" ({command.destination})"
        case _:
            return ""


def _transported(command: aps_commands.TransportKey) -> Key | None:
    return None if isinstance(command, aps_commands.TransportUnknownKey) else command.key


def _learn(draft: Draft, knowledge: Knowledge, command: aps_commands.TransportKey) -> None:
    """Take over the key that a Transport-Key carries."""
    origin = f"Transport-Key in frame {draft.number}"
    match command:
        case aps_commands.TransportNetworkKey():
            knowledge.keyring.learn_network_key(command.key, command.sequence, origin)
        case aps_commands.TransportTrustCenterLinkKey():
            owner = command.destination if command.destination else None
            knowledge.keyring.learn_link_key(command.key, owner, origin)
        case aps_commands.TransportApplicationLinkKey():
            knowledge.keyring.learn_link_key(command.key, None, origin)
        case aps_commands.TransportUnknownKey():
            pass


def _zdp(draft: Draft, knowledge: Knowledge, carried: Carried, frame: aps.Frame) -> Fields:
    cluster = frame.cluster or 0
    try:
        message = zdp.decode(cluster, carried.octets)
    except DecodeError as error:
        draft.what = f"ZDP {ZDP_NAMES.get(cluster, hex16(cluster))}, malformed"
        draft.fail("zdp", error, carried.base)
        return {"zdp": {"octets": carried.octets.hex()}}
    command = message.command
    found: Fields = {
        "sequence": message.sequence,
        "command": cluster,
        "command_name": ZDP_NAMES.get(cluster, dissect_fields.UNKNOWN),
    }
    draft.what = f"ZDP {describe_zdp(command).removeprefix('ZDP ')}"
    pair: tuple[int | None, Eui64 | None] = (None, None)
    match command:
        case zdp.DeviceAnnounce():
            draft.what += f" ({hex16(command.address)} is {command.ieee})"
            pair = (command.address, command.ieee)
        case zdp.NwkAddressResponse(status=0) | zdp.IeeeAddressResponse(status=0):
            pair = (command.address, command.ieee)
        case _:
            pass
    if draft.trusted:
        knowledge.addresses.learn(carried.pan, *pair)
    return {"zdp": found | dissect_fields.fields(command)}
