"""The verbs of `config`: check a configuration, show what is in force, tell what there may be."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli import exits, options, ordering
from coordinator.cli.configured import OPTIONS, PROFILE
from coordinator.cli.listings import examples, group
from coordinator.config import configuration as configurations
from coordinator.config import json_schema, render, rules
from coordinator.config.configuration import FILE_VARIABLE, Configuration
from coordinator.config.keys import entries
from coordinator.config.rules import Remark
from coordinator.profiles.errors import ConfigurationError, together
from coordinator.profiles.locate import display

app = group(
    "The configuration of a run: file, conf.d beside it, environment.",
    "config check /etc/legacy-tc/legacy-tc.toml",
    "config show",
    "config schema",
)

File = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Argument(
        metavar="[FILE]",
        parser=options.parse_path,
        envvar=FILE_VARIABLE,
        help="The file; without one, the environment alone.",
    ),
]


@app.command("check", epilog=examples("config check legacy-tc.toml", "config check legacy-tc.toml --json"))
def check_command(file: File = None, json: options.Json = False) -> None:
    """Check file, conf.d, environment and the files they name: all that is wrong, and then exit code 3."""
    configuration = configurations.read(file, os.environ)
    files = configuration.files
    errors = ordering.faults(configuration)
    warnings = [configuration.error(*remark) for remark in remarks(configuration)]
    if json:
        typer.echo(
            json_format.dumps(
                {
                    "ok": not errors,
                    "files": [display(each) for each in files],
                    "errors": [_object(error) for error in errors],
                    "warnings": [_object(warning) for warning in warnings],
                }
            )
        )
        raise typer.Exit(exits.CONFIGURATION if errors else exits.PASS)
    for warning in warnings:
        typer.echo(f"legacy-tc: warning: {warning}", err=True)
    if errors:
        raise together(errors)
    for each in files:
        typer.echo(f"{display(each)}: ok")
    if not files:
        typer.echo("environment: ok")


@app.command("show", epilog=examples("config show legacy-tc.toml", "config show legacy-tc.toml --json"))
def show_command(file: File = None, json: options.Json = False) -> None:
    """Show every value that is in force and where it comes from, as TOML. No secret is shown."""
    configuration = configurations.load(file, os.environ)
    if json:
        typer.echo(json_format.dumps(_shown(configuration)))
        return
    for line in render.effective(configuration):
        typer.echo(line)


@app.command("schema", epilog=examples("config schema > legacy-tc.schema.json"))
def schema_command() -> None:
    """Print the JSON Schema (draft 2020-12) of a configuration file."""
    typer.echo(json_format.dumps(json_schema.generate(), indent=2))


@app.command("keys", epilog=examples("config keys"))
def keys_command() -> None:
    """Print every key with its type, default, option and meaning, as the table of docs/configuration.md."""
    for line in render.table(OPTIONS):
        typer.echo(line)


def remarks(configuration: Configuration) -> list[Remark]:
    """What is not wrong, and is worth a word."""
    found = rules.warnings(configuration)
    if configuration.values.trust_center.profile is None and configuration.is_sure(PROFILE):
        found.append(Remark(PROFILE, "is not given: a run needs --profile"))
    return found


def _object(error: ConfigurationError) -> dict[str, str]:
    return {"source": error.source, "path": error.path, "message": error.message}


def _shown(configuration: Configuration) -> dict[str, object]:
    values: dict[str, dict[str, object]] = {}
    for entry in entries():
        value = render.disclosed(entry, configuration.value(entry.key))
        origin = configuration.origin(entry.key)
        values.setdefault(entry.key.section, {})[entry.key.name] = {
            "value": str(value) if isinstance(value, Path) else value,
            "origin": {"kind": origin.source.value, "name": origin.name},
        }
    return {"files": [display(each) for each in configuration.files], "values": values}
