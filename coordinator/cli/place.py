"""Where the bench is that is asked, by its HTTP address or on its broker, and what opens them."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from coordinator.cli import exits, own_bench
from coordinator.config import secret_files, values
from coordinator.control.http import client
from coordinator.control.http.client import Server, Unreachable
from coordinator.control.mqtt import link
from coordinator.control.mqtt.link import Link, LinkError

TOKEN_VARIABLE = "LEGACY_TC_TOKEN"


def http_server(
    url: str | None, token_file: Path | None, ca: Path | None, config: Path | None = None
) -> Server:
    """The bench behind this URL, or the one on this machine that was configured by `config` and the
    environment. Raises typer.BadParameter, Unreachable, ConfigurationError.
    """
    if token_file is None:
        secret = os.environ.get(TOKEN_VARIABLE)
    else:
        secret = _read_secret(token_file, "--token-file")
    if url is None:
        own = own_bench.described(config)
        url = own_bench.url(own)
        secret = own_bench.token(own) if secret is None else secret
    try:
        return client.server(url, secret, None if ca is None else str(ca))
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
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tc-id") from None
    if key is not None and certificate is None:
        raise typer.BadParameter("a key goes with a certificate: --cert", param_hint="--key")
    password = None if password_file is None else _read_secret(password_file, "--password-file")
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


def _read_secret(path: Path, option: str) -> str:
    """A secret in a file, as the bench reads its own. Raises typer.BadParameter; it is never echoed."""
    try:
        return secret_files.text(path)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


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
