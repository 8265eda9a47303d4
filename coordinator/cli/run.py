"""The default verb: be a Trust Center until told to stop."""

from __future__ import annotations

import asyncio

import typer

from coordinator import daemon
from coordinator.cli import exits, ordering, steering
from coordinator.cli.screen import JsonReporter, TerminalReporter
from coordinator.config.configuration import Configuration
from coordinator.config.rules import HTTP_LISTEN
from coordinator.control.http.listening import CannotListen


def run(configuration: Configuration, *, json: bool = False) -> int:
    """Run one profile on one radio in real time; return the exit code."""
    order, control = ordering.ordered(configuration)
    steering.make_folder(configuration)
    try:
        return serve(order, control, JsonReporter() if json else TerminalReporter())
    except CannotListen as error:
        raise configuration.error(HTTP_LISTEN, str(error)) from None


def serve(
    order: daemon.Order, control: daemon.Control | None, reporter: JsonReporter | TerminalReporter
) -> int:
    """Run until the end; return the exit code. Raises what `daemon.serve` raises."""
    try:
        ending = asyncio.run(daemon.serve(order, reporter, control, _say))
    finally:
        reporter.close()
    if ending.signal is not None:
        return exits.SIGNAL + ending.signal
    if ending.verdict is None:
        return exits.INTERNAL
    if ending.radio_lost:
        return exits.RADIO_LOST
    return exits.OF_RULING[ending.verdict.verdict]


def _say(line: str) -> None:
    typer.echo(f"legacy-tc: {' '.join(line.split())}", err=True)
