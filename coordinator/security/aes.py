"""AES-128 as Zigbee uses it: CCM*, AES-MMO and its keyed hash. The one door to `cryptography`.

Everything here works on octets and knows no frame. Levels, nonce and hash padding follow
protocol.md 1.3 and 1.4 (05-3474, annexes A to C).
"""

from __future__ import annotations

import enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from coordinator.types import Key

_MMO_LIMIT = 0x10000 // 8
_CTR_FLAGS = b"\x01"
"""The flags octet of a CCM counter block for L = 2 (RFC 3610, 2.3)."""
_CTR_START = b"\x00\x01"


class Level(enum.IntEnum):
    """The security level sub-field of a security control octet (protocol.md 1.3)."""

    NONE = 0
    MIC_32 = 1
    MIC_64 = 2
    MIC_128 = 3
    ENC = 4
    ENC_MIC_32 = 5
    ENC_MIC_64 = 6
    ENC_MIC_128 = 7


MIC_LENGTHS = (0, 4, 8, 16, 0, 4, 8, 16)
"""How many octets of MIC follow the payload, by security level."""


class InvalidMic(Exception):
    """The octets were not protected with this key, this nonce and this header, or were changed since."""


class Ccm:
    """CCM* under one key (L = 2, nonce of 13 octets). Build it once per key and keep it."""

    __slots__ = ("_by_length", "_key", "_mic_32")

    def __init__(self, key: Key) -> None:
        self._key = key
        self._mic_32 = AESCCM(key.octets, tag_length=4)
        self._by_length: dict[int, AESCCM] = {4: self._mic_32}

    def seal(self, nonce: bytes, associated: bytes, plaintext: bytes, level: int = Level.ENC_MIC_32) -> bytes:
        """Return the payload as it goes on air, its MIC behind it.

        `nonce` has 13 octets; `associated` is authenticated but not returned. Levels 0 and 4 carry
        no MIC; levels 0 to 3 leave the payload readable.
        """
        if level == 5:
            return self._mic_32.encrypt(nonce, plaintext, associated)
        if level > 5:
            return self._ccm(level).encrypt(nonce, plaintext, associated)
        if level == 4:
            return self._counter_mode(nonce, plaintext)
        if level == 0:
            return plaintext
        return plaintext + self._ccm(level).encrypt(nonce, b"", associated + plaintext)

    def open(self, nonce: bytes, associated: bytes, octets: bytes, level: int = Level.ENC_MIC_32) -> bytes:
        """Return the plaintext of what `seal` made. Raises InvalidMic, also when there is no room for one.

        Levels 0 and 4 prove nothing: whatever comes is accepted.
        """
        try:
            if level == 5:
                return self._mic_32.decrypt(nonce, octets, associated)
            if level > 5:
                return self._ccm(level).decrypt(nonce, octets, associated)
            if level == 4:
                return self._counter_mode(nonce, octets)
            if level == 0:
                return octets
            end = len(octets) - MIC_LENGTHS[level]
            if end < 0:
                raise InvalidMic
            self._ccm(level).decrypt(nonce, octets[end:], associated + octets[:end])
            return octets[:end]
        except InvalidTag:
            raise InvalidMic from None

    def _ccm(self, level: int) -> AESCCM:
        length = MIC_LENGTHS[level]
        ccm = self._by_length.get(length)
        if ccm is None:
            ccm = self._by_length[length] = AESCCM(self._key.octets, tag_length=length)
        return ccm

    def _counter_mode(self, nonce: bytes, octets: bytes) -> bytes:
        # Level 4: the key stream of CCM without its MIC, whose counter 0 masks the MIC and is skipped.
        start = modes.CTR(_CTR_FLAGS + nonce + _CTR_START)
        return Cipher(algorithms.AES(self._key.octets), start).encryptor().update(octets)


def mmo(octets: bytes) -> bytes:
    """Return the AES-MMO-128 hash, 16 octets (05-3474, annex C; vectors C.5).

    Raises ValueError at 8192 octets, where the 16-bit length of this padding ends.
    """
    if len(octets) >= _MMO_LIMIT:
        raise ValueError(f"AES-MMO takes fewer than {_MMO_LIMIT} octets, not {len(octets)}")
    zeros = bytes((13 - len(octets)) % 16)
    padded = octets + b"\x80" + zeros + (8 * len(octets)).to_bytes(2, "big")
    digest = bytes(16)
    for start in range(0, len(padded), 16):
        block = padded[start : start + 16]
        sealed = Cipher(algorithms.AES(digest), modes.ECB()).encryptor().update(block)
        digest = (int.from_bytes(sealed, "big") ^ int.from_bytes(block, "big")).to_bytes(16, "big")
    return digest


def keyed_hash(key: Key, octets: bytes) -> bytes:
    """Return HMAC over AES-MMO, 16 octets (05-3474, annex C; vector C.6.1)."""
    inner = bytes(octet ^ 0x36 for octet in key.octets)
    outer = bytes(octet ^ 0x5C for octet in key.octets)
    return mmo(outer + mmo(inner + octets))
