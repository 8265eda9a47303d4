"""ZDP network management (05-3474, 2.4.3.3 and 2.4.4.4); `zdp` dispatches it.

`trailing` is whatever follows the known fields, such as R23's TLVs.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.codec.zdp_identifiers import ClusterId, Status
from coordinator.types import Eui64, ExtendedPanId, NwkAddress

LEAVE_REMOVE_CHILDREN = 0x40
LEAVE_REJOIN = 0x80
CHANGE_CHANNEL = 0xFE
"""The scan duration of Mgmt_NWK_Update_req that changes the channel."""
CHANGE_PARAMETERS = 0xFF
"""The scan duration of Mgmt_NWK_Update_req that changes the channel mask and the network manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtLqiRequest:
    """Mgmt_Lqi_req: the neighbor table from `start_index` on."""

    start_index: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbor:
    """One neighbor table entry.

    `kind`: b0-1 device type, b2-3 receiver on when idle, b4-6 relationship; `permit_joining`: b0-1;
    both octets as on air.
    """

    extended_pan_id: ExtendedPanId
    ieee: Eui64
    address: NwkAddress
    kind: int
    permit_joining: int
    depth: int
    lqi: int

    @property
    def device_type(self) -> int:
        return self.kind & 3

    @property
    def rx_on_when_idle(self) -> int:
        return self.kind >> 2 & 3

    @property
    def relationship(self) -> int:
        return self.kind >> 4 & 7


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighborTable:
    """A part of a neighbor table that has `total` entries."""

    total: int
    start_index: int
    neighbors: tuple[Neighbor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtLqiResponse:
    """Mgmt_Lqi_rsp; the table is there if, and only if, the status is SUCCESS."""

    status: int
    table: NeighborTable | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtLeaveRequest:
    """Mgmt_Leave_req. `device` 0 means the receiver itself. `flags`: b6 remove children, b7 rejoin."""

    device: Eui64
    flags: int = 0
    trailing: bytes = b""

    @property
    def remove_children(self) -> bool:
        return self.flags & LEAVE_REMOVE_CHILDREN != 0

    @property
    def rejoin(self) -> bool:
        return self.flags & LEAVE_REJOIN != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtLeaveResponse:
    """Mgmt_Leave_rsp."""

    status: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtPermitJoiningRequest:
    """Mgmt_Permit_Joining_req. `duration` in seconds, 0 closes."""

    duration: int
    tc_significance: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtPermitJoiningResponse:
    """Mgmt_Permit_Joining_rsp."""

    status: int
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtNwkUpdateRequest:
    """Mgmt_NWK_Update_req.

    `scan_duration` decides what follows: up to 5 a scan, so `scan_count`; CHANGE_CHANNEL and
    CHANGE_PARAMETERS `nwk_update_id`; CHANGE_PARAMETERS also `nwk_manager`.
    """

    channels: int
    scan_duration: int
    scan_count: int | None = None
    nwk_update_id: int | None = None
    nwk_manager: NwkAddress | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class MgmtNwkUpdateResponse:
    """Mgmt_NWK_Update_rsp; `energies`, one octet a channel, is None where a failing response lacks all."""

    status: int
    channels: int = 0
    transmissions: int = 0
    failures: int = 0
    energies: tuple[int, ...] | None = ()
    trailing: bytes = b""


Command = (
    MgmtLqiRequest
    | MgmtLqiResponse
    | MgmtLeaveRequest
    | MgmtLeaveResponse
    | MgmtPermitJoiningRequest
    | MgmtPermitJoiningResponse
    | MgmtNwkUpdateRequest
    | MgmtNwkUpdateResponse
)

_NEIGHBOR = struct.Struct("<QQHBBBB")


def _decode_lqi_request(cursor: Cursor) -> MgmtLqiRequest:
    return MgmtLqiRequest(start_index=cursor.u8("start index"), trailing=cursor.rest())


def _decode_lqi_response(cursor: Cursor) -> MgmtLqiResponse:
    status = cursor.u8("status")
    if status != Status.SUCCESS:
        return MgmtLqiResponse(status=status, trailing=cursor.rest())
    total, start_index, count = cursor.take(3, "neighbor table")
    neighbors = tuple(_decode_neighbor(cursor) for _ in range(count))
    table = NeighborTable(total=total, start_index=start_index, neighbors=neighbors)
    return MgmtLqiResponse(status=status, table=table, trailing=cursor.rest())


def _decode_neighbor(cursor: Cursor) -> Neighbor:
    fields = _NEIGHBOR.unpack(cursor.take(_NEIGHBOR.size, "neighbor table"))
    extended_pan_id, ieee, address, kind, permit_joining, depth, lqi = fields
    return Neighbor(
        extended_pan_id=ExtendedPanId(Eui64(extended_pan_id)),
        ieee=Eui64(ieee),
        address=NwkAddress(address),
        kind=kind,
        permit_joining=permit_joining,
        depth=depth,
        lqi=lqi,
    )


def _decode_leave_request(cursor: Cursor) -> MgmtLeaveRequest:
    device, flags = cursor.eui64("device address"), cursor.u8("flags")
    return MgmtLeaveRequest(device=device, flags=flags, trailing=cursor.rest())


def _decode_leave_response(cursor: Cursor) -> MgmtLeaveResponse:
    return MgmtLeaveResponse(status=cursor.u8("status"), trailing=cursor.rest())


def _decode_permit_request(cursor: Cursor) -> MgmtPermitJoiningRequest:
    duration, significance = cursor.u8("permit duration"), cursor.u8("TC significance")
    return MgmtPermitJoiningRequest(duration=duration, tc_significance=significance, trailing=cursor.rest())


def _decode_permit_response(cursor: Cursor) -> MgmtPermitJoiningResponse:
    return MgmtPermitJoiningResponse(status=cursor.u8("status"), trailing=cursor.rest())


def _decode_update_request(cursor: Cursor) -> MgmtNwkUpdateRequest:
    channels, duration = cursor.u32("scan channels"), cursor.u8("scan duration")
    scan, update, manager = _update_layout(duration)
    return MgmtNwkUpdateRequest(
        channels=channels,
        scan_duration=duration,
        scan_count=cursor.u8("scan count") if scan else None,
        nwk_update_id=cursor.u8("nwkUpdateId") if update else None,
        nwk_manager=NwkAddress(cursor.u16("network manager address")) if manager else None,
        trailing=cursor.rest(),
    )


def _update_layout(duration: int) -> tuple[bool, bool, bool]:
    """Which of scan count, nwkUpdateId and network manager follow a scan duration."""
    return duration <= 5, duration >= CHANGE_CHANNEL, duration == CHANGE_PARAMETERS


def _decode_update_response(cursor: Cursor) -> MgmtNwkUpdateResponse:
    status = cursor.u8("status")
    if status != Status.SUCCESS and cursor.remaining < 9:
        return MgmtNwkUpdateResponse(status=status, energies=None, trailing=cursor.rest())
    return MgmtNwkUpdateResponse(
        status=status,
        channels=cursor.u32("scanned channels"),
        transmissions=cursor.u16("total transmissions"),
        failures=cursor.u16("transmission failures"),
        energies=tuple(cursor.take(cursor.u8("energy count"), "energy values")),
        trailing=cursor.rest(),
    )


DECODERS: dict[int, Callable[[Cursor], Command]] = {
    ClusterId.MGMT_LQI_REQUEST: _decode_lqi_request,
    ClusterId.MGMT_LQI_RESPONSE: _decode_lqi_response,
    ClusterId.MGMT_LEAVE_REQUEST: _decode_leave_request,
    ClusterId.MGMT_LEAVE_RESPONSE: _decode_leave_response,
    ClusterId.MGMT_PERMIT_JOINING_REQUEST: _decode_permit_request,
    ClusterId.MGMT_PERMIT_JOINING_RESPONSE: _decode_permit_response,
    ClusterId.MGMT_NWK_UPDATE_REQUEST: _decode_update_request,
    ClusterId.MGMT_NWK_UPDATE_RESPONSE: _decode_update_response,
}

CLUSTERS: dict[type[object], ClusterId] = {
    MgmtLqiRequest: ClusterId.MGMT_LQI_REQUEST,
    MgmtLqiResponse: ClusterId.MGMT_LQI_RESPONSE,
    MgmtLeaveRequest: ClusterId.MGMT_LEAVE_REQUEST,
    MgmtLeaveResponse: ClusterId.MGMT_LEAVE_RESPONSE,
    MgmtPermitJoiningRequest: ClusterId.MGMT_PERMIT_JOINING_REQUEST,
    MgmtPermitJoiningResponse: ClusterId.MGMT_PERMIT_JOINING_RESPONSE,
    MgmtNwkUpdateRequest: ClusterId.MGMT_NWK_UPDATE_REQUEST,
    MgmtNwkUpdateResponse: ClusterId.MGMT_NWK_UPDATE_RESPONSE,
}


def encode(command: Command) -> bytes:
    """What follows the sequence number. Raises EncodeError, or struct.error that `zdp` turns into one."""
    match command:
        case MgmtLqiRequest():
            octets = struct.pack("B", command.start_index)
        case MgmtLqiResponse():
            octets = _encode_lqi_response(command)
        case MgmtLeaveRequest():
            octets = struct.pack("<QB", command.device, command.flags)
        case MgmtPermitJoiningRequest():
            octets = struct.pack("BB", command.duration, command.tc_significance)
        case MgmtLeaveResponse() | MgmtPermitJoiningResponse():
            octets = struct.pack("B", command.status)
        case MgmtNwkUpdateRequest():
            octets = _encode_update_request(command)
        case MgmtNwkUpdateResponse():
            octets = _encode_update_response(command)
        case _:
            assert_never(command)
    return octets + command.trailing


def _encode_lqi_response(command: MgmtLqiResponse) -> bytes:
    table = command.table
    if (table is not None) != (command.status == Status.SUCCESS):
        raise EncodeError("zdp: a neighbor table goes with the status SUCCESS, and only with it")
    octets = struct.pack("B", command.status)
    if table is None:
        return octets
    octets += struct.pack("BBB", table.total, table.start_index, len(table.neighbors))
    for entry in table.neighbors:
        octets += _NEIGHBOR.pack(
            entry.extended_pan_id,
            entry.ieee,
            entry.address,
            entry.kind,
            entry.permit_joining,
            entry.depth,
            entry.lqi,
        )
    return octets


def _encode_update_request(command: MgmtNwkUpdateRequest) -> bytes:
    fields = command.scan_count, command.nwk_update_id, command.nwk_manager
    if tuple(field is not None for field in fields) != _update_layout(command.scan_duration):
        raise EncodeError(f"zdp: scan duration {command.scan_duration} announces other fields")
    octets = struct.pack("<IB", command.channels, command.scan_duration)
    for layout, field in zip(("<B", "<B", "<H"), fields, strict=True):
        if field is not None:
            octets += struct.pack(layout, field)
    return octets


def _encode_update_response(command: MgmtNwkUpdateResponse) -> bytes:
    if command.energies is None:
        if command.status == Status.SUCCESS:
            raise EncodeError("zdp: a successful Mgmt_NWK_Update_rsp has energy values")
        return struct.pack("B", command.status)
    count = len(command.energies)
    return struct.pack(
        f"<BIHHB{count}B",
        command.status,
        command.channels,
        command.transmissions,
        command.failures,
        count,
        *command.energies,
    )
