"""Frames and captures taken apart: one line a frame of a file, a tree for octets, JSON for programs."""

from __future__ import annotations

import json as json_format
import stat
from collections.abc import Iterable
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.evidence import dissection_text, pcap, phy
from coordinator.evidence.captured import CapturedFrame, CaptureError, CutOff
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Dissection
from coordinator.types import Key

HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
LARGEST = 1 << 30
"""Octets of a capture; what has more must be cut first (editcap -c)."""
SOURCE = "HEX|FILE"


def run(sources: list[str], keys: list[str], start: Start | None, *, json: bool, tree: bool) -> int:
    """Decode each source, a file or hexadecimal octets. Exit 2 when octets given directly are malformed,
    or a file has frames and none of IEEE 802.15.4.

    Raises typer.BadParameter for what is neither, for a file that cannot be read or is no capture, and
    for an option that a source has no use for.
    """
    dissector = Dissector(parse_key(key) for key in keys)
    code = exits.PASS
    for source in sources:
        octets = parse_octets(source)
        if octets is None:
            if start is not None:
                raise typer.BadParameter(
                    f"{source}: a file says itself where frames begin", param_hint="--layer"
                )
            read = _decode_file(Path(source), dissector, json=json, tree=tree)
        else:
            if tree:
                raise typer.BadParameter("octets always get a tree; this is for files", param_hint="--tree")
            read = _decode_octets(octets, dissector, start or Start.MAC, json=json)
        code = code if read else exits.USAGE
    return code


def _decode_octets(octets: bytes, dissector: Dissector, start: Start, *, json: bool) -> bool:
    """Show the frame; return whether it is one."""
    dissection = dissector.bare(octets, start)
    typer.echo(_json(dissection) if json else dissection_text.tree(dissection))
    for error in dissection.errors:
        _note(f"malformed: {error}")
    return not dissection.errors


def parse_key(text: str) -> Key:
    """32 hexadecimal digits."""
    try:
        return Key.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--key") from None


def parse_octets(source: str) -> bytes | None:
    """The octets of a hexadecimal text; None when it is the name of a file that exists.

    Raises typer.BadParameter when it is neither.
    """
    if Path(source).exists():
        return None
    digits = "".join(source.replace(":", " ").split()).removeprefix("0x")
    if not digits or not set(digits) <= HEXADECIMAL:
        raise typer.BadParameter(f"{source}: no such file, and not hexadecimal octets", param_hint=SOURCE)
    if len(digits) % 2:
        raise typer.BadParameter(f"an odd number of hexadecimal digits ({len(digits)})", param_hint=SOURCE)
    return bytes.fromhex(digits)


def _decode_file(path: Path, dissector: Dissector, *, json: bool, tree: bool) -> bool:
    """Show the frames up to where the file ends; return whether there is any of IEEE 802.15.4, or none."""
    octets = _read(path)
    foreign = _foreign(octets)
    if foreign is not None:
        _note(f"{path}: link type {foreign} is not of IEEE 802.15.4, nor is any other in this file")
        return False
    malformed = 0
    try:
        for frame in pcap.read(octets):
            dissection = dissector.captured(frame)
            malformed += bool(dissection.errors)
            _print(frame, dissection, json=json, tree=tree)
    except CutOff as cut:
        _note(f"{path}: decoded up to where it was cut off: {cut}")
    except CaptureError as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint=SOURCE) from None
    if malformed:
        _note(f"{path}: {malformed} {'frame is' if malformed == 1 else 'frames are'} malformed")
    return True


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise typer.BadParameter(f"{path}: a device, not a capture file", param_hint=SOURCE)
        with path.open("rb") as file:
            octets = file.read(LARGEST + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror or error}", param_hint=SOURCE) from None
    if len(octets) > LARGEST:
        raise typer.BadParameter(f"{path}: more than {LARGEST} octets: cut it first", param_hint=SOURCE)
    return octets


def _foreign(octets: bytes) -> int | None:
    """The link type of the first frame of a file that has frames, and none of IEEE 802.15.4."""
    found: int | None = None
    try:
        for frame in pcap.read(octets):
            if frame.link_type in phy.LINK_TYPES:
                return None
            found = frame.link_type if found is None else found
    except CaptureError:
        return found
    return found


def _note(text: str) -> None:
    typer.echo(f"legacy-tc: {text}", err=True)


def _print(frame: CapturedFrame, dissection: Dissection, *, json: bool, tree: bool) -> None:
    if json:
        typer.echo(_json(dissection, frame))
    elif tree:
        typer.echo(dissection_text.heading(frame))
        typer.echo(dissection_text.tree(dissection))
        _comments(frame.comments)
    else:
        typer.echo(f"{dissection_text.heading(frame)}  {dissection.summary}")
        _comments(frame.comments)


def _comments(comments: Iterable[str]) -> None:
    for comment in comments:
        typer.echo(f"    # {comment}")


def _json(dissection: Dissection, frame: CapturedFrame | None = None) -> str:
    fields: dict[str, object] = {}
    if frame is not None:
        fields = {
            "frame": frame.index,
            "interface": frame.interface_name or frame.interface,
            "utc": None if frame.utc_us is None else dissection_text.utc(frame.utc_us),
            "comments": list(frame.comments),
        }
    return json_format.dumps({**fields, **dissection.as_dict()})
