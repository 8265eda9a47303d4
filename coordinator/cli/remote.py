"""The verbs that speak to a running bench, `request`, `events` and `health`: their options and help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from coordinator.cli import options, request_options
from coordinator.cli.listings import examples
from coordinator.config.configuration import FILE_VARIABLE

if TYPE_CHECKING:
    from coordinator.control.http.client import Server
    from coordinator.control.mqtt.link import Link

# What these verbs need is imported by them: nobody else should pay for it.

HttpUrl = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--http",
        envvar="LEGACY_TC_HTTP",
        metavar="URL",
        help="Where the bench serves HTTP; by default where --config or the environment has it serve, or "
        "http://127.0.0.1:8321.",
    ),
]
TokenFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--token-file",
        envvar=["LEGACY_TC_TOKEN_FILE", "LEGACY_TC__HTTP__TOKEN_FILE"],
        parser=options.parse_path,
        metavar="FILE",
        help="File with the token that the bench asks for; or the token itself in LEGACY_TC_TOKEN.",
    ),
]
OwnConfig = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--config",
        parser=options.parse_path,
        envvar=FILE_VARIABLE,
        metavar="FILE",
        help="The configuration file that the bench of this machine runs with.",
    ),
]
Ca = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--ca", parser=options.parse_path, metavar="FILE", help="Certificates to trust, in PEM."),
]


def complete_kind(incomplete: str) -> list[str]:
    """Shell completion of the last of several kinds."""
    from coordinator.control.schema.events import EVENTS

    before, comma, last = incomplete.rpartition(",")
    return [before + comma + kind for kind in EVENTS if kind.startswith(last)]


def add_to(app: typer.Typer) -> None:
    """Add these verbs to the program."""
    app.command(
        "request",
        epilog=examples(
            "request --list",
            "request profile/set profile=pre-zb3 when=now",
            "request profile/set profile=pre-zb3 when.after.event=request-key when.after.count=2",
            "request verdict/get wait=120 --exit-code",
            "request script/run @script.json --http http://rack7:8321 --token-file token",
            "request profile/get --mqtt mqtts://broker:8883 --tc-id rack7-tc0 --ca ca.pem",
        ),
    )(request_command)
    app.command(
        "events",
        epilog=examples(
            "events", "events --kinds verdict,left --json", "events --kinds verdict --count 1 --for 60"
        ),
    )(events_command)
    app.command("health", epilog=examples("health", "health --timeout 3 --json"))(health_command)


def request_command(
    context: typer.Context,
    verb: request_options.Verb = None,
    words: request_options.Words = None,
    listing: request_options.Listing = False,
    help_schema: request_options.HelpSchema = False,
    http: HttpUrl = None,
    token_file: TokenFile = None,
    config: OwnConfig = None,
    mqtt: request_options.Mqtt = None,
    tc_id: request_options.TcId = None,
    allow_plaintext: request_options.AllowPlaintext = False,
    ca: Ca = None,
    cert: request_options.Certificate = None,
    key: request_options.CertificateKey = None,
    username: request_options.Username = None,
    password_file: request_options.PasswordFile = None,
    transaction: request_options.Transaction = None,
    timeout: request_options.Timeout = None,
    exit_code: request_options.ExitCode = False,
    json: options.Json = False,
) -> None:
    """Ask a running bench to do something, and print its answer as JSON.

    Exits with 0 when it was done, 1 when the bench refused, 6 when it cannot be reached.
    """
    from coordinator.cli import place, request

    if listing:
        raise typer.Exit(request.list_commands(json=json))
    if verb is None:
        raise typer.BadParameter("name a command; --list has them all", param_hint="VERB")
    if help_schema:
        raise typer.Exit(request.print_schema(verb))
    bench: Server | Link
    if mqtt is None or not _over_mqtt(context, http):
        bench = _server(http, token_file, ca, config)
    else:
        bench = place.broker(
            mqtt,
            tc_id,
            allow_plaintext=allow_plaintext,
            ca=ca,
            certificate=cert,
            key=key,
            username=username,
            password_file=password_file,
        )
    how = request.How(transaction=transaction, timeout=timeout, exit_code=exit_code, json=json)
    raise typer.Exit(request.run(bench, verb, words or [], how))


def events_command(
    kinds: Annotated[
        str,
        typer.Option(
            "--kinds",
            metavar="KIND,...",
            help="Only these kinds of events; all by default.",
            autocompletion=complete_kind,
        ),
    ] = "",
    http: HttpUrl = None,
    token_file: TokenFile = None,
    config: OwnConfig = None,
    ca: Ca = None,
    since: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--since", min=0, metavar="SEQ", help="Begin after this event, as far as it is kept."),
    ] = None,
    limit: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--for", min=0.1, metavar="SECONDS", help="End after so long."),
    ] = None,
    count: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--count", min=1, metavar="N", help="End after so many; exit 7 when there were fewer."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Follow what happens on a running bench, over HTTP; over MQTT mosquitto_sub does."""
    from coordinator.cli import events

    bench = _server(http, token_file, ca, config)
    raise typer.Exit(events.run(bench, kinds, since=since, limit=limit, count=count, json=json))


def health_command(
    timeout: Annotated[float, typer.Option("--timeout", min=0.5, max=30, help="Seconds in all.")] = 3.0,
    http: HttpUrl = None,
    token_file: TokenFile = None,
    config: OwnConfig = None,
    ca: Ca = None,
    json: options.Json = False,
) -> None:
    """Ask a running bench whether it works, its radio included; a lost broker is no fault.

    One that serves no HTTP, as its configuration says, is asked on its broker; while that is away nobody can
    say, and this is no fault either. Exits with 0 when it works, 1 when it does not, 6 when it cannot be
    reached.
    """
    from coordinator.cli import health, own_bench

    link = own_bench.only_on_a_broker(own_bench.described(config)) if http is None else None
    bench = _server(http, token_file, ca, config) if link is None else link
    raise typer.Exit(health.run(bench, timeout=timeout, json=json))


def _server(http: str | None, token_file: Path | None, ca: Path | None, config: Path | None) -> Server:
    """Raises typer.Exit with the code of what cannot be reached, for a CA file that is none."""
    from coordinator.cli import place
    from coordinator.control.http.client import Unreachable

    try:
        return place.http_server(http, token_file, ca, config)
    except Unreachable as error:
        raise typer.Exit(place.unreachable(error)) from None


def _over_mqtt(context: typer.Context, http: str | None) -> bool:
    """Whether --mqtt is meant where both are named: an option goes before the environment."""
    if http is None:
        return True
    typed = [_typed(context, name) for name in ("mqtt", "http")]
    if typed[0] == typed[1]:
        raise typer.BadParameter("one of --http and --mqtt, not both", param_hint="--mqtt")
    return typed[0]


def _typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
