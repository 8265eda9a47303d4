"""The two CRCs of 16 bits that share the polynomial 0x1021, least significant bit first.

`binascii` has that polynomial most significant bit first; reflecting its input and output gives the
other order at the speed of C.
"""

from __future__ import annotations

import binascii

_REFLECTED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))


def kermit(octets: bytes) -> int:
    """CRC-16/KERMIT, ITU-T initially zero: the FCS of IEEE 802.15.4."""
    crc = binascii.crc_hqx(octets.translate(_REFLECTED), 0)
    return _REFLECTED[crc & 0xFF] << 8 | _REFLECTED[crc >> 8]


def x25(octets: bytes) -> int:
    """CRC-16/X-25, initially and finally inverted: HDLC (RFC 1662, C.2) and install codes."""
    crc = binascii.crc_hqx(octets.translate(_REFLECTED), 0xFFFF)
    return (_REFLECTED[crc & 0xFF] << 8 | _REFLECTED[crc >> 8]) ^ 0xFFFF
