"""The auxiliary security header that the NWK and APS layers share (05-3474, 4.5.1)."""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from coordinator.codec.cursor import DecodeError, EncodeError
from coordinator.types import Eui64


class KeyIdentifier(enum.IntEnum):
    """Which key protects the frame (security control, bits 3 and 4)."""

    DATA = 0
    NETWORK = 1
    KEY_TRANSPORT = 2
    KEY_LOAD = 3


_KEY_IDENTIFIERS = tuple(KeyIdentifier)

EXTENDED_NONCE = 0x20


class AuxiliaryHeader(NamedTuple):
    """The header as on air.

    `control` has its security level zeroed by the sender; `source` is there if the extended nonce
    bit is set, `key_sequence` if the network key protects the frame.
    """

    control: int
    frame_counter: int
    source: Eui64 | None = None
    key_sequence: int | None = None

    @property
    def level(self) -> int:
        """The three bits as on air; receivers put in the level of the network."""
        return self.control & 7

    @property
    def key_identifier(self) -> KeyIdentifier:
        return _KEY_IDENTIFIERS[self.control >> 3 & 3]

    @property
    def extended_nonce(self) -> bool:
        return self.control & EXTENDED_NONCE != 0


def control(*, key_identifier: KeyIdentifier, extended_nonce: bool, level: int = 0) -> int:
    """The security control field."""
    return level | key_identifier << 3 | extended_nonce << 5


# Indexed by bits 3 to 5 of the security control: key identifier, then extended nonce.
_LAYOUTS = tuple(
    struct.Struct("<BI" + ("Q" if index & 4 else "") + ("B" if index & 3 == 1 else "")) for index in range(8)
)


def decode(layer: str, octets: bytes, offset: int) -> tuple[AuxiliaryHeader, int]:
    """Read the header at `offset`; returns it and the offset after it.

    `layer` names who asks in the DecodeError raised when the octets end inside the header.
    """
    if offset < len(octets):
        bits = octets[offset] >> 3 & 7
        layout = _LAYOUTS[bits]
        end = offset + layout.size
        if end <= len(octets):
            fields = layout.unpack_from(octets, offset)
            source = Eui64(fields[2]) if bits & 4 else None
            key_sequence = fields[-1] if bits & 3 == 1 else None
            return AuxiliaryHeader(fields[0], fields[1], source, key_sequence), end
    raise DecodeError(layer, offset, "frame ends inside the auxiliary security header")


def encode(header: AuxiliaryHeader) -> bytes:
    """The octets of the header. Raises EncodeError where the control field announces other fields."""
    control, frame_counter, source, key_sequence = header
    bits = control >> 3 & 7
    if (bits & 4 != 0) != (source is not None) or (bits & 3 == 1) != (key_sequence is not None):
        raise EncodeError(f"security control 0x{control:02x} announces other fields than {header}")
    fields = [field for field in (source, key_sequence) if field is not None]
    try:
        return _LAYOUTS[bits].pack(control, frame_counter, *fields)
    except struct.error as error:
        raise EncodeError(f"auxiliary security header: {error}") from None
