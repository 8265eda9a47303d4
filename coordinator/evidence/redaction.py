"""Taking a key out of a frame: one that no layer encrypts, or that only a link key does, which may be
everybody's. What the network key encrypts stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from coordinator.codec import aps, mac, nwk
from coordinator.codec.cursor import DecodeError
from coordinator.types import GLOBAL_LINK_KEY, Key

_TRANSPORT_KEY, _TUNNEL = 0x05, 0x0E
_KEY_AT, _KEY_OCTETS = 2, 16
_TUNNELLED_AT = 9  # a Tunnel is its identifier and an EUI-64, then an APS frame
_FIRST_OCTETS = 3
_SHORT_TO_SHORT = 0x88
_NWK_SECURITY_AT, _NWK_SECURITY = 10, 0x02  # bit 9 of the NWK frame control, behind nine octets of MAC header


def redact(psdu: bytes) -> bytes | None:
    """The frame with zeros in the place of its key; None when it shows none.

    The length stays, and every field but the key. The well-known key is no secret and is left.
    """
    if psdu[:1] != b"" and psdu[0] & 7 != mac.FrameType.DATA:
        return None
    if psdu[1:2] == bytes((_SHORT_TO_SHORT,)) and psdu[0] & 0x40 and _is_nwk_secured(psdu):
        return None  # nearly all frames: nothing to decode
    at = _find_key(psdu)
    if at is None:
        return None
    end = min(at + _KEY_OCTETS, len(psdu))
    if psdu[at:end] == GLOBAL_LINK_KEY.octets:
        return None
    return psdu[:at] + bytes(end - at) + psdu[end:]


def blank(psdu: bytes, keys: Iterable[Key]) -> bytes:
    """The frame with zeros wherever one of these keys stands in it: also in what was damaged deliberately,
    or sent from outside, and is no Transport-Key any more. The well-known key is left.
    """
    for key in keys:
        if key.octets in psdu and key != GLOBAL_LINK_KEY:
            psdu = psdu.replace(key.octets, bytes(_KEY_OCTETS))
    return psdu


def conceal(psdu: bytes) -> bytes | None:
    """The frame with zeros for what is encrypted in an APS command that no network key protects; None for
    others. Such a command may be a Transport-Key, and its link key the well-known one. Headers stay.
    """
    if psdu[:1] != b"" and psdu[0] & 7 != mac.FrameType.DATA:
        return None
    if psdu[1:2] == bytes((_SHORT_TO_SHORT,)) and psdu[0] & 0x40 and _is_nwk_secured(psdu):
        return None
    try:
        frame = _unsecured(psdu)
        sealed = 0 if frame is None else len(_sealed(frame.payload))
    except DecodeError:
        return None
    return psdu[: len(psdu) - sealed] + bytes(sealed) if sealed else None


def obliterate(psdu: bytes) -> bytes:
    """The frame with zeros behind its frame control and sequence number: where damage may have made of a
    Transport-Key what nobody can tell.
    """
    return psdu[:_FIRST_OCTETS] + bytes(max(0, len(psdu) - _FIRST_OCTETS))


def _sealed(apdu: bytes) -> bytes:
    """What is encrypted in an APS command, tunnelled or not, with its MIC."""
    inner = aps.decode(apdu)
    if inner.frame_control & 3 != aps.FrameType.COMMAND:
        return b""
    if inner.security is not None:
        return inner.payload
    return _sealed(inner.payload[_TUNNELLED_AT:]) if inner.payload[:1] == bytes((_TUNNEL,)) else b""


def _unsecured(psdu: bytes) -> nwk.Frame | None:
    """The NWK frame, unless a layer up to there is secured. Raises DecodeError."""
    carrier = mac.decode(psdu)
    if carrier.security_enabled:
        return None
    frame = nwk.decode(carrier.payload)
    return frame if frame.security is None else None


def _is_nwk_secured(psdu: bytes) -> bool:
    return len(psdu) > _NWK_SECURITY_AT and bool(psdu[_NWK_SECURITY_AT] & _NWK_SECURITY)


def _find_key(psdu: bytes) -> int | None:
    """Where the key begins. What is cut short or malformed further on still shows what it shows."""
    try:
        frame = _unsecured(psdu)
        if frame is None:
            return None
        command = _command(frame.payload)
        if command[:1] == bytes((_TUNNEL,)):
            command = _command(command[_TUNNELLED_AT:])
    except DecodeError:
        return None
    if command[:1] != bytes((_TRANSPORT_KEY,)) or len(command) <= _KEY_AT:
        return None
    return len(psdu) - len(command) + _KEY_AT


def _command(apdu: bytes) -> bytes:
    """The octets of an APS command that is not encrypted, else none."""
    inner = aps.decode(apdu)
    secured = inner.security is not None
    return b"" if secured or inner.frame_control & 3 != aps.FrameType.COMMAND else inner.payload
