"""What a capture file holds, as values, and the one error of reading it."""

from __future__ import annotations

from dataclasses import dataclass


class CaptureError(Exception):
    """The octets are no capture file, or stop being one at `offset`; the text is one line for people.

    What was read before the error stands.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"octet {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class CutOff(CaptureError):
    """The file ends in the middle of something, as one does whose writer was killed or had no more room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """A decryption secrets block of a pcapng file, `kind` as in `pcapng.SECRETS_ZIGBEE_NWK`."""

    kind: int
    octets: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFrame:
    """One packet of a capture file.

    `index` counts from 1, as Wireshark's frame.number does. `interface` counts from 0 in each section.
    `utc_us` is microseconds since the epoch, finer time cut off; None where the file gives none.
    `original_length` exceeds `len(octets)` where the capture was snapped. `secrets` are those that stand
    in the file between the packet before and this one.
    """

    index: int
    interface: int
    link_type: int
    utc_us: int | None
    octets: bytes
    comments: tuple[str, ...] = ()
    interface_name: str = ""
    original_length: int = 0
    secrets: tuple[Secrets, ...] = ()
