"""Reads capture files: classic pcap here, pcapng in `pcapng_sections`; both by `read`.

The layouts follow the published pcap and pcapng drafts (IETF opsawg); `tests/evidence` checks the
reading against files that Wireshark's editcap writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from coordinator.evidence import pcapng_sections
from coordinator.evidence.captured import CapturedFrame, CaptureError, CutOff

_MICROSECONDS, _NANOSECONDS, _MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
_FILE_HEADER_SIZE = 24
_LINK_TYPE = 0xFFFF
"""The other bits say how long the FCS of an Ethernet frame is."""


def read(octets: bytes) -> Iterator[CapturedFrame]:
    """Yield the packets of a pcap or pcapng file in their order.

    Raises CaptureError where the file is broken, CutOff where it merely ends too early, after everything
    that stands before.
    """
    if octets[:4] == pcapng_sections.SECTION_HEADER:
        yield from pcapng_sections.read(octets)
        return
    if octets[:2] == b"\x1f\x8b":
        raise CaptureError(0, "this is a gzip file: unpack it first")
    for order in "<>":
        if len(octets) >= 4:
            (magic,) = struct.unpack_from(order + "I", octets)
            if magic in (_MICROSECONDS, _NANOSECONDS):
                yield from _read_classic(octets, order, 1_000 if magic == _NANOSECONDS else 1)
                return
            if magic == _MODIFIED:
                raise CaptureError(0, "this is a 'modified' pcap: convert it with editcap -F pcap")
    raise CaptureError(0, "neither a pcap nor a pcapng file")


def _read_classic(octets: bytes, order: str, divisor: int) -> Iterator[CapturedFrame]:
    """`divisor` is how many units of the fraction of a second make a microsecond."""
    if len(octets) < _FILE_HEADER_SIZE:
        raise CaptureError(len(octets), "the file ends inside the pcap file header")
    major, minor, link_type = struct.unpack_from(order + "HH12xI", octets, 4)
    if major != 2:
        raise CaptureError(4, f"pcap version {major}.{minor} is unknown")
    record = struct.Struct(order + "IIII")
    offset, index = _FILE_HEADER_SIZE, 0
    while offset < len(octets):
        index += 1
        start = offset + record.size
        if start > len(octets):
            raise CutOff(len(octets), f"the file ends inside the header of packet {index}")
        seconds, fraction, length, original = record.unpack_from(octets, offset)
        if length > len(octets) - start:
            held = len(octets) - start
            raise CutOff(
                len(octets), f"the file ends inside packet {index}: {held} of its {length} octets are there"
            )
        yield CapturedFrame(
            index=index,
            interface=0,
            link_type=link_type & _LINK_TYPE,
            utc_us=seconds * 1_000_000 + fraction // divisor,
            octets=octets[start : start + length],
            original_length=original,
        )
        offset = start + length
