"""What NWK and APS protection share: nonce, associated data and where the security level hides.

The level goes on air as zero, but nonce and associated data hold the level in use (protocol.md
1.3), so both ends must know it. The associated data is the header of the layer with its auxiliary
header, which comes last; for that reason the control octet is found from the end.
"""

from __future__ import annotations

import struct

from coordinator.codec import security_header
from coordinator.security.aes import Ccm
from coordinator.types import Eui64

_LEVEL_BITS = 0x07
_OCTETS = tuple(bytes((value,)) for value in range(256))
_NONCE = struct.Struct("<QIB")
_LENGTHS = tuple(5 + 8 * (control >> 5 & 1) + (control >> 3 & 3 == 1) for control in range(256))
"""How long an auxiliary header is, by its control octet: extended nonce, key sequence number."""


def seal(
    header: bytes,
    auxiliary: security_header.AuxiliaryHeader,
    plaintext: bytes,
    cipher: Ccm,
    source: Eui64,
    level: int,
    level_on_air: int,
) -> bytes:
    """Return the whole protected frame; `header` ends with the encoded auxiliary header."""
    control = auxiliary.control & ~_LEVEL_BITS
    at = len(header) - _LENGTHS[control]
    before, after = header[:at], header[at + 1 :]
    used = control | level
    nonce = _NONCE.pack(source, auxiliary.frame_counter, used)
    sealed = cipher.seal(nonce, before + _OCTETS[used] + after, plaintext, level)
    return before + _OCTETS[control | level_on_air] + after + sealed


def unseal(
    header: bytes,
    auxiliary: security_header.AuxiliaryHeader,
    sealed: bytes,
    cipher: Ccm,
    source: Eui64,
    level: int | None,
) -> bytes:
    """Return the plaintext payload. With no level, the bits on air are believed. Raises InvalidMic."""
    control = auxiliary.control
    at = len(header) - _LENGTHS[control]
    if level is None:
        level = control & _LEVEL_BITS
    used = control & ~_LEVEL_BITS | level
    nonce = _NONCE.pack(source, auxiliary.frame_counter, used)
    return cipher.open(nonce, header[:at] + _OCTETS[used] + header[at + 1 :], sealed, level)
