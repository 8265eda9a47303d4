"""Where the bench is that is asked: its HTTP address or its broker, and what opens them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable

DEFAULT_PORT = 8321
"""Where a bench of this machine serves HTTP unless it is told otherwise."""
LISTEN_VARIABLE = "LEGACY_TC__HTTP__LISTEN"
"""Where it was told otherwise: the bench's own variable, which its container has too."""
TOKEN_VARIABLE = "LEGACY_TC_TOKEN"
LONGEST_SECRET = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A broker, and which bench behind it. Files are named, not read; the password is read from its file."""

    url: str
    tc_id: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    username: str | None = None
    password_file: Path | None = None


def http_server(url: str | None, token_file: Path | None, ca: Path | None) -> Server:
    """The bench behind this URL, or the one on this machine. Raises typer.BadParameter, Unreachable."""
    secret = os.environ.get(TOKEN_VARIABLE) if token_file is None else read_secret(token_file, "--token-file")
    try:
        return client.server(url or local_url(), secret, None if ca is None else str(ca))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--http") from None


def local_url() -> str:
    """The bench of this machine. Whatever it listens on, this machine reaches it by 127.0.0.1 or [::1]."""
    host, _, port = os.environ.get(LISTEN_VARIABLE, "").rpartition(":")
    if not port.isdecimal():
        return f"http://127.0.0.1:{DEFAULT_PORT}"
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    return f"http://{here.get(host, host)}:{port}"


def read_secret(path: Path, option: str) -> str:
    """A secret in a file, without the line's end. Raises typer.BadParameter; it is never echoed."""
    try:
        with path.open("rb") as file:
            octets = file.read(LONGEST_SECRET + 1)
        text = octets.decode().strip()
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror or error}", param_hint=option) from None
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{path}: not UTF-8 text", param_hint=option) from None
    if not text or len(octets) > LONGEST_SECRET:
        raise typer.BadParameter(
            f"{path}: {'empty' if not text else 'no secret is so long'}", param_hint=option
        )
    return text


def complain(text: str, code: int) -> int:
    """One line on stderr; returns the exit code."""
    typer.echo(f"legacy-tc: {' '.join(text.split())}", err=True)
    return code


def unreachable(error: Unreachable) -> int:
    """Nobody there: the exit code of brokers and TLS."""
    return complain(str(error), exits.BROKER)


def refused(answer: dict[str, object]) -> int:
    """The bench said no: its word, with every detail and what may help, as one line."""
    error = answer.get("error")
    found = error if isinstance(error, dict) else {}
    message = str(found.get("message", "refused without a reason"))
    parts = [f"{found.get('code', 'error')}: {message}"]
    for detail in found.get("details") or []:
        if isinstance(detail, dict) and str(detail.get("message")) not in message:
            place = f"{detail.get('path')}: " if detail.get("path") else ""
            parts.append(f"{place}{detail.get('message')}")
    if found.get("hint"):
        parts.append(str(found["hint"]))
    if found.get("code") == "expired":
        parts.append("do the clocks of both machines agree?")
    return complain("; ".join(parts), exits.FAIL)
