"""Runs through the command line, in this process: what a user types in, what a user gets out."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from coordinator.cli import invoke
from tests.end_to_end.wireshark import Cast, Frame, read

Line = dict[str, object]

NETWORK_KEY = "00112233445566778899aabbccddeeff"
WELL_KNOWN_KEY = "5a6967426565416c6c69616e63653039"
"""ZigBeeAlliance09 (protocol.md 0)."""
TRUST_CENTER = "00:12:4b:00:01:02:03:04"
PAN_ID = 0x1A62
EXTENDED_PAN_ID = "00:11:22:33:44:55:66:77"
CHANNEL = 20


def run(*arguments: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of one command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = invoke(list(arguments))
    return code, out.getvalue(), err.getvalue()


def json_lines(text: str) -> list[Line]:
    """Every line of a JSON Lines text."""
    return [cast(Line, json.loads(line)) for line in text.splitlines()]


def simulate(*arguments: str) -> list[Line]:
    """The verdicts of ``simulate --json``; the run must end as a verdict does, not as an error."""
    code, out, err = run("simulate", "--json", *arguments)
    assert code in (0, 1, 7), err
    assert not err
    return json_lines(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """One run: its verdict, its capture, and tshark's reading of that."""

    verdict: Line
    path: Path
    frames: Sequence[Frame]
    cast: Cast


def captured(folder: Path, profile: str, joiner: str, *arguments: str, **keys: str) -> Captured:
    """Run once on a network whose every identifier is given, and let tshark read the capture.

    `keys` names further keys, besides the network's and the well-known one.
    """
    path = folder / "run.pcapng"
    key_file = folder / "network.key"
    key_file.write_text(NETWORK_KEY + "\n")
    setting = (
        *("--profile", profile, "--joiner", joiner, "--channel", str(CHANNEL), "--pan-id", hex(PAN_ID)),
        *("--extended-pan-id", EXTENDED_PAN_ID, "--tc-eui64", TRUST_CENTER),
        *("--network-key-file", str(key_file), "--capture", str(path)),
    )
    (verdict,) = simulate(*setting, *arguments)
    names = {NETWORK_KEY: "network", WELL_KNOWN_KEY: "global"} | {key: name for name, key in keys.items()}
    known = Cast(trust_center=TRUST_CENTER, joiner=str(verdict["device"]), keys=names)
    return Captured(verdict=verdict, path=path, frames=read(path), cast=known)
