"""The independent reader: frames go into a classic pcap, tshark reads it, its fields come back."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coordinator.types import Eui64

NO_FCS = 230
"""LINKTYPE_IEEE802_15_4_NOFCS."""
WITH_FCS = 195
"""LINKTYPE_IEEE802_15_4_WITHFCS."""

ALWAYS = ("_ws.malformed", "_ws.expert.message", "data.len")

Reading = Mapping[str, tuple[str, ...]]


def write_pcap(path: Path, frames: Sequence[bytes], link_type: int) -> None:
    """Write frames one second apart."""
    octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for second, frame in enumerate(frames):
        octets += struct.pack("<IIII", second, 0, len(frame), len(frame)) + frame
    path.write_bytes(octets)


def read(path: Path, fields: Sequence[str], *, preferences: Sequence[str] = ()) -> list[Reading]:
    """What tshark reads in every frame of a capture; a field that it does not find is absent.

    `preferences` are arguments that precede, such as keys.
    """
    wanted = list(dict.fromkeys((*ALWAYS, *fields)))
    command = ["tshark", "-n", *preferences, "-r", str(path), "-T", "fields"]
    command += ["-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    for field in wanted:
        command += ["-e", field]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [
        {field: tuple(text.split("|")) for field, text in zip(wanted, line.split("\t"), strict=True) if text}
        for line in answer.stdout.splitlines()
    ]


Expected = int | bool | bytes | tuple["int | bytes", ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A frame, and what tshark has to read in it."""

    name: str
    psdu: bytes
    expected: Mapping[str, Expected]
    leftover: int | None = None
    """How many octets tshark shall leave unread."""


def normalise(text: str, like: int | bytes) -> int | bytes | str:
    """tshark's text as the kind of value that is expected."""
    if isinstance(like, bytes):
        return bytes.fromhex(text.replace(":", ""))
    if isinstance(like, Eui64):
        return Eui64.parse(text)
    if text in ("True", "False"):
        return text == "True"
    try:
        return int(text, 0)
    except ValueError:
        return text


def disagreements(case: Case, reading: Reading) -> list[str]:
    """Every field that tshark reads otherwise."""
    found = []
    for field, expected in case.expected.items():
        values = expected if isinstance(expected, tuple) else (expected,)
        texts = reading.get(field, ())
        read_values = (
            tuple(normalise(text, like) for text, like in zip(texts, values, strict=False))
            + texts[len(values) :]
        )
        if read_values != values:
            found.append(f"{field}: expected {values!r}, tshark reads {texts!r}")
    return found
