"""pcapng blocks, little-endian, as octets: nothing here keeps state or opens a file.

Only what a Zigbee capture needs: one section, interfaces with microsecond time, packets with
comments, and the two Zigbee kinds of decryption secrets (evidence.md, "Wireshark: what was tested").
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from coordinator.types import Key, NwkAddress, PanId

LINKTYPE_IEEE802_15_4_NOFCS = 230
LINKTYPE_IEEE802_15_4_TAP = 283
SECRETS_ZIGBEE_NWK = 0x5A4E574B
SECRETS_ZIGBEE_APS = 0x5A415053

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE_DESCRIPTION = 1
_ENHANCED_PACKET = 6
_DECRYPTION_SECRETS = 10
_BYTE_ORDER_MAGIC = 0x1A2B3C4D

_COMMENT = 1
_SECTION_HARDWARE = 2
_SECTION_APPLICATION = 4
_INTERFACE_NAME = 2
_INTERFACE_DESCRIPTION_TEXT = 3
_INTERFACE_TIME_RESOLUTION = 9
_MICROSECONDS = b"\x06"
_LONGEST_OPTION = 0xFFFF
_END_OF_OPTIONS = b"\0\0\0\0"

_BLOCK = struct.Struct("<II")
_OPTION = struct.Struct("<HH")
_LENGTH = struct.Struct("<I")
_SECTION = struct.Struct("<IHHq")
_INTERFACE = struct.Struct("<HHI")
_SECRETS = struct.Struct("<II")
_PACKET = struct.Struct("<IIIIIII")
_PACKET_OVERHEAD = _PACKET.size + _LENGTH.size
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def section_header(*, hardware: str, application: str, comments: Sequence[str] = ()) -> bytes:
    """A section of unknown length, with the lines that say what the file is."""
    options = [(_COMMENT, _text(comment)) for comment in comments if comment]
    options.append((_SECTION_HARDWARE, _text(hardware)))
    options.append((_SECTION_APPLICATION, _text(application)))
    return _block(_SECTION_HEADER, _SECTION.pack(_BYTE_ORDER_MAGIC, 1, 0, -1) + _options(options))


def interface_description(*, link_type: int, name: str, description: str) -> bytes:
    """An interface whose packets are timed in microseconds. Interfaces number themselves from zero."""
    options = [
        (_INTERFACE_NAME, _text(name)),
        (_INTERFACE_DESCRIPTION_TEXT, _text(description)),
        (_INTERFACE_TIME_RESOLUTION, _MICROSECONDS),
    ]
    return _block(_INTERFACE_DESCRIPTION, _INTERFACE.pack(link_type, 0, 0) + _options(options))


def enhanced_packet(interface: int, utc: int, octets: bytes, comments: Sequence[str] = ()) -> bytes:
    """One packet, whole. `utc` is microseconds since the epoch; empty comments are left out."""
    length = len(octets)
    padding = _PADDING[length & 3]
    options = _options([(_COMMENT, _text(text)) for text in comments if text]) if comments else b""
    total = _PACKET_OVERHEAD + length + len(padding) + len(options)
    return b"".join(
        (
            _PACKET.pack(_ENHANCED_PACKET, total, interface, utc >> 32, utc & 0xFFFFFFFF, length, length),
            octets,
            padding,
            options,
            _LENGTH.pack(total),
        )
    )


def nwk_key_secrets(key: Key, pan_id: PanId) -> bytes:
    """A network key as a decryption secrets block: key, PAN identifier."""
    return _secrets(SECRETS_ZIGBEE_NWK, key.octets + pan_id.to_bytes(2, "little"))


def aps_key_secrets(key: Key, pan_id: PanId, one: NwkAddress, other: NwkAddress) -> bytes:
    """A link key as a decryption secrets block: key, PAN identifier, lower and higher short address."""
    low, high = sorted((one, other))
    return _secrets(SECRETS_ZIGBEE_APS, key.octets + struct.pack("<HHH", pan_id, low, high))


def _secrets(kind: int, secrets: bytes) -> bytes:
    return _block(_DECRYPTION_SECRETS, _SECRETS.pack(kind, len(secrets)) + _padded(secrets))


def _block(kind: int, body: bytes) -> bytes:
    total = len(body) + _BLOCK.size + _LENGTH.size
    return _BLOCK.pack(kind, total) + body + _LENGTH.pack(total)


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    if not options:
        return b""
    packed = [_OPTION.pack(code, len(value)) + _padded(value) for code, value in options]
    return b"".join(packed) + _END_OF_OPTIONS


def _padded(octets: bytes) -> bytes:
    return octets + _PADDING[len(octets) & 3]


def _text(text: str) -> bytes:
    # A zero octet would end the string for many readers, and lone surrogates have no UTF-8.
    octets = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    if len(octets) <= _LONGEST_OPTION:
        return octets
    return octets[:_LONGEST_OPTION].decode("utf-8", "ignore").encode("utf-8")
