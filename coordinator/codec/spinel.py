"""Spinel, the protocol between a host and an OpenThread radio co-processor (RCP): frames and properties.

Numbers and layouts are those of radios.md section 3, where they were read from public firmware and
clients; what it does not give (statuses above 18, capabilities, radio capabilities) was read in
OpenThread's public header and in two hosts. Multi-octet numbers are little-endian, EUI-64s are not.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from coordinator.codec.cursor import Cursor, DecodeError, EncodeError
from coordinator.types import Eui64

LAYER = "spinel"
MAX_PACKED = (1 << 21) - 1
UNSOLICITED = 0
"""The transaction identifier of what nobody asked for."""
LAST_TRANSACTION = 15
INTERFACE_802_15_4 = 3
"""INTERFACE_TYPE of an RCP, as firmware answers it."""
PROTOCOL_VERSION = (4, 3)
FCS_OCTETS = 2


class Command(enum.IntEnum):
    """What a frame is for."""

    NOOP = 0
    RESET = 1
    PROP_VALUE_GET = 2
    PROP_VALUE_SET = 3
    PROP_VALUE_INSERT = 4
    PROP_VALUE_REMOVE = 5
    PROP_VALUE_IS = 6
    PROP_VALUE_INSERTED = 7
    PROP_VALUE_REMOVED = 8


class Property(enum.IntEnum):
    """What an RCP has and does. Some of these numbers aiospinel lacks, and one it has wrong."""

    LAST_STATUS = 0
    PROTOCOL_VERSION = 1
    NCP_VERSION = 2
    INTERFACE_TYPE = 3
    CAPS = 5
    HWADDR = 8
    PHY_ENABLED = 32
    PHY_CHAN = 33
    PHY_CHAN_SUPPORTED = 34
    PHY_CCA_THRESHOLD = 36
    PHY_TX_POWER = 37
    PHY_RSSI = 38
    PHY_RX_SENSITIVITY = 39
    MAC_SCAN_STATE = 48
    MAC_SCAN_MASK = 49
    MAC_SCAN_PERIOD = 50
    MAC_15_4_LADDR = 52
    MAC_15_4_SADDR = 53
    MAC_15_4_PANID = 54
    MAC_RAW_STREAM_ENABLED = 55
    MAC_PROMISCUOUS_MODE = 56
    MAC_ENERGY_SCAN_RESULT = 57
    MAC_RX_ON_WHEN_IDLE_MODE = 59
    STREAM_DEBUG = 112
    STREAM_RAW = 113
    RCP_API_VERSION = 0xB0
    RCP_MIN_HOST_API_VERSION = 0xB1
    RADIO_CAPS = 0x120B
    MAC_SRC_MATCH_ENABLED = 0x1303
    MAC_SRC_MATCH_SHORT_ADDRESSES = 0x1304
    MAC_SRC_MATCH_EXTENDED_ADDRESSES = 0x1305


class Status(enum.IntEnum):
    """How a command ended (LAST_STATUS); from 112 on, why the RCP was reset."""

    OK = 0
    FAILURE = 1
    UNIMPLEMENTED = 2
    INVALID_ARGUMENT = 3
    INVALID_STATE = 4
    INVALID_COMMAND = 5
    INTERNAL_ERROR = 7
    PARSE_ERROR = 9
    IN_PROGRESS = 10
    NOMEM = 11
    BUSY = 12
    PROP_NOT_FOUND = 13
    DROPPED = 14
    EMPTY = 15
    CMD_TOO_BIG = 16
    NO_ACK = 17
    CCA_FAILURE = 18
    ALREADY = 19
    ITEM_NOT_FOUND = 20
    INVALID_COMMAND_FOR_PROP = 21
    RESET_POWER_ON = 112
    RESET_EXTERNAL = 113
    RESET_SOFTWARE = 114
    RESET_FAULT = 115
    RESET_CRASH = 116
    RESET_ASSERT = 117
    RESET_OTHER = 118
    RESET_UNKNOWN = 119
    RESET_WATCHDOG = 120


FIRST_RESET = 112
LAST_RESET = 127


class ResetReason(enum.IntEnum):
    """What to reset."""

    PLATFORM = 1
    STACK = 2
    BOOTLOADER = 3


class ScanState(enum.IntEnum):
    """MAC_SCAN_STATE."""

    IDLE = 0
    BEACON = 1
    ENERGY = 2


class Capability(enum.IntEnum):
    """What CAPS lists, as far as an RCP has it."""

    IEEE_802_15_4_2450MHZ_OQPSK = 24
    CONFIG_RADIO = 34
    RCP_API_VERSION = 64
    RCP_MIN_HOST_API_VERSION = 65
    MAC_RAW = 513


class RadioCapability(enum.IntFlag):
    """What RADIO_CAPS lists: what the radio does by itself."""

    ACK_TIMEOUT = 1
    ENERGY_SCAN = 2
    TRANSMIT_RETRIES = 4
    CSMA_BACKOFF = 8
    SLEEP_TO_TRANSMIT = 16
    TRANSMIT_SECURITY = 32
    TRANSMIT_TIMING = 64
    RECEIVE_TIMING = 128
    RX_ON_WHEN_IDLE = 256


class ReceiveFlag(enum.IntFlag):
    """The flags of a received frame. ACKED_WITH_FRAME_PENDING is how the RCP says what its ACK said."""

    TRANSMITTED = 0x0001
    BAD_FCS = 0x0004
    DUPLICATE = 0x0008
    ACKED_WITH_FRAME_PENDING = 0x0010
    ACKED_WITH_SECURITY = 0x0020


class Frame(NamedTuple):
    """One Spinel frame on interface 0; `command` may be a number that `Command` does not know."""

    transaction: int
    command: int
    payload: bytes


def pack(value: int) -> bytes:
    """A packed unsigned integer: seven bits an octet, least significant first. Raises EncodeError."""
    if not 0 <= value <= MAX_PACKED:
        raise EncodeError(f"a packed integer is 0 to {MAX_PACKED}, not {value}")
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def unpack(cursor: Cursor, field: str = "packed integer") -> int:
    """Read a packed unsigned integer. Raises DecodeError when it ends early or has more than 21 bits."""
    value = shift = 0
    while True:
        octet = cursor.u8(field)
        value |= (octet & 0x7F) << shift
        if not octet & 0x80:
            return value
        shift += 7
        if shift > 14:
            raise DecodeError(LAYER, cursor.offset, f"the {field} has more than 21 bits")


def decode(octets: bytes) -> Frame:
    """Read a frame, taken out of its HDLC wrapping. Raises DecodeError for anything that is not Spinel."""
    cursor = Cursor(LAYER, octets)
    header = cursor.u8("header")
    if header >> 6 != 0b10:
        raise DecodeError(LAYER, 0, f"not a Spinel header: 0x{header:02x}")
    return Frame(header & 0x0F, unpack(cursor, "command"), cursor.rest())


def encode(frame: Frame) -> bytes:
    """The octets of a frame on interface 0. Raises EncodeError for a transaction above 15."""
    if not 0 <= frame.transaction <= LAST_TRANSACTION:
        raise EncodeError(f"a transaction identifier is 0 to 15, not {frame.transaction}")
    return bytes((0x80 | frame.transaction,)) + pack(frame.command) + frame.payload


def valued(property_id: int, value: bytes = b"") -> bytes:
    """The payload of a frame about a property."""
    return pack(property_id) + value


def split(payload: bytes) -> tuple[int, bytes]:
    """The property that a frame is about, and the rest. Raises DecodeError."""
    cursor = Cursor(LAYER, payload)
    return unpack(cursor, "property"), cursor.rest()


def pack_all(values: Iterable[int]) -> bytes:
    """A list of packed integers, such as CAPS."""
    return b"".join(pack(value) for value in values)


def unpack_all(octets: bytes) -> tuple[int, ...]:
    """Read a list of packed integers. Raises DecodeError."""
    cursor = Cursor(LAYER, octets)
    values = []
    while cursor.remaining:
        values.append(unpack(cursor))
    return tuple(values)


def eui64(address: Eui64) -> bytes:
    """Eight octets, most significant first, which is not the order of the air."""
    return address.to_bytes(8, "big")


def read_eui64(octets: bytes) -> Eui64:
    """Read eight octets, most significant first. Raises DecodeError."""
    return Eui64(int.from_bytes(Cursor(LAYER, octets).take(8, "EUI-64"), "big"))
