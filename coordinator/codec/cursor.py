"""Reading little-endian fields from octets, and the two errors of every codec."""

from __future__ import annotations

import struct

from coordinator.types import Eui64, Key

_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class DecodeError(ValueError):
    """The octets are not a frame of this layer.

    `layer` names the codec, `offset` is the octet of the decoded octets at which reading stopped,
    `reason` a phrase for people.
    """

    def __init__(self, layer: str, offset: int, reason: str) -> None:
        super().__init__(f"{layer}: octet {offset}: {reason}")
        self.layer = layer
        self.offset = offset
        self.reason = reason


class EncodeError(ValueError):
    """The value has no octets: a field is out of range, missing, or not announced by the frame control."""


class Cursor:
    """A position in some octets. Every read advances it, or raises DecodeError and says what was cut."""

    __slots__ = ("layer", "octets", "offset")

    def __init__(self, layer: str, octets: bytes, offset: int = 0) -> None:
        self.layer = layer
        self.octets = octets
        self.offset = offset

    @property
    def remaining(self) -> int:
        """How many octets are left."""
        return len(self.octets) - self.offset

    def take(self, count: int, field: str = "payload") -> bytes:
        """The next `count` octets."""
        end = self.offset + count
        if end > len(self.octets):
            raise DecodeError(self.layer, self.offset, f"frame ends inside the {field}")
        octets = self.octets[self.offset : end]
        self.offset = end
        return octets

    def rest(self) -> bytes:
        """All octets that are left, possibly none."""
        octets = self.octets[self.offset :]
        self.offset = len(self.octets)
        return octets

    def u8(self, field: str = "payload") -> int:
        """One octet."""
        return self.take(1, field)[0]

    def u16(self, field: str = "payload") -> int:
        """Two octets, least significant first."""
        value: int = _U16.unpack(self.take(2, field))[0]
        return value

    def u32(self, field: str = "payload") -> int:
        """Four octets, least significant first."""
        value: int = _U32.unpack(self.take(4, field))[0]
        return value

    def u64(self, field: str = "payload") -> int:
        """Eight octets, least significant first."""
        value: int = _U64.unpack(self.take(8, field))[0]
        return value

    def eui64(self, field: str = "extended address") -> Eui64:
        """An extended address, least significant octet first."""
        return Eui64(self.u64(field))

    def key(self, field: str = "key") -> Key:
        """A key: sixteen octets in their natural order."""
        return Key(self.take(16, field))
