"""NWK commands that find, record and rate routes (05-3474, 3.4); `nwk_commands` names and dispatches them.

The decoders start after the command frame identifier, the encoders write it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from coordinator.codec.cursor import Cursor, EncodeError
from coordinator.types import Eui64, NwkAddress

_LAYER = "nwk command"

ROUTE_REQUEST_DESTINATION_IEEE = 0x20
ROUTE_REPLY_ORIGINATOR_IEEE = 0x10
ROUTE_REPLY_RESPONDER_IEEE = 0x20
LINK_STATUS_FIRST = 0x20
LINK_STATUS_LAST = 0x40
_COUNT = 0x1F


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRequest:
    """`options`: b3-4 many-to-one, b5 destination IEEE address present, b6 multicast."""

    options: int
    identifier: int
    destination: NwkAddress
    path_cost: int
    destination_ieee: Eui64 | None = None
    trailing: bytes = b""

    @property
    def many_to_one(self) -> int:
        return self.options >> 3 & 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReply:
    """`options`: b4 originator IEEE address present, b5 responder's present, b6 multicast."""

    options: int
    identifier: int
    originator: NwkAddress
    responder: NwkAddress
    path_cost: int
    originator_ieee: Eui64 | None = None
    responder_ieee: Eui64 | None = None
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRecord:
    """The relays a frame passed on its way to a concentrator, the first relay first."""

    relays: tuple[NwkAddress, ...]
    trailing: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatusEntry:
    """`cost` as on air: b0-2 incoming, b4-6 outgoing."""

    address: NwkAddress
    cost: int

    @property
    def incoming(self) -> int:
        return self.cost & 7

    @property
    def outgoing(self) -> int:
        return self.cost >> 4 & 7


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """`options` without the entry count of b0-4: b5 first frame, b6 last frame."""

    options: int = LINK_STATUS_FIRST | LINK_STATUS_LAST
    entries: tuple[LinkStatusEntry, ...] = ()
    trailing: bytes = b""

    @property
    def first(self) -> bool:
        return self.options & LINK_STATUS_FIRST != 0

    @property
    def last(self) -> bool:
        return self.options & LINK_STATUS_LAST != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDelta:
    """`delta` in dB, signed."""

    address: NwkAddress
    delta: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPowerDelta:
    """`options`: b0-1 kind (0 notification, 1 request, 2 response)."""

    options: int
    entries: tuple[PowerDelta, ...] = ()
    trailing: bytes = b""


def decode_route_request(cursor: Cursor) -> RouteRequest:
    """Read a Route Request. Raises DecodeError when it is cut."""
    options = cursor.u8("options")
    return RouteRequest(
        options=options,
        identifier=cursor.u8("route request identifier"),
        destination=NwkAddress(cursor.u16("destination address")),
        path_cost=cursor.u8("path cost"),
        destination_ieee=cursor.eui64("destination IEEE address")
        if options & ROUTE_REQUEST_DESTINATION_IEEE
        else None,
        trailing=cursor.rest(),
    )


def decode_route_reply(cursor: Cursor) -> RouteReply:
    """Read a Route Reply. Raises DecodeError when it is cut."""
    options = cursor.u8("options")
    has_originator = options & ROUTE_REPLY_ORIGINATOR_IEEE
    has_responder = options & ROUTE_REPLY_RESPONDER_IEEE
    return RouteReply(
        options=options,
        identifier=cursor.u8("route request identifier"),
        originator=NwkAddress(cursor.u16("originator address")),
        responder=NwkAddress(cursor.u16("responder address")),
        path_cost=cursor.u8("path cost"),
        originator_ieee=cursor.eui64("originator IEEE address") if has_originator else None,
        responder_ieee=cursor.eui64("responder IEEE address") if has_responder else None,
        trailing=cursor.rest(),
    )


def decode_link_status(cursor: Cursor) -> LinkStatus:
    """Read a Link Status. Raises DecodeError when it is cut."""
    options = cursor.u8("options")
    entries = tuple(
        LinkStatusEntry(
            address=NwkAddress(cursor.u16("link status list")), cost=cursor.u8("link status list")
        )
        for _ in range(options & _COUNT)
    )
    return LinkStatus(options=options & ~_COUNT, entries=entries, trailing=cursor.rest())


def decode_link_power_delta(cursor: Cursor) -> LinkPowerDelta:
    """Read a Link Power Delta. Raises DecodeError when it is cut."""
    options, count = cursor.u8("options"), cursor.u8("entry count")
    entries = []
    for _ in range(count):
        address, delta = struct.unpack("<Hb", cursor.take(3, "power list"))
        entries.append(PowerDelta(address=NwkAddress(address), delta=delta))
    return LinkPowerDelta(options=options, entries=tuple(entries), trailing=cursor.rest())


def decode_route_record(cursor: Cursor) -> RouteRecord:
    """Read a Route Record. Raises DecodeError when it is cut."""
    count = cursor.u8("relay count")
    relays = tuple(NwkAddress(cursor.u16("relay list")) for _ in range(count))
    return RouteRecord(relays=relays, trailing=cursor.rest())


def _encode_ieee(announced: int, address: Eui64 | None, name: str) -> bytes:
    if (announced != 0) != (address is not None):
        raise EncodeError(f"{_LAYER}: the options and {name} disagree whether it is there")
    return b"" if address is None else struct.pack("<Q", address)


def encode_route_request(command: RouteRequest) -> bytes:
    """The octets of a Route Request. Raises EncodeError, or struct.error for `nwk_commands` to convert."""
    options = command.options
    octets = struct.pack("<BBBHB", 0x01, options, command.identifier, command.destination, command.path_cost)
    announced = options & ROUTE_REQUEST_DESTINATION_IEEE
    return octets + _encode_ieee(announced, command.destination_ieee, "destination_ieee")


def encode_route_reply(command: RouteReply) -> bytes:
    """The octets of a Route Reply. Raises EncodeError, or struct.error for `nwk_commands` to convert."""
    options = command.options
    octets = struct.pack(
        "<BBBHHB",
        0x02,
        options,
        command.identifier,
        command.originator,
        command.responder,
        command.path_cost,
    )
    has_originator = options & ROUTE_REPLY_ORIGINATOR_IEEE
    has_responder = options & ROUTE_REPLY_RESPONDER_IEEE
    octets += _encode_ieee(has_originator, command.originator_ieee, "originator_ieee")
    return octets + _encode_ieee(has_responder, command.responder_ieee, "responder_ieee")


def encode_link_status(command: LinkStatus) -> bytes:
    """The octets of a Link Status. Raises EncodeError, or struct.error for `nwk_commands` to convert."""
    count = len(command.entries)
    if count > _COUNT or command.options & _COUNT:
        raise EncodeError(f"{_LAYER}: a link status has at most 31 entries, and options without their count")
    octets = struct.pack("BB", 0x08, command.options | count)
    for entry in command.entries:
        octets += struct.pack("<HB", entry.address, entry.cost)
    return octets


def encode_route_record(command: RouteRecord) -> bytes:
    """The octets of a Route Record. Raises EncodeError, or struct.error for `nwk_commands` to convert."""
    count = len(command.relays)
    return struct.pack(f"<BB{count}H", 0x05, count, *command.relays)


def encode_link_power_delta(command: LinkPowerDelta) -> bytes:
    """The octets of a Link Power Delta. Raises EncodeError, or struct.error for `nwk_commands` to convert."""
    octets = struct.pack("BBB", 0x0D, command.options, len(command.entries))
    for entry in command.entries:
        octets += struct.pack("<Hb", entry.address, entry.delta)
    return octets
