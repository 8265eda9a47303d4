"""The documents of the control plane: AsyncAPI and JSON Schemas, printed, written or compared."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

import typer

from coordinator.cli import exits

DOCUMENT = "asyncapi.json"
SCHEMAS = "schemas"
SHOWN = 40
"""Lines of a difference that are shown at most."""


def run(output: Path | None, check: Path | None) -> int:
    """Print, write or compare them."""
    from coordinator.control import asyncapi  # a tenth of a second that no other verb should pay

    files = asyncapi.files()
    if check is not None:
        return _compare(files, check)
    if output is None:
        typer.echo(files[DOCUMENT].decode(), nl=False)
        return exits.PASS
    try:
        (output / SCHEMAS).mkdir(parents=True, exist_ok=True)
        for name, octets in files.items():
            _place(output, name).write_bytes(octets)
    except OSError as error:
        raise typer.BadParameter(
            f"{error.filename or output}: {error.strerror or error}", param_hint="--output"
        ) from None
    return exits.PASS


def _place(folder: Path, name: str) -> Path:
    return folder / name if name == DOCUMENT else folder / SCHEMAS / name


def _strangers(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Schemas of what is there no more."""
    return sorted(path for path in (folder / SCHEMAS).glob("*.json") if path.name not in files)


def _compare(files: Mapping[str, bytes], folder: Path) -> int:
    differences: list[str] = []
    for name, octets in files.items():
        path = _place(folder, name)
        try:
            committed = path.read_bytes()
        except FileNotFoundError:
            differences.append(f"{path} is not there")
            continue
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror or error}", param_hint="--check") from None
        if committed != octets:
            now = octets.decode().splitlines()
            before = committed.decode(errors="replace").splitlines()
            differences += difflib.unified_diff(before, now, str(path), "now", lineterm="", n=0)
    differences += [f"{path} describes nothing any more: remove it" for path in _strangers(files, folder)]
    if not differences:
        return exits.PASS
    for line in differences[:SHOWN]:
        typer.echo(line, err=True)
    typer.echo(f"{folder} is out of date; run: legacy-tc api --output {folder}", err=True)
    return exits.FAIL
