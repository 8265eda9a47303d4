r"""The state file: a header and batches of records, each batch one write and one fsync.

    header   "legacy-tc state 00000001\n"
    batch    "LTCb", batch number u32, length u32, CRC-32 u32 (of number, length and body), body
    body     records: length u16, key length u8, key, value; without value the key is no more

All little-endian. Batches are numbered from 1. Past the last one are zeros, written ahead so that a
commit need not change the file's size. A batch is begun only after the one before is durable; so a bad
one is a torn tail if nothing good follows it, and a damaged file if something does.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Mapping

from coordinator.runtime.errors import StateError

VERSION = 1
MAGIC = b"LTCb"
_HEADER = re.compile(rb"legacy-tc state (\d{8})\n")
HEADER = b"legacy-tc state %08d\n" % VERSION
_BATCH = struct.Struct("<4sIII")
_CHECKED = struct.Struct("<II")
_RECORD = struct.Struct("<HB")


def encode_record(key: bytes, value: bytes) -> bytes:
    """One record. An empty value removes the key."""
    return _RECORD.pack(len(value), len(key)) + key + value


def encode_batch(number: int, records: Iterable[bytes]) -> bytes:
    """Encoded records as one batch."""
    body = b"".join(records)
    crc = zlib.crc32(body, zlib.crc32(_CHECKED.pack(number, len(body))))
    return _BATCH.pack(MAGIC, number, len(body), crc) + body


def encode_file(records: Mapping[bytes, bytes]) -> bytes:
    """A whole file that says just this, as one batch numbered 1."""
    return HEADER + encode_batch(1, (encode_record(key, value) for key, value in records.items()))


def decode_file(octets: bytes) -> tuple[dict[bytes, bytes], bool]:
    """What a file says, and whether it had a torn tail, which is left out.

    Raises StateError, without the file's name, when it is not such a file, of a newer version or damaged.
    """
    header = _HEADER.match(octets)
    if header is None:
        raise StateError("not a state file of legacy-tc")
    if int(header[1]) > VERSION:
        raise StateError(
            f"written by a newer legacy-tc (state version {int(header[1])}, this one knows {VERSION})"
        )
    found: dict[bytes, bytes] = {}
    offset, number = header.end(), 1
    while (body := _batch_at(octets, offset, number)) is not None:
        _apply(found, body, offset)
        offset += _BATCH.size + len(body)
        number += 1
    if number == 1 or _any_after(octets, offset, number):
        raise StateError(f"damaged at offset {offset}: batch {number} is not as it was written")
    return found, bool(octets[offset:].strip(b"\0"))


def _batch_at(octets: bytes, offset: int, number: int) -> bytes | None:
    """The body of the batch that is there, if it is the right one and whole."""
    if len(octets) - offset < _BATCH.size:
        return None
    magic, its_number, length, crc = _BATCH.unpack_from(octets, offset)
    body = octets[offset + _BATCH.size : offset + _BATCH.size + length]
    if magic != MAGIC or its_number != number or len(body) != length:
        return None
    right = zlib.crc32(body, zlib.crc32(_CHECKED.pack(number, length)))
    return body if crc == right else None


def _any_after(octets: bytes, offset: int, number: int) -> bool:
    """Whether a later batch is whole: then the one before it was durable once, and what is bad is damage."""
    at = octets.find(MAGIC, offset + 1)
    while at >= 0:
        if len(octets) - at >= _BATCH.size:
            its_number = _BATCH.unpack_from(octets, at)[1]
            if its_number > number and _batch_at(octets, at, its_number) is not None:
                return True
        at = octets.find(MAGIC, at + 1)
    return False


def _apply(found: dict[bytes, bytes], body: bytes, batch: int) -> None:
    at = 0
    while at < len(body):
        try:
            length, key_length = _RECORD.unpack_from(body, at)
        except struct.error:
            raise StateError(f"damaged at offset {batch + _BATCH.size + at}: half a record") from None
        start = at + _RECORD.size
        end = start + key_length + length
        if end > len(body):
            raise StateError(f"damaged at offset {batch + _BATCH.size + at}: half a record")
        key, value = body[start : start + key_length], body[start + key_length : end]
        if value:
            found[key] = value
        else:
            found.pop(key, None)
        at = end
