"""APS frame security: end to end, under a link key or a key derived from one (protocol.md 1.3, 1.5)."""

from __future__ import annotations

from coordinator.codec import aps
from coordinator.security import envelope
from coordinator.security.aes import Ccm, Level
from coordinator.types import Eui64


def protect(
    frame: aps.Frame,
    cipher: Ccm,
    source: Eui64,
    level: int = Level.ENC_MIC_32,
    level_on_air: int = 0,
) -> bytes:
    """Encode `frame`, whose payload is still plaintext, and protect it. Return its octets.

    `source` is the originator; it enters the nonce, whatever the
    auxiliary header says. The level bits of the control octet go out as `level_on_air`.
    Raises ValueError when the frame has no auxiliary header.
    """
    auxiliary = frame.security
    if auxiliary is None:
        raise ValueError("an APS frame without an auxiliary header cannot be protected")
    octets = aps.encode(frame)
    header = octets[: len(octets) - len(frame.payload)]
    return envelope.seal(header, auxiliary, frame.payload, cipher, source, level, level_on_air)


def unprotect(
    octets: bytes,
    frame: aps.Frame,
    cipher: Ccm,
    source: Eui64,
    level: int | None = Level.ENC_MIC_32,
) -> bytes:
    """Return the plaintext payload of `frame`, which was decoded from exactly these `octets`.

    `source` is the originator's EUI-64: the auxiliary header's, or looked up when it carries none. The
    level on air is overwritten with `level`, as the specification wants; None believes the frame
    instead, and a frame may then say that it proves nothing (levels 0 and 4).
    Raises InvalidMic, and ValueError when the frame has no auxiliary header.
    """
    auxiliary = frame.security
    if auxiliary is None:
        raise ValueError("an APS frame without an auxiliary header cannot be unprotected")
    payload = frame.payload
    header = octets[: len(octets) - len(payload)]
    return envelope.unseal(header, auxiliary, payload, cipher, source, level)
