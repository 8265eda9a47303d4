"""The words and options of `request`: what is asked, on which broker, who we are to it, how long to wait."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli import options


def complete_verb(incomplete: str) -> list[str]:
    """Shell completion."""
    from coordinator.control.schema.commands import COMMANDS  # nobody else should wait for it

    return [verb for verb in COMMANDS if verb.startswith(incomplete)]


Verb = Annotated[
    Optional[str],  # noqa: UP045
    typer.Argument(
        metavar="VERB", help="The command, for example profile/set.", autocompletion=complete_verb
    ),
]
Words = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Argument(metavar="[JSON | @FILE | - | KEY=VALUE]...", help="What it is to do; a.b=1 nests."),
]
Listing = Annotated[bool, typer.Option("--list", help="List all commands.")]
HelpSchema = Annotated[
    bool, typer.Option("--help-schema", help="Print the JSON Schema of what the command takes.")
]
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
ExitCode = Annotated[
    bool,
    typer.Option(
        "--exit-code",
        help="End with the verdict's code: 0 pass, 1 fail, 7 inconclusive or none given; 3 when the bench "
        "refuses. For verdict/get and run/stop, of which the worst verdict counts.",
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
