"""The command line. Every error ends in one line on stderr and a documented exit code."""

from __future__ import annotations

import io
import os
import sys

import typer
from typer.exceptions import TyperException

from coordinator.cli import exits
from coordinator.cli.app import app
from coordinator.profiles.errors import ConfigurationError
from coordinator.radio.errors import RadioError, RadioLost
from coordinator.recording import Unwritable
from coordinator.runtime.errors import StateError, StateHeld
from coordinator.runtime.survey import NetworkInUse

TRACEBACK_VARIABLE = "LEGACY_TC_TRACEBACK"


def main() -> None:
    """Entry point of `legacy-tc`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title may have what a terminal has not
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        result = app(args=arguments, prog_name="legacy-tc", standalone_mode=False)
        return result if isinstance(result, int) else exits.PASS
    except TyperException as error:
        return _complain(error.format_message(), exits.USAGE)
    except typer.Exit as ended:
        return ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return exits.SIGNAL + 2
    except ConfigurationError as error:
        return _complain(str(error), exits.CONFIGURATION)
    except StateHeld as error:
        return _complain(str(error), exits.RADIO)
    except (NetworkInUse, StateError) as error:
        return _complain(str(error), exits.CONFIGURATION)
    except Unwritable as error:
        return _complain(str(error), exits.USAGE)
    except RadioLost as error:
        return _complain(str(error), exits.RADIO_LOST)
    except RadioError as error:
        return _complain(str(error), exits.RADIO)
    except SystemExit as ended:
        # So typer ends when the reader of our output has gone away; its 1 would be a verdict.
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return exits.SIGNAL + 13
    except Exception as error:  # our bug: say so, keep the traceback for those who ask
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        reason = f"internal error: {type(error).__name__}: {error}"
        return _complain(f"{reason} (set {TRACEBACK_VARIABLE}=1 for the traceback)", exits.INTERNAL)


def _complain(text: str, code: int) -> int:
    typer.echo(f"legacy-tc: {' '.join(text.split())}", err=True)
    return code
