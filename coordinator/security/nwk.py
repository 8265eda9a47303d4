"""NWK frame security: one hop at a time, under the network key (protocol.md 1.3)."""

from __future__ import annotations

from coordinator.codec import nwk
from coordinator.security import envelope
from coordinator.security.aes import Ccm, Level
from coordinator.types import Eui64


def protect(
    frame: nwk.Frame,
    cipher: Ccm,
    source: Eui64,
    level: int = Level.ENC_MIC_32,
    level_on_air: int = 0,
) -> bytes:
    """Encode `frame`, whose payload is still plaintext, and protect it. Return its octets.

    `source` is the device that sends this hop (each hop protects anew); it enters the nonce, whatever the
    auxiliary header says. The level bits of the control octet go out as `level_on_air`.
    Raises ValueError when the frame has no auxiliary header.
    """
    auxiliary = frame.security
    if auxiliary is None:
        raise ValueError("an NWK frame without an auxiliary header cannot be protected")
    octets = nwk.encode(frame)
    header = octets[: len(octets) - len(frame.payload)]
    return envelope.seal(header, auxiliary, frame.payload, cipher, source, level, level_on_air)


def unprotect(
    octets: bytes,
    frame: nwk.Frame,
    cipher: Ccm,
    source: Eui64,
    level: int | None = Level.ENC_MIC_32,
) -> bytes:
    """Return the plaintext payload of `frame`, which was decoded from exactly these `octets`.

    `source` is the last hop's EUI-64: the auxiliary header's, or looked up when it carries none. The
    level on air is overwritten with `level`, as the specification wants; None believes the frame
    instead, and a frame may then say that it proves nothing (levels 0 and 4).
    Raises InvalidMic, and ValueError when the frame has no auxiliary header.
    """
    auxiliary = frame.security
    if auxiliary is None:
        raise ValueError("an NWK frame without an auxiliary header cannot be unprotected")
    payload = frame.payload
    header = octets[: len(octets) - len(payload)]
    return envelope.unseal(header, auxiliary, payload, cipher, source, level)
