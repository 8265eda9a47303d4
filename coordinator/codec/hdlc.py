"""HDLC-lite, the framing of Spinel on a serial line: flags, octet stuffing, CRC-16/X-25 (radios.md 3)."""

from __future__ import annotations

from coordinator.codec import crc

FLAG = 0x7E
ESCAPE = 0x7D
SPECIAL = (ESCAPE, FLAG, 0x11, 0x13, 0xF8)
"""What never appears inside a frame: escape, flag, XON, XOFF and the vendor's own flag."""
MASK = 0x20
CRC_OCTETS = 2
LONGEST = 4096
"""Octets between two flags, stuffing included; a Spinel frame of an RCP has at most 2048."""

_FLAG = bytes((FLAG,))
_ESCAPE = bytes((ESCAPE,))
_STUFFED = tuple((bytes((octet,)), bytes((ESCAPE, octet ^ MASK))) for octet in SPECIAL)


def encode(payload: bytes) -> bytes:
    """A frame with a flag at each end."""
    body = payload + crc.x25(payload).to_bytes(CRC_OCTETS, "little")
    for octet, stuffed in _STUFFED:  # the escape comes first: it is not to be escaped twice
        body = body.replace(octet, stuffed)
    return _FLAG + body + _FLAG


class Deframer:
    """Takes frames out of a stream that arrives in any pieces.

    What is too long, wrongly stuffed or fails its CRC is counted in `bad` and skipped; the next flag
    begins anew. Octets before the first flag count as a frame: the reader may have come late.
    """

    __slots__ = ("_longest", "_part", "_skipping", "bad")

    def __init__(self, longest: int = LONGEST) -> None:
        self.bad = 0
        self._longest = longest
        self._part = b""
        self._skipping = False

    def feed(self, octets: bytes) -> list[bytes]:
        """The payloads that are complete now, in order."""
        *whole, part = (self._part + octets).split(_FLAG)
        if whole and self._skipping:
            self._skipping = False
            del whole[0]
        payloads = [payload for body in whole if body and (payload := self._payload(body)) is not None]
        if len(part) > self._longest and not self._skipping:
            self.bad += 1
            self._skipping = True
        self._part = b"" if self._skipping else part
        return payloads

    def clear(self) -> None:
        """Forget what was begun: another reader's stream follows."""
        self._part = b""
        self._skipping = False

    def _payload(self, body: bytes) -> bytes | None:
        octets = _unstuff(body) if len(body) <= self._longest else None
        if octets is None or len(octets) < CRC_OCTETS:
            self.bad += 1
            return None
        payload = octets[:-CRC_OCTETS]
        if crc.x25(payload) != int.from_bytes(octets[-CRC_OCTETS:], "little"):
            self.bad += 1
            return None
        return payload


def _unstuff(body: bytes) -> bytes | None:
    """The octets of a stuffed body; None when an escape escapes nothing, which is how a sender aborts."""
    plain, *escaped = body.split(_ESCAPE)
    if not escaped:
        return plain
    if not all(escaped):
        return None
    return plain + b"".join(bytes((part[0] ^ MASK,)) + part[1:] for part in escaped)
