"""The tag, length, value triples of R23. The length octet on air is one less than the value's length."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec.cursor import Cursor, EncodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tlv:
    """One triple; `value` has 1 to 256 octets."""

    tag: int
    value: bytes


def decode(octets: bytes) -> tuple[Tlv, ...]:
    """Read TLVs up to the end of the octets. Raises DecodeError when the last one is cut."""
    cursor = Cursor("tlv", octets)
    found = []
    while cursor.remaining:
        tag = cursor.u8("tag")
        length = cursor.u8("length") + 1
        found.append(Tlv(tag=tag, value=cursor.take(length, "value")))
    return tuple(found)


def encode(tlvs: tuple[Tlv, ...]) -> bytes:
    """The octets of some TLVs, in order. Raises EncodeError for a tag or a length of no octet."""
    octets = b""
    for tlv in tlvs:
        if not 0 <= tlv.tag <= 0xFF or not 1 <= len(tlv.value) <= 256:
            raise EncodeError(f"tlv: tag {tlv.tag} with a value of {len(tlv.value)} octets")
        octets += bytes((tlv.tag, len(tlv.value) - 1)) + tlv.value
    return octets
