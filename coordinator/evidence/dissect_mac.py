"""MAC frames taken apart: header, commands, beacons, the Zigbee beacon payload."""

from __future__ import annotations

from coordinator.codec import beacon, mac, mac_commands
from coordinator.codec.cursor import DecodeError
from coordinator.evidence import dissect_fields
from coordinator.evidence.dissection import Draft, Fields
from coordinator.evidence.knowledge import AddressBook, Carried
from coordinator.primitives.describe import ASSOCIATION
from coordinator.types import Eui64, hex16

_COMMANDS: dict[int, str] = {
    mac_commands.CommandId.ASSOCIATION_REQUEST: "Association Request",
    mac_commands.CommandId.ASSOCIATION_RESPONSE: "Association Response",
    mac_commands.CommandId.DISASSOCIATION_NOTIFICATION: "Disassociation Notification",
    mac_commands.CommandId.DATA_REQUEST: "Data Request",
    mac_commands.CommandId.PAN_ID_CONFLICT_NOTIFICATION: "PAN ID Conflict Notification",
    mac_commands.CommandId.ORPHAN_NOTIFICATION: "Orphan Notification",
    mac_commands.CommandId.BEACON_REQUEST: "Beacon Request",
    mac_commands.CommandId.COORDINATOR_REALIGNMENT: "Coordinator Realignment",
    mac_commands.CommandId.GTS_REQUEST: "GTS Request",
}
_ZIGBEE_PROTOCOL = 0x00


def dissect(draft: Draft, addresses: AddressBook, octets: bytes, base: int) -> Carried | None:
    """Take a PSDU apart, which begins at octet `base` of the packet. Returns the NWK frame in it, if any."""
    try:
        frame = mac.decode(octets)
    except DecodeError as error:
        draft.what = "MAC, malformed"
        draft.layers["mac"] = {"octets": octets.hex()}
        draft.fail("mac", error, base)
        return None
    draft.layers["mac"] = _header(frame)
    if frame.source is not None or frame.destination is not None:
        draft.hop = (_address(frame.source), _address(frame.destination))
    inside = base + len(octets) - len(frame.payload)
    if frame.security_enabled:
        draft.what = f"MAC {frame.type.name.lower()}, secured by the MAC (not decoded)"
        draft.layers["payload"] = {"octets": frame.payload.hex()}
        return None
    match frame.type:
        case mac.FrameType.ACK:
            pending = ", frame pending" if frame.frame_pending else ""
            draft.what = f"MAC ack, sequence {frame.sequence}{pending}"
            _leftover(draft, frame.payload)
        case mac.FrameType.BEACON:
            _beacon(draft, frame, inside)
        case mac.FrameType.COMMAND:
            _command(draft, addresses, frame, inside)
        case mac.FrameType.DATA:
            if frame.payload:
                return _carried(addresses, frame, inside)
            draft.what = "MAC data, empty"
    return None


def _carried(addresses: AddressBook, frame: mac.Frame, base: int) -> Carried:
    pan, source = frame.source_pan_id, frame.source
    if isinstance(source, Eui64):
        return Carried(frame.payload, base, pan, None, source)
    return Carried(frame.payload, base, pan, source, addresses.find(pan, source))


def _header(frame: mac.Frame) -> Fields:
    found: Fields = {
        "frame_type": int(frame.type),
        "frame_type_name": frame.type.name.lower(),
        "frame_control": hex16(frame.frame_control),
        "security_enabled": frame.security_enabled,
        "frame_pending": frame.frame_pending,
        "ack_request": frame.ack_request,
        "pan_id_compression": frame.pan_id_compression,
        "destination_mode": int(frame.destination_mode),
        "destination_mode_name": frame.destination_mode.name.lower(),
        "version": frame.version,
        "source_mode": int(frame.source_mode),
        "source_mode_name": frame.source_mode.name.lower(),
        "sequence": frame.sequence,
    }
    if frame.destination_pan is not None:
        found["destination_pan"] = hex16(frame.destination_pan)
    if frame.destination is not None:
        found["destination"] = _address(frame.destination)
    if frame.source_pan is not None:
        found["source_pan"] = hex16(frame.source_pan)
    if frame.source is not None:
        found["source"] = _address(frame.source)
    return found


def _address(address: int | None) -> str:
    """An address as the field writes it; nothing where the frame has none."""
    if address is None:
        return ""
    return str(address) if isinstance(address, Eui64) else hex16(address)


def _leftover(draft: Draft, octets: bytes) -> None:
    if octets:
        draft.layers["payload"] = {"octets": octets.hex()}


def _command(draft: Draft, addresses: AddressBook, frame: mac.Frame, base: int) -> None:
    try:
        command = mac_commands.decode(frame.payload)
    except DecodeError as error:
        draft.what = "MAC command, malformed"
        draft.layers["mac_command"] = {"octets": frame.payload.hex()}
        draft.fail("mac command", error, base)
        return
    identifier = frame.payload[0]
    name = _COMMANDS.get(identifier)
    found: Fields = {"command": identifier, "command_name": name or dissect_fields.UNKNOWN}
    draft.layers["mac_command"] = found | dissect_fields.fields(command)
    draft.what = f"MAC {name or f'command 0x{identifier:02x}'}"
    match command:
        case mac_commands.AssociationRequest():
            router = command.capability & mac_commands.Capability.FULL_FUNCTION_DEVICE
            draft.what += " (router)" if router else " (end device)"
        case mac_commands.AssociationResponse(status=0):
            draft.what += f" ({hex16(command.address)})"
            if draft.trusted and isinstance(frame.destination, Eui64):
                addresses.learn(frame.destination_pan, command.address, frame.destination)
        case mac_commands.AssociationResponse():
            draft.what += f" ({ASSOCIATION.get(command.status, f'status 0x{command.status:02x}')})"
        case mac_commands.CoordinatorRealignment():
            draft.what += f" (PAN {hex16(command.pan_id)}, channel {command.channel})"
            if draft.trusted and isinstance(frame.destination, Eui64):
                addresses.learn(command.pan_id, command.address, frame.destination)
        case _:
            pass


def _beacon(draft: Draft, frame: mac.Frame, base: int) -> None:
    try:
        decoded = beacon.decode(frame.payload)
    except DecodeError as error:
        draft.what = "MAC beacon, malformed"
        draft.layers["beacon"] = {"octets": frame.payload.hex()}
        draft.fail("beacon", error, base)
        return
    state = "open" if decoded.association_permit else "closed"
    draft.what = f"MAC Beacon ({state})"
    found = dissect_fields.fields(decoded)
    del found["payload"]
    specification = decoded.superframe
    draft.layers["beacon"] = found | {
        "beacon_order": specification & 0x0F,
        "superframe_order": specification >> 4 & 0x0F,
        "final_cap_slot": specification >> 8 & 0x0F,
        "battery_life_extension": specification & 0x1000 != 0,
    }
    if decoded.payload[:1] != bytes((_ZIGBEE_PROTOCOL,)):
        _leftover(draft, decoded.payload)
        return
    inside = base + len(frame.payload) - len(decoded.payload)
    try:
        zigbee = beacon.decode_zigbee(decoded.payload)
    except DecodeError as error:
        draft.layers["zigbee_beacon"] = {"octets": decoded.payload.hex()}
        draft.fail("zigbee beacon", error, inside)
        return
    draft.layers["zigbee_beacon"] = dissect_fields.fields(zigbee)
    pan = "" if frame.source_pan is None else f"PAN {hex16(frame.source_pan)}, "
    rooms = f"{'router' if zigbee.router_capacity else 'no router'} room, "
    rooms += f"{'end-device' if zigbee.end_device_capacity else 'no end-device'} room"
    draft.what = f"MAC Beacon ({pan}{state}, profile {zigbee.stack_profile}, {rooms})"
