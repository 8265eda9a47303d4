"""Keys that follow from other keys: the APS key hierarchy, install codes, per-device Trust Center keys.

Pure functions over `Key`. No message here ever shows the octets of a key or of an install code.
"""

from __future__ import annotations

from coordinator.codec import crc
from coordinator.security import aes
from coordinator.types import Eui64, Key

DISTRIBUTED_TEST_KEY = Key(bytes(range(0xD0, 0xE0)))
"""The distributed security global link key for tests (protocol.md 1.4)."""

TOUCHLINK_TEST_KEY = Key(bytes(range(0xC0, 0xD0)))
"""The touchlink preconfigured link key for tests (protocol.md 1.4)."""

INSTALL_CODE_LENGTHS = (6, 8, 12, 16)
"""Octets of an install code, its CRC not counted (BDB; protocol.md 1.4)."""

_SEPARATORS = str.maketrans("", "", " \t\r\n:-._,")


class InstallCodeError(ValueError):
    """What was given is not an install code; the text is one line and names what would be right."""


def key_transport_key(link_key: Key) -> Key:
    """The key that protects a Transport-Key carrying a network key (key identifier 2)."""
    return Key(aes.keyed_hash(link_key, b"\x00"))


def key_load_key(link_key: Key) -> Key:
    """The key that protects a Transport-Key carrying a link key (key identifier 3)."""
    return Key(aes.keyed_hash(link_key, b"\x02"))


def verify_key_hash(link_key: Key) -> bytes:
    """The 16 octets by which a Verify-Key proves the link key."""
    return aes.keyed_hash(link_key, b"\x03")


def install_code_key(code_with_crc: bytes) -> Key:
    """Return the link key of an install code given with its CRC, which is hashed too.

    Raises InstallCodeError when the length or the CRC is wrong.
    """
    if len(code_with_crc) - 2 not in INSTALL_CODE_LENGTHS:
        raise InstallCodeError(_wrong_length(code_with_crc))
    code, given = code_with_crc[:-2], code_with_crc[-2:]
    right = _crc_octets(code)
    if given != right:
        raise InstallCodeError(
            f"the CRC of these {len(code)} install code octets is {_spaced(right)}, "
            f"but the code ends in {_spaced(given)}"
        )
    return Key(aes.mmo(code_with_crc))


def parse_install_code(text: str) -> bytes:
    """Read an install code printed in hexadecimal with its CRC; return its octets, CRC included.

    Spaces, colons, dashes, dots, underscores and commas are ignored. Raises InstallCodeError for
    anything else, for a wrong length and for a wrong CRC.
    """
    digits = text.strip().lower().removeprefix("0x").translate(_SEPARATORS)
    if any(digit not in "0123456789abcdef" for digit in digits):
        raise InstallCodeError("an install code is hexadecimal digits and separators, nothing else")
    if len(digits) % 2:
        raise InstallCodeError(f"an install code has whole octets, this has {len(digits)} hexadecimal digits")
    octets = bytes.fromhex(digits)
    install_code_key(octets)
    return octets


def seed_shift_key(seed: Key, partner: Eui64, shift: int) -> Key:
    """A Trust Center link key as TI Z-Stack 3.0 derives it (protocol.md 1.4).

    The seed is rotated left by `shift` octets (0 to 15; more wrap around) and masked with the
    device's EUI-64, least significant octet first, twice over.
    """
    turn = shift % 16
    rotated = seed.octets[turn:] + seed.octets[:turn]
    mask = partner.to_octets() * 2
    return Key(bytes(octet ^ masking for octet, masking in zip(rotated, mask, strict=True)))


def hashed_key(seed: Key, partner: Eui64) -> Key:
    """A Trust Center link key as EmberZNet derives it: keyed hash of the EUI-64 (protocol.md 1.4)."""
    return Key(aes.keyed_hash(seed, partner.to_octets()))


def _crc_octets(code: bytes) -> bytes:
    return crc.x25(code).to_bytes(2, "little")


def _wrong_length(octets: bytes) -> str:
    rule = f"an install code is 6, 8, 12 or 16 octets and a CRC of 2, this is {len(octets)} in all"
    if len(octets) in INSTALL_CODE_LENGTHS:
        return f"{rule}; if only the CRC is missing, append {_spaced(_crc_octets(octets))}"
    return rule


def _spaced(octets: bytes) -> str:
    return octets.hex(" ").upper()
