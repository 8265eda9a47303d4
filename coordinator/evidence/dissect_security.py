"""The auxiliary security header as fields, and what the keys at hand make of the frame behind it."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier
from coordinator.evidence.dissection import Fields
from coordinator.evidence.keyring import KEY_NAMES, Keyring, Opened
from coordinator.security.aes import MIC_LENGTHS, Ccm, Level
from coordinator.types import Eui64

_IDENTIFIER_NAMES = {
    KeyIdentifier.DATA: "data",
    KeyIdentifier.NETWORK: "network",
    KeyIdentifier.KEY_TRANSPORT: "key-transport",
    KeyIdentifier.KEY_LOAD: "key-load",
}
_VERIFIED_COUNTER = 0x40
LEVEL = Level.ENC_MIC_32
"""What every Zigbee network uses; on air the level is zeroed (protocol.md 1.3)."""


def header(auxiliary: AuxiliaryHeader) -> Fields:
    """The fields of the header, its level as on air and as used."""
    found: Fields = {
        "control": f"0x{auxiliary.control:02x}",
        "level_on_air": auxiliary.level,
        "level": int(LEVEL),
        "key_identifier": int(auxiliary.key_identifier),
        "key_identifier_name": _IDENTIFIER_NAMES[auxiliary.key_identifier],
        "extended_nonce": auxiliary.extended_nonce,
        "require_verified_frame_counter": auxiliary.control & _VERIFIED_COUNTER != 0,
        "frame_counter": auxiliary.frame_counter,
    }
    if auxiliary.source is not None:
        found["source"] = str(auxiliary.source)
    if auxiliary.key_sequence is not None:
        found["key_sequence"] = auxiliary.key_sequence
    return found


def open_payload(
    keyring: Keyring,
    auxiliary: AuxiliaryHeader,
    source: Eui64 | None,
    payload: bytes,
    unprotect: Callable[[Ccm, Eui64], bytes],
) -> tuple[Opened | str, Fields]:
    """Try the keys on a protected payload; returns what came of it, and that as fields.

    `source` is the EUI-64 the nonce needs, None if neither the header nor anything else tells it.
    `unprotect` opens the frame with a cipher and that EUI-64, or raises InvalidMic.
    """
    length = MIC_LENGTHS[LEVEL]
    found: Fields = {}
    if len(payload) < length:
        return "no room for a MIC", {"opened": False, "why": "no room for a MIC"}
    found["mic"] = payload[-length:].hex()
    if source is None:
        why = "the EUI-64 of the sender is not known"
        return why, found | {"opened": False, "why": why}
    result = keyring.open(
        auxiliary.key_identifier,
        auxiliary.key_sequence,
        source,
        lambda cipher: unprotect(cipher, source),
    )
    if isinstance(result, str):
        return result, found | {"opened": False, "why": result}
    found |= {"opened": True, "opened_by": result.by, "key": result.key.octets.hex()}
    if result.key in KEY_NAMES:
        found["key_name"] = KEY_NAMES[result.key]
    return result, found | {"key_origin": result.origin, "nonce_source": str(source)}


def suffix(identifier: KeyIdentifier) -> str:
    """How a summary says which kind of key secures a frame."""
    name = _IDENTIFIER_NAMES[identifier]
    return f"{name}-key" if identifier in (KeyIdentifier.DATA, KeyIdentifier.NETWORK) else name
