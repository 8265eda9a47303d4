"""Frames and captures taken apart: one line a frame of a file, a tree for octets, JSON for programs."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.evidence import dissection_text, pcap
from coordinator.evidence.captured import CapturedFrame, CaptureError
from coordinator.evidence.dissect import Dissector, Start
from coordinator.evidence.dissection import Dissection
from coordinator.types import Key

HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def run(sources: list[str], keys: list[str], start: Start, *, json: bool, tree: bool) -> int:
    """Decode each source, a file or hexadecimal octets. Exit 1 when octets given directly are malformed.

    Raises typer.BadParameter for what is neither, and for a file that cannot be read or is no capture.
    """
    dissector = Dissector(parse_key(key) for key in keys)
    code = exits.PASS
    for source in sources:
        octets = parse_octets(source)
        if octets is None:
            _decode_file(Path(source), dissector, json=json, tree=tree)
            continue
        dissection = dissector.bare(octets, start)
        if dissection.errors:
            code = exits.FAIL
        typer.echo(_json(dissection) if json else dissection_text.tree(dissection))
    return code


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
        raise typer.BadParameter(f"{source}: no such file, and not hexadecimal octets", param_hint="HEX|FILE")
    if len(digits) % 2:
        raise typer.BadParameter(
            f"an odd number of hexadecimal digits ({len(digits)})", param_hint="HEX|FILE"
        )
    return bytes.fromhex(digits)


def _decode_file(path: Path, dissector: Dissector, *, json: bool, tree: bool) -> None:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror or error}", param_hint="HEX|FILE") from None
    try:
        for frame in pcap.read(octets):
            _print(frame, dissector.captured(frame), json=json, tree=tree)
    except CaptureError as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="HEX|FILE") from None


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
