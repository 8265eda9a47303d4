"""The node and simple descriptors (05-3474, 2.3.2) as ZDP carries them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from coordinator.codec.cursor import Cursor, EncodeError

NODE_DESCRIPTOR_SIZE = 13
_NODE = struct.Struct("<BBBHBHHHB")

PRIMARY_TRUST_CENTER = 0x0001
NETWORK_MANAGER = 0x0040
FREQUENCY_BAND_2400_MHZ = 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescriptor:
    """The node descriptor.

    `logical_type` 0 coordinator, 1 router, 2 end device; `reserved` are the three bits after
    `user_available`, the lowest of which says since R23 that fragmentation is supported;
    `frequency_band` 0x08 is 2.4 GHz. `server_mask`: b0 primary Trust Center, b6 network manager,
    b9-15 stack revision.
    """

    logical_type: int
    mac_capability: int
    manufacturer: int
    server_mask: int
    max_buffer: int
    max_incoming: int
    max_outgoing: int
    descriptor_capability: int = 0
    complex_available: bool = False
    user_available: bool = False
    reserved: int = 0
    aps_flags: int = 0
    frequency_band: int = FREQUENCY_BAND_2400_MHZ

    @property
    def stack_revision(self) -> int:
        """The revision of the stack the device claims: 0 before R21, else 21, 22, 23."""
        return self.server_mask >> 9


def decode_node(cursor: Cursor) -> NodeDescriptor:
    """Read thirteen octets. Raises DecodeError when there are fewer."""
    fields = _NODE.unpack(cursor.take(NODE_DESCRIPTOR_SIZE, "node descriptor"))
    type_and_flags, band, mac, manufacturer, max_buffer, max_incoming, server, max_outgoing, capability = (
        fields
    )
    return NodeDescriptor(
        logical_type=type_and_flags & 7,
        complex_available=type_and_flags & 0x08 != 0,
        user_available=type_and_flags & 0x10 != 0,
        reserved=type_and_flags >> 5,
        aps_flags=band & 7,
        frequency_band=band >> 3,
        mac_capability=mac,
        manufacturer=manufacturer,
        max_buffer=max_buffer,
        max_incoming=max_incoming,
        server_mask=server,
        max_outgoing=max_outgoing,
        descriptor_capability=capability,
    )


def encode_node(node: NodeDescriptor) -> bytes:
    """The thirteen octets. Raises EncodeError or struct.error, which the caller turns into one."""
    if not 0 <= node.logical_type | node.reserved | node.aps_flags <= 7:
        raise EncodeError("zdp: logical type, reserved bits and APS flags have three bits each")
    flags = node.complex_available << 3 | node.user_available << 4 | node.reserved << 5
    return _NODE.pack(
        node.logical_type | flags,
        node.aps_flags | node.frequency_band << 3,
        node.mac_capability,
        node.manufacturer,
        node.max_buffer,
        node.max_incoming,
        node.server_mask,
        node.max_outgoing,
        node.descriptor_capability,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleDescriptor:
    """The simple descriptor; `version` b0-3 is the application device version, b4-7 are reserved.

    `trailing` stands inside the length that the descriptor is announced with.
    """

    endpoint: int
    profile: int
    device: int
    version: int = 0
    input_clusters: tuple[int, ...] = ()
    output_clusters: tuple[int, ...] = ()
    trailing: bytes = b""


def decode_clusters(cursor: Cursor) -> tuple[int, ...]:
    """A count and so many cluster identifiers."""
    count = cursor.u8("cluster count")
    return struct.unpack(f"<{count}H", cursor.take(2 * count, "cluster list"))


def encode_clusters(clusters: tuple[int, ...]) -> bytes:
    """A count and the cluster identifiers."""
    return struct.pack(f"<B{len(clusters)}H", len(clusters), *clusters)


def decode_simple(cursor: Cursor) -> SimpleDescriptor:
    """Read a length octet and the descriptor inside it. Raises DecodeError."""
    length = cursor.u8("simple descriptor length")
    start = cursor.offset
    cursor.take(length, "simple descriptor")
    inner = Cursor(cursor.layer, cursor.octets[: cursor.offset], start)
    return SimpleDescriptor(
        endpoint=inner.u8("simple descriptor"),
        profile=inner.u16("simple descriptor"),
        device=inner.u16("simple descriptor"),
        version=inner.u8("simple descriptor"),
        input_clusters=decode_clusters(inner),
        output_clusters=decode_clusters(inner),
        trailing=inner.rest(),
    )


def encode_simple(simple: SimpleDescriptor) -> bytes:
    """A length octet and the descriptor."""
    octets = struct.pack("<BHHB", simple.endpoint, simple.profile, simple.device, simple.version)
    octets += encode_clusters(simple.input_clusters) + encode_clusters(simple.output_clusters)
    octets += simple.trailing
    return struct.pack("B", len(octets)) + octets
