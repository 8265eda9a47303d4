"""Zigbee Device Profile messages (05-3474, 2.4): a sequence number and a command for a cluster.

The commands are declared in `zdp_addresses`, `zdp_services` and `zdp_management`, and all named here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.codec import zdp_addresses, zdp_management, zdp_services
from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.codec.zdp_addresses import (
    DeviceAnnounce,
    IeeeAddressRequest,
    IeeeAddressResponse,
    NwkAddressRequest,
    NwkAddressResponse,
    ParentAnnounce,
    ParentAnnounceResponse,
)
from coordinator.codec.zdp_descriptors import (
    FREQUENCY_BAND_2400_MHZ,
    NETWORK_MANAGER,
    PRIMARY_TRUST_CENTER,
    NodeDescriptor,
    SimpleDescriptor,
)
from coordinator.codec.zdp_identifiers import ClusterId, Status
from coordinator.codec.zdp_management import (
    CHANGE_CHANNEL,
    CHANGE_PARAMETERS,
    LEAVE_REJOIN,
    LEAVE_REMOVE_CHILDREN,
    MgmtLeaveRequest,
    MgmtLeaveResponse,
    MgmtLqiRequest,
    MgmtLqiResponse,
    MgmtNwkUpdateRequest,
    MgmtNwkUpdateResponse,
    MgmtPermitJoiningRequest,
    MgmtPermitJoiningResponse,
    Neighbor,
    NeighborTable,
)
from coordinator.codec.zdp_services import (
    ActiveEndpointsRequest,
    ActiveEndpointsResponse,
    MatchDescriptorRequest,
    MatchDescriptorResponse,
    NodeDescriptorRequest,
    NodeDescriptorResponse,
    PowerDescriptorRequest,
    PowerDescriptorResponse,
    SimpleDescriptorRequest,
    SimpleDescriptorResponse,
)

__all__ = [
    "CHANGE_CHANNEL",
    "CHANGE_PARAMETERS",
    "FREQUENCY_BAND_2400_MHZ",
    "LEAVE_REJOIN",
    "LEAVE_REMOVE_CHILDREN",
    "NETWORK_MANAGER",
    "PRIMARY_TRUST_CENTER",
    "RESPONSE",
    "ActiveEndpointsRequest",
    "ActiveEndpointsResponse",
    "ClusterId",
    "Command",
    "DeviceAnnounce",
    "IeeeAddressRequest",
    "IeeeAddressResponse",
    "MatchDescriptorRequest",
    "MatchDescriptorResponse",
    "Message",
    "MgmtLeaveRequest",
    "MgmtLeaveResponse",
    "MgmtLqiRequest",
    "MgmtLqiResponse",
    "MgmtNwkUpdateRequest",
    "MgmtNwkUpdateResponse",
    "MgmtPermitJoiningRequest",
    "MgmtPermitJoiningResponse",
    "Neighbor",
    "NeighborTable",
    "NodeDescriptor",
    "NodeDescriptorRequest",
    "NodeDescriptorResponse",
    "NwkAddressRequest",
    "NwkAddressResponse",
    "ParentAnnounce",
    "ParentAnnounceResponse",
    "PowerDescriptorRequest",
    "PowerDescriptorResponse",
    "SimpleDescriptor",
    "SimpleDescriptorRequest",
    "SimpleDescriptorResponse",
    "Status",
    "UnknownMessage",
    "cluster_of",
    "decode",
    "encode",
]

RESPONSE = 0x8000
"""The bit of a cluster identifier that tells a response from its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownMessage:
    """A cluster this codec does not read, with everything after the sequence number."""

    cluster: int
    octets: bytes


Command = zdp_addresses.Command | zdp_services.Command | zdp_management.Command | UnknownMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One ZDP message; a response repeats the sequence number of its request."""

    sequence: int
    command: Command


_DECODERS: dict[int, Callable[[Cursor], Command]] = {
    **zdp_addresses.DECODERS,
    **zdp_services.DECODERS,
    **zdp_management.DECODERS,
}
_CLUSTERS: dict[type[object], ClusterId] = {
    **zdp_addresses.CLUSTERS,
    **zdp_services.CLUSTERS,
    **zdp_management.CLUSTERS,
}


def decode(cluster: int, asdu: bytes) -> Message:
    """Read the payload of an APS data frame of profile 0. Raises DecodeError when it is cut."""
    cursor = Cursor("zdp", asdu)
    sequence = cursor.u8("sequence number")
    decoder = _DECODERS.get(cluster)
    if decoder is None:
        return Message(sequence=sequence, command=UnknownMessage(cluster=cluster, octets=cursor.rest()))
    return Message(sequence=sequence, command=decoder(cursor))


def cluster_of(command: Command) -> int:
    """The cluster identifier a command is sent to."""
    if isinstance(command, UnknownMessage):
        return command.cluster
    return _CLUSTERS[type(command)]


def encode(message: Message) -> bytes:
    """The payload of an APS data frame for `cluster_of(message.command)`. Raises EncodeError."""
    command = message.command
    try:
        return struct.pack("B", message.sequence) + _encode_command(command)
    except struct.error as error:
        raise EncodeError(f"zdp: {type(command).__name__}: {error}") from None


def _encode_command(command: Command) -> bytes:
    if isinstance(command, UnknownMessage):
        return command.octets
    if isinstance(command, zdp_addresses.Command):
        return zdp_addresses.encode(command)
    if isinstance(command, zdp_services.Command):
        return zdp_services.encode(command)
    return zdp_management.encode(command)
