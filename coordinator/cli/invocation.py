"""One call of the command line: from arguments to an exit code, whatever goes wrong on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from types import FrameType

import typer
from typer.exceptions import TyperException

from coordinator.cli import exits
from coordinator.cli.app import app
from coordinator.control.http.listening import CannotListen
from coordinator.profiles.errors import ConfigurationError
from coordinator.radio.errors import RadioError, RadioLost
from coordinator.recording import Unwritable
from coordinator.runtime.errors import StateError, StateHeld
from coordinator.runtime.survey import NetworkInUse

TRACEBACK_VARIABLE = "LEGACY_TC_TRACEBACK"
UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)
"""What a write fails with when nobody is at fault here."""


def heed_signals() -> None:
    """From now on SIGTERM and SIGHUP end a verb in good order, unless they are ignored (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _told)


def heed_no_more() -> None:
    """All is done, and the exit code is what it is: no signal makes it another."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _told(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)  # nothing disturbs the closing of files
    raise SystemExit(exits.SIGNAL + number)  # which closes what is open, in an event loop as well


def invoke(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        result = app(args=arguments, prog_name="legacy-tc", standalone_mode=False)
        return result if isinstance(result, int) else exits.PASS
    except TyperException as error:
        return _complain(error.format_message().replace("Value error, ", ""), exits.USAGE)
    except typer.Exit as ended:
        return ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return exits.SIGNAL + signal.SIGINT
    except ConfigurationError as error:
        for problem in error.problems:
            _complain(str(problem), exits.CONFIGURATION)
        return exits.CONFIGURATION
    except Unwritable as error:
        return _complain(str(error), exits.USAGE)
    except StateHeld as error:
        return _complain(str(error), exits.RADIO)
    except (CannotListen, NetworkInUse, StateError) as error:
        return _complain(str(error), exits.CONFIGURATION)
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
        lost = _write_fault(error)
        if lost is not None:
            return _stdout_lost(lost)
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        reason = f"internal error: {type(error).__name__}: {error}"
        return _complain(f"{reason} (set {TRACEBACK_VARIABLE}=1 for the traceback)", exits.INTERNAL)


def flushed(code: int) -> int:
    """Hand stdout to whoever reads it; return the exit code, another one if that does not work."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return _stdout_lost(error)
    return code


def _write_fault(error: Exception) -> OSError | None:
    """What kept stdout from being written, if that is what went wrong: every file of ours is guarded."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(_write_fault, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno in UNWRITTEN and error.filename is None:
        return error
    return None


def _stdout_lost(error: OSError) -> int:
    with contextlib.suppress(OSError, ValueError):  # or Python would complain of it once more, at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return exits.SIGNAL + 13
    return _complain(f"stdout: {error.strerror or error}", exits.USAGE)


def _complain(text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        typer.echo(f"legacy-tc: {' '.join(text.split())}", err=True)
    return code
