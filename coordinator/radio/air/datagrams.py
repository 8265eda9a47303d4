"""The datagrams of a shared air: what a host and its remote radio say to each other, one thing each.

Numbers are little-endian. Octets 0 to 5 keep their meaning in every version, and so do the kinds 1, 3
and 5, so that two versions can tell each other that they differ.

| octet | size | field |
|---|---|---|
| 0 | 4 | magic, ``LTCA`` |
| 4 | 1 | version, 1 |
| 5 | 1 | kind |
| 6 | 4 | session: drawn by the guest, the same in both directions |
| 10 | 8 | sequence: 1, 2, 3 ... in each direction of a session; 0 for kinds 1 to 6, which are not counted |
| 18 | | fields |

| kind | from | name | fields: size |
|---|---|---|---|
| 1 | guest | Probe | |
| 2 | host | Present | now: 8 (microseconds of the air's clock) |
| 3 | guest | Hello | name: text |
| 4 | host | Welcome | now: 8 |
| 5 | host | Refused | code: 1 (1 version, 2 name taken, 3 full), reason: text |
| 6 | both | Bye | reason: text |
| 7 | both | Alive | |
| 16 | guest | Transmit | handle: 4, CSMA: 1 (0, 1), retries: 1, PSDU without FCS: the rest |
| 17 | guest | SetPending | everyone: 1 (0, 1), count: 2, short ones: 2 each, count: 2, extended: 8 each |
| 18 | guest | Tune | channel: 1 (11 to 26), PAN: 2, short address: 2, extended address: 8 |
| 19 | guest | ReceiverOn | on: 1 (0, 1) |
| 20 | guest | EnergyScan | channel: 1, span: 4 (microseconds) |
| 32 | host | ReceivedFrame | channel: 1, RSSI: 1 (signed dBm), LQI: 1, ACK: 1 (see below), PSDU: the rest |
| 33 | host | Confirmed | handle: 4, status: 1 (`TransmitStatus` in its order), frame pending: 1 (0, 1) |
| 34 | host | Scanned | peak: 1 (signed dBm) |

Text is one octet of length, then so many octets of printable ASCII. Addresses ascend. ACK is what the
radio answered by itself: 0 none, 1 without and 2 with frame pending. A datagram that decodes is the only
form of what it says: encoding gives the same octets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple, assert_never

from coordinator.codec.cursor import Cursor, DecodeError, EncodeError
from coordinator.radio.air import messages
from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import CHANNELS, Channel, Eui64, Instant, NwkAddress, PanId

LAYER = "air"
MAGIC = b"LTCA"
VERSION = 1
MAX_DATAGRAM = 60_000
UNCOUNTED = 0
"""The sequence number of what is outside the sequence."""
_HEAD = struct.Struct("<4sBBIQ")
_VERSION_AT, _KIND_AT = 4, 5
_STATUSES = tuple(TransmitStatus)
_ACKED = (None, False, True)


class Datagram(NamedTuple):
    """One datagram."""

    session: int
    sequence: int
    message: messages.Message


def foreign_version(octets: bytes) -> int | None:
    """The version of a datagram of an air that is not ours; None for our own and for anything else."""
    if len(octets) <= _KIND_AT or not octets.startswith(MAGIC) or octets[_VERSION_AT] == VERSION:
        return None
    return octets[_VERSION_AT]


def asks(octets: bytes) -> bool:
    """True when a datagram of any version is a Probe or a Hello: who sent it awaits an answer."""
    return len(octets) > _KIND_AT and octets.startswith(MAGIC) and octets[_KIND_AT] in (1, 3)


def encode(datagram: Datagram) -> bytes:
    """The octets. Raises EncodeError when a field is out of range."""
    message = datagram.message
    try:
        kind, fields = _fields(message)
        octets = _HEAD.pack(MAGIC, VERSION, kind, datagram.session, datagram.sequence) + fields
    except (struct.error, OverflowError) as error:
        raise EncodeError(f"no datagram: {error}") from None
    if isinstance(message, messages.Uncounted) != (datagram.sequence == UNCOUNTED):
        raise EncodeError(f"sequence number {datagram.sequence} is not for {type(message).__name__}")
    if len(octets) > MAX_DATAGRAM:
        raise EncodeError(f"a datagram has up to {MAX_DATAGRAM} octets, not {len(octets)}")
    return octets


def _fields(message: messages.Message) -> tuple[int, bytes]:
    match message:
        case messages.Probe():
            return 1, b""
        case messages.Present():
            return 2, struct.pack("<Q", message.now)
        case messages.Hello():
            if not message.name:
                raise EncodeError("a guest has a name")
            return 3, _text(message.name)
        case messages.Welcome():
            return 4, struct.pack("<Q", message.now)
        case messages.Refused():
            return 5, bytes((message.code,)) + _text(message.reason)
        case messages.Bye():
            return 6, _text(message.reason)
        case messages.Alive():
            return 7, b""
        case Transmit():
            return 16, struct.pack("<I?B", message.handle, message.csma, message.retries) + message.psdu
        case SetPending():
            return 17, _addresses(message)
        case Tune():
            addresses = message.pan_id, message.address, message.extended_address
            return 18, struct.pack("<BHHQ", _checked(message.channel), *addresses)
        case ReceiverOn():
            return 19, struct.pack("<?", message.on)
        case messages.EnergyScan():
            return 20, struct.pack("<BI", _checked(message.channel), message.span)
        case ReceivedFrame():
            acked = _ACKED.index(message.acked_with_pending)
            channel = _checked(message.channel)
            return 32, struct.pack("<BbBB", channel, message.rssi, message.lqi, acked) + message.psdu
        case messages.Confirmed():
            status = _STATUSES.index(message.status)
            return 33, struct.pack("<IB?", message.handle, status, message.frame_pending)
        case messages.Scanned():
            return 34, struct.pack("<b", message.peak)
        case _:
            assert_never(message)


def _checked(channel: Channel) -> Channel:
    if channel not in CHANNELS:
        raise EncodeError(f"a channel is 11 to 26, not {channel}")
    return channel


def _text(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()) or len(text) > 255:
        raise EncodeError(f"text is up to 255 characters of printable ASCII, not {text[:80]!r}")
    return bytes((len(text),)) + text.encode("ascii")


def _addresses(message: SetPending) -> bytes:
    short, extended = sorted(message.short), sorted(message.extended)
    return struct.pack(
        f"<?H{len(short)}HH{len(extended)}Q",
        message.everyone, len(short), *short, len(extended), *extended,
    )  # fmt: skip


def decode(octets: bytes) -> Datagram:
    """Read one datagram of our version. Raises DecodeError."""
    cursor = Cursor(LAYER, octets)
    if cursor.take(len(MAGIC), "magic") != MAGIC:
        raise DecodeError(LAYER, 0, "not a datagram of an air")
    if cursor.u8("version") != VERSION:
        raise DecodeError(LAYER, _VERSION_AT, "another version")
    read = _READERS.get(cursor.u8("kind"))
    if read is None:
        raise DecodeError(LAYER, _KIND_AT, "no such kind")
    session, sequence = cursor.u32("session"), cursor.u64("sequence")
    message = read(cursor)
    if cursor.remaining:
        raise DecodeError(LAYER, cursor.offset, "octets after the last field")
    if isinstance(message, messages.Uncounted) != (sequence == UNCOUNTED):
        raise DecodeError(LAYER, 10, "a sequence number that is not for this kind")
    return Datagram(session, sequence, message)


def _choice(cursor: Cursor, limit: int, field: str) -> int:
    value = cursor.u8(field)
    if value >= limit:
        raise DecodeError(LAYER, cursor.offset - 1, f"no such {field}")
    return value


def _flag(cursor: Cursor) -> bool:
    return bool(_choice(cursor, 2, "flag"))


def _channel(cursor: Cursor) -> Channel:
    number = Channel(cursor.u8("channel"))
    if number not in CHANNELS:
        raise DecodeError(LAYER, cursor.offset - 1, "no such channel")
    return number


def _level(cursor: Cursor) -> int:
    value = cursor.u8("level")
    return value - 256 if value > 127 else value


def _read_text(cursor: Cursor) -> str:
    octets = cursor.take(cursor.u8("length"), "text")
    if not all(0x20 <= octet <= 0x7E for octet in octets):
        raise DecodeError(LAYER, cursor.offset, "text that is not printable ASCII")
    return octets.decode("ascii")


def _read_hello(cursor: Cursor) -> messages.Hello:
    name = _read_text(cursor)
    if not name:
        raise DecodeError(LAYER, cursor.offset, "a guest without a name")
    return messages.Hello(name)


def _read_refused(cursor: Cursor) -> messages.Refused:
    code = cursor.u8("code")
    if code not in tuple(messages.Code):
        raise DecodeError(LAYER, cursor.offset - 1, "no such code")
    return messages.Refused(messages.Code(code), _read_text(cursor))


def _read_transmit(cursor: Cursor) -> Transmit:
    handle, csma, retries = cursor.u32("handle"), _flag(cursor), cursor.u8("retries")
    return Transmit(handle=handle, psdu=cursor.rest(), csma=csma, retries=retries)


def _read_pending(cursor: Cursor) -> SetPending:
    everyone = _flag(cursor)
    short = _ascending(cursor, cursor.u16)
    extended = _ascending(cursor, cursor.u64)
    return SetPending(
        everyone=everyone, short=frozenset(map(NwkAddress, short)), extended=frozenset(map(Eui64, extended))
    )


def _ascending(cursor: Cursor, read: Callable[[str], int]) -> list[int]:
    found: list[int] = []
    for _ in range(cursor.u16("count")):
        address = read("address")
        if found and address <= found[-1]:
            raise DecodeError(LAYER, cursor.offset, "addresses that do not ascend")
        found.append(address)
    return found


def _read_tune(cursor: Cursor) -> Tune:
    return Tune(
        channel=_channel(cursor),
        pan_id=PanId(cursor.u16("PAN")),
        address=NwkAddress(cursor.u16("address")),
        extended_address=cursor.eui64(),
    )


def _read_frame(cursor: Cursor) -> ReceivedFrame:
    channel, rssi, lqi = _channel(cursor), _level(cursor), cursor.u8("LQI")
    acked = _ACKED[_choice(cursor, len(_ACKED), "ACK")]
    return ReceivedFrame(psdu=cursor.rest(), channel=channel, rssi=rssi, lqi=lqi, acked_with_pending=acked)


def _read_confirmed(cursor: Cursor) -> messages.Confirmed:
    handle = cursor.u32("handle")
    return messages.Confirmed(handle, _STATUSES[_choice(cursor, len(_STATUSES), "status")], _flag(cursor))


_READERS: dict[int, Callable[[Cursor], messages.Message]] = {
    1: lambda _: messages.Probe(),
    2: lambda cursor: messages.Present(Instant(cursor.u64("now"))),
    3: _read_hello,
    4: lambda cursor: messages.Welcome(Instant(cursor.u64("now"))),
    5: _read_refused,
    6: lambda cursor: messages.Bye(_read_text(cursor)),
    7: lambda _: messages.Alive(),
    16: _read_transmit,
    17: _read_pending,
    18: _read_tune,
    19: lambda cursor: ReceiverOn(on=_flag(cursor)),
    20: lambda cursor: messages.EnergyScan(_channel(cursor), cursor.u32("span")),
    32: _read_frame,
    33: _read_confirmed,
    34: lambda cursor: messages.Scanned(_level(cursor)),
}
