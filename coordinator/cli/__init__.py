"""The command line. Every error ends in one line on stderr and a documented exit code.

Nothing heavy is imported here: the program is quiet about a signal before it has loaded itself.
"""

from __future__ import annotations

import io
import os
import signal
import sys


def main() -> None:
    """Entry point of `legacy-tc`."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:
        signal.signal(signal.SIGINT, lambda number, _frame: os._exit(128 + number))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a title may have what a terminal has not
    from coordinator.cli import invocation

    invocation.heed_signals()
    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = invocation.flushed(invocation.invoke(sys.argv[1:]))
    invocation.heed_no_more()
    sys.exit(code)


def invoke(arguments: list[str]) -> int:
    """Run the command line and return its exit code."""
    from coordinator.cli import invocation

    return invocation.invoke(arguments)
