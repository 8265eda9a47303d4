"""The values every layer speaks of: addresses, identifiers, keys, instants.

Addresses are integers, because the hot path compares and hashes them; they print as the field
writes them. Time is an integer number of microseconds on a monotonic clock, because a symbol
at 2.4 GHz is exactly 16 of them and sums of integers do not drift.
"""

from __future__ import annotations

import enum
from typing import NewType, Protocol

Instant = NewType("Instant", int)
"""Microseconds on a monotonic clock whose zero is the start of the session."""

Duration = int
"""A span in microseconds."""

MICROSECOND = 1
MILLISECOND = 1_000
SECOND = 1_000_000
SYMBOL = 16
"""One O-QPSK symbol at 2.4 GHz (IEEE 802.15.4, 250 kbit/s): 16 microseconds."""

NwkAddress = NewType("NwkAddress", int)
"""A 16-bit network address."""

PanId = NewType("PanId", int)
"""A 16-bit PAN identifier."""

Channel = NewType("Channel", int)
"""A 2.4 GHz channel, 11 to 26."""

COORDINATOR = NwkAddress(0x0000)
BROADCAST_ROUTERS = NwkAddress(0xFFFC)
BROADCAST_RX_ON = NwkAddress(0xFFFD)
BROADCAST_ALL = NwkAddress(0xFFFF)
NO_ADDRESS = NwkAddress(0xFFFF)
"""What an Association Response carries when it assigns nothing, and a radio that has no address."""
ADDRESS_UNALLOCATED = NwkAddress(0xFFFE)
BROADCAST_PAN = PanId(0xFFFF)
CHANNELS = tuple(Channel(number) for number in range(11, 27))


def is_broadcast(address: int) -> bool:
    """True for the NWK broadcast addresses 0xFFF8 to 0xFFFF (05-3474, 3.6.5)."""
    return address >= 0xFFF8


def hex16(value: int) -> str:
    """Render a 16-bit address or PAN identifier as Wireshark does: ``0x1a62``."""
    return f"0x{value:04x}"


class Eui64(int):
    """An extended address. Printed most significant octet first, sent least significant first."""

    __slots__ = ()

    @classmethod
    def from_octets(cls, octets: bytes) -> Eui64:
        """Read eight octets in air order (little-endian)."""
        return cls(int.from_bytes(octets, "little"))

    @classmethod
    def parse(cls, text: str) -> Eui64:
        """Read ``00:12:4b:00:01:02:03:04``, ``00124b0001020304`` or ``0x00124b0001020304``.

        Raises ValueError with the text when it is none of these.
        """
        digits = text.strip().lower().removeprefix("0x").replace(":", "").replace("-", "")
        if len(digits) != 16 or any(digit not in "0123456789abcdef" for digit in digits):
            raise ValueError(f"not an EUI-64 (16 hexadecimal digits): {text!r}")
        return cls(int(digits, 16))

    def to_octets(self) -> bytes:
        """Eight octets in air order."""
        return self.to_bytes(8, "little")

    def __str__(self) -> str:
        return self.to_bytes(8, "big").hex(":")

    def __repr__(self) -> str:
        return f"Eui64({self})"


ExtendedPanId = NewType("ExtendedPanId", Eui64)
"""The 64-bit PAN identifier of the Zigbee beacon payload; written like an EUI-64."""


class Key:
    """A 128-bit key in natural octet order. Hashable, comparable; never prints its octets."""

    __slots__ = ("octets",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) != 16:
            raise ValueError(f"a key has 16 octets, not {len(octets)}")
        self.octets = bytes(octets)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read 32 hexadecimal digits, colons and spaces allowed. Raises ValueError without echoing it."""
        digits = "".join(text.replace(":", " ").split()).lower().removeprefix("0x")
        if any(digit not in "0123456789abcdef" for digit in digits):
            raise ValueError("a key is 32 hexadecimal digits (16 octets), this has other characters")
        if len(digits) != 32:
            raise ValueError(f"a key is 32 hexadecimal digits (16 octets), this has {len(digits)}")
        return cls(bytes.fromhex(digits))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and other.octets == self.octets

    def __hash__(self) -> int:
        return hash(self.octets)

    def __repr__(self) -> str:
        return "Key(ZigBeeAlliance09)" if self.octets == b"ZigBeeAlliance09" else "Key(...)"


GLOBAL_LINK_KEY = Key(b"ZigBeeAlliance09")
"""The default global Trust Center link key that every device knows (05-3474, 4.4; BDB 6.3)."""


class LinkKeyKind(enum.Enum):
    """What a Trust Center link key is, as far as both ends can know."""

    GLOBAL = "global"
    INSTALL_CODE = "install-code"
    UNIQUE = "unique"


class DeviceType(enum.Enum):
    """The logical device type of a node descriptor (05-3474, table 2-29), by its numbers."""

    COORDINATOR = 0
    ROUTER = 1
    END_DEVICE = 2


class Entropy(Protocol):
    """Where randomness comes from: the core never draws its own."""

    def octets(self, count: int) -> bytes:
        """Return `count` random octets."""
        ...

    def integer(self, low: int, high: int) -> int:
        """Return a random integer, both bounds included."""
        ...
