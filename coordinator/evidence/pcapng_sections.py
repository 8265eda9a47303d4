"""Reads pcapng: sections of either byte order, their interfaces, packets of all three kinds, secrets.

`pcapng` writes; `pcap.read` is the front of this reader. Blocks of other kinds are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from coordinator.evidence.captured import CapturedFrame, CaptureError, CutOff, Secrets

SECTION_HEADER = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDERS = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED, _SECRETS = 0x0A0D0D0A, 1, 2, 3, 6, 10
_PACKETS = {_PACKET: "HHIIII", _SIMPLE: "I", _ENHANCED: "IIIII"}
_OVERHEAD = 12
"""Block type, and the total length on both sides of the body."""
_END, _COMMENT, _NAME, _TIME_RESOLUTION, _TIME_OFFSET = 0, 1, 2, 9, 14
_MICROSECONDS_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Interface:
    """`units` of its clock make a second; `offset` is added to it, in seconds. `snap` 0 is no limit."""

    link_type: int
    snap: int
    name: str = ""
    units: int = _MICROSECONDS_PER_SECOND
    offset: int = 0

    def utc(self, ticks: int) -> int:
        return ticks * _MICROSECONDS_PER_SECOND // self.units + self.offset * _MICROSECONDS_PER_SECOND


@dataclass(slots=True, kw_only=True)
class _Section:
    """What the packets of a section refer to. `order` is its byte order for struct."""

    order: str
    interfaces: list[_Interface] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """`offset` is where it begins in the file, `body` what is between its lengths."""

    kind: int
    offset: int
    body: bytes


def read(octets: bytes) -> Iterator[CapturedFrame]:
    """Yield the packets of a pcapng file. Raises CaptureError where it is broken, after what precedes."""
    section = _Section(order="<")
    offset, index = 0, 0
    secrets: list[Secrets] = []
    while offset < len(octets):
        if octets[offset : offset + 4] == SECTION_HEADER:
            section = _Section(order=_byte_order(octets, offset))
        block, offset = _block(octets, offset, section.order)
        if block.kind == _SECTION:
            _check_version(block, section.order)
        elif block.kind == _INTERFACE:
            section.interfaces.append(_read_interface(block, section.order))
        elif block.kind == _SECRETS:
            secrets.append(_read_secrets(block, section.order))
        elif block.kind in _PACKETS:
            index += 1
            yield _read_packet(block, section, index, tuple(secrets))
            secrets.clear()


def _byte_order(octets: bytes, offset: int) -> str:
    magic = octets[offset + 8 : offset + 12]
    if len(magic) < 4:
        raise CaptureError(len(octets), "the file ends inside a pcapng section header")
    order = _BYTE_ORDERS.get(magic)
    if order is None:
        raise CaptureError(offset + 8, f"{magic.hex()} is not the byte-order magic of a pcapng section")
    return order


def _block(octets: bytes, offset: int, order: str) -> tuple[_Block, int]:
    """The block at `offset`, and where the next one begins."""
    if len(octets) - offset < _OVERHEAD:
        raise _cut(offset, octets, "the file ends inside a block header")
    kind, total = struct.unpack_from(order + "II", octets, offset)
    if total < _OVERHEAD:
        raise CaptureError(offset + 4, f"a block cannot be {total} octets long")
    end = offset + (total + 3 & ~3)
    if end > len(octets):
        held = f"{len(octets) - offset} of its {total} octets are there"
        raise _cut(offset, octets, f"the file ends inside a block of type {kind}: {held}")
    (again,) = struct.unpack_from(order + "I", octets, end - 4)
    if again != total:
        raise CaptureError(end - 4, f"a block of {total} octets ends with the length {again}")
    return _Block(kind=kind, offset=offset, body=octets[offset + 8 : end - 4]), end


def _cut(offset: int, octets: bytes, reason: str) -> CaptureError:
    """A file that ends within its first block is none yet."""
    return (CutOff if offset else CaptureError)(len(octets), reason)


def _check_version(block: _Block, order: str) -> None:
    if len(block.body) < 16:
        raise CaptureError(block.offset, "the section header is too short")
    major, minor = struct.unpack_from(order + "HH", block.body, 4)
    if major != 1:
        raise CaptureError(block.offset + 12, f"pcapng version {major}.{minor} is unknown")


def _read_interface(block: _Block, order: str) -> _Interface:
    if len(block.body) < 8:
        raise CaptureError(block.offset, "the interface description is too short")
    link_type, snap = struct.unpack_from(order + "HxxI", block.body)
    name, units, offset = "", _MICROSECONDS_PER_SECOND, 0
    for code, value in _options(block, 8, order):
        if code == _NAME:
            name = _text(value)
        elif code == _TIME_RESOLUTION and value:
            exponent = value[0] & 0x7F
            units = 2**exponent if value[0] & 0x80 else 10**exponent
        elif code == _TIME_OFFSET and len(value) == 8:
            (offset,) = struct.unpack(order + "q", value)
    return _Interface(link_type=link_type, snap=snap, name=name, units=units, offset=offset)


def _read_secrets(block: _Block, order: str) -> Secrets:
    if len(block.body) >= 8:
        kind, length = struct.unpack_from(order + "II", block.body)
        if length <= len(block.body) - 8:
            return Secrets(kind=kind, octets=block.body[8 : 8 + length])
    raise CaptureError(block.offset, "the decryption secrets are longer than their block")


def _read_packet(block: _Block, section: _Section, index: int, secrets: tuple[Secrets, ...]) -> CapturedFrame:
    order = section.order
    header = _PACKETS[block.kind]
    size = struct.calcsize(order + header)
    if len(block.body) < size:
        raise CaptureError(block.offset, f"the header of packet {index} is longer than its block")
    fields = struct.unpack_from(order + header, block.body)
    number = 0 if block.kind == _SIMPLE else fields[0]
    if number >= len(section.interfaces):
        raise CaptureError(block.offset + 8, f"packet {index} names interface {number}: there is none")
    interface = section.interfaces[number]
    utc: int | None = None
    if block.kind == _SIMPLE:
        original = fields[0]
        length = min(original, interface.snap or original)
    else:
        high, low, length, original = fields[-4:]
        utc = interface.utc(high << 32 | low)
    if length > len(block.body) - size:
        raise CaptureError(block.offset, f"packet {index} says {length} octets, more than its block holds")
    options = [] if block.kind == _SIMPLE else _options(block, size + (length + 3 & ~3), order)
    return CapturedFrame(
        index=index,
        interface=number,
        link_type=interface.link_type,
        utc_us=utc,
        octets=block.body[size : size + length],
        comments=tuple(_text(value) for code, value in options if code == _COMMENT),
        interface_name=interface.name,
        original_length=original,
        secrets=secrets,
    )


def _options(block: _Block, at: int, order: str) -> list[tuple[int, bytes]]:
    """The options from octet `at` of the body on."""
    body, found = block.body, []
    while len(body) - at >= 4:
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == _END:
            break
        at += 4
        if length > len(body) - at:
            raise CaptureError(block.offset + 8 + at - 4, f"option {code} is longer than its block")
        found.append((code, body[at : at + length]))
        at += length + 3 & ~3
    return found


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").rstrip("\0")
