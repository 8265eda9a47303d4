"""Where the bench is that is asked, by its HTTP address or on its broker, and what opens them."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.config import values
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable
from coordinator.control.mqtt import link
from coordinator.control.mqtt.link import Link, LinkError

DEFAULT_PORT = 8321
"""Where a bench of this machine serves HTTP unless it is told otherwise."""
LISTEN_VARIABLE = "LEGACY_TC__HTTP__LISTEN"
"""Where it was told otherwise: the bench's own variable, which its container has too."""
TOKEN_VARIABLE = "LEGACY_TC_TOKEN"
LONGEST_SECRET = 4096


def http_server(url: str | None, token_file: Path | None, ca: Path | None) -> Server:
    """The bench behind this URL, or the one on this machine. Raises typer.BadParameter, Unreachable."""
    secret = os.environ.get(TOKEN_VARIABLE) if token_file is None else read_secret(token_file, "--token-file")
    try:
        return client.server(url or local_url(), secret, None if ca is None else str(ca))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--http") from None


def broker(
    url: str,
    tc_id: str | None,
    *,
    allow_plaintext: bool,
    ca: Path | None,
    certificate: Path | None,
    key: Path | None,
    username: str | None,
    password_file: Path | None,
) -> Link:
    """The bench of this id on this broker. Raises typer.BadParameter."""
    if tc_id is None:
        raise typer.BadParameter("--mqtt needs --tc-id: which bench on the broker", param_hint="--tc-id")
    try:
        values.tc_id(tc_id)
    except ValueError:
        raise typer.BadParameter(
            f"'{tc_id}' is no bench: 1 to 32 of a-z, 0-9 and -, for example rack7-tc0", param_hint="--tc-id"
        ) from None
    if key is not None and certificate is None:
        raise typer.BadParameter("a key goes with a certificate: --cert", param_hint="--key")
    password = None if password_file is None else read_secret(password_file, "--password-file")
    try:
        found = link.at(
            url,
            allow_plaintext=allow_plaintext,
            id=tc_id,
            username=username,
            password=password,
            ca_file=ca,
            certificate_file=certificate,
            key_file=key,
        )
        found.context()
    except LinkError as error:
        raise typer.BadParameter(str(error), param_hint="--mqtt") from None
    return found


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
