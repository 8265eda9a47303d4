"""The options of `request`: on which broker the bench is, who we are to it, how long to wait."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli import options

Mqtt = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--mqtt", envvar="LEGACY_TC_MQTT", metavar="URL", help="Ask over this broker instead."),
]
TcId = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--tc-id", envvar="LEGACY_TC_ID", metavar="ID", help="Which bench on the broker."),
]
AllowPlaintext = Annotated[
    bool, typer.Option("--allow-plaintext", help="Reach a broker of another machine without TLS.")
]
Certificate = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--cert", parser=options.parse_path, metavar="FILE", help="Our certificate, for --mqtt."),
]
CertificateKey = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--key", parser=options.parse_path, metavar="FILE", help="Its private key."),
]
Username = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--username", metavar="NAME", help="Who we are to the broker."),
]
PasswordFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--password-file", parser=options.parse_path, metavar="FILE", help="File with the password."
    ),
]
Transaction = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--transaction", metavar="TEXT", help="Names the request; drawn by default."),
]
Timeout = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        "--timeout",
        min=0.1,
        max=90_000,
        help="Seconds to wait for the answer; a change whose moment has not come by then is withdrawn. "
        "By default 10 more than the request itself waits.",
    ),
]
