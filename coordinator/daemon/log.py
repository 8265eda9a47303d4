"""The log: every event of the feed as a structured line on standard error, and whatever is ours beside them.

JSON Lines, or lines for people where standard error is a terminal. A thread writes them, so that whoever
reads the log slowly does not stall the radio.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from coordinator.control.feed import Event, Reader
from coordinator.daemon.control import LogSettings
from coordinator.runtime.background import BackgroundFile

_QUIET = frozenset(("frame", "standing", "deviation", "pending", "first-frame"))
_LOUD = frozenset(("dropped", "turned-away", "fault-spent"))
_RENAMED = {"device": "eui", "what": "step", "t_wall": "timestamp", "event": "moved_by"}
"""Fields that a log calls otherwise than an event does."""
_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_AGAIN = 1.0
"""Seconds between two words on resources that are not there."""
_ACCEPTING = "._start_serving("
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_LEFT_OUT = frozenset(("kind", "t_mono_ns"))


class Log:
    """``with Log(settings) as log``: it has a writer of its own for as long."""

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._least = _LEVELS[settings.level]
        self._file: BackgroundFile | None = None
        self._gone = False
        self._no_room_said = -_AGAIN
        processors = [structlog.processors.add_log_level, _stamped, self._renderer()]
        self._logger = structlog.wrap_logger(
            _Lines(self),
            processors=processors,
            wrapper_class=structlog.make_filtering_bound_logger(settings.level),
        )

    def _renderer(self) -> Processor:
        terminal = sys.stderr.isatty()
        if self._settings.form == "console" or (self._settings.form == "auto" and terminal):
            return structlog.dev.ConsoleRenderer(colors=terminal and "NO_COLOR" not in os.environ)
        return structlog.processors.JSONRenderer(serializer=_json)

    def __enter__(self) -> Log:
        self._file = BackgroundFile(open(os.dup(2), "wb", buffering=0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                self._gone = True

    async def follow(self, reader: Reader) -> None:
        """Log events for as long as this runs."""
        while True:
            self.event(await reader.get())

    def catch_up(self, reader: Reader) -> None:
        """Log what waits; nothing comes after it."""
        while (event := reader.take()) is not None:
            self.event(event)

    def event(self, event: Event) -> None:
        """Log one event. Most are frames, which are seldom wanted: those cost next to nothing."""
        level = _level_of(event)
        if level < self._least:
            return
        fields = {
            _RENAMED.get(name, name): value
            for name, value in event.body.items()
            if name not in _LEFT_OUT and value is not None
        }
        self._logger.log(level, event.kind, **fields)

    def say(self, what: str, **fields: object) -> None:
        """Log something that is no event."""
        self._logger.info(what, **fields)

    def broken(self, error: BaseException) -> None:
        """Log an error of ours, with where it was raised."""
        self._logger.error("internal-error", exc_info=None, error=_traced(error))

    def loop_says(self, context: Mapping[str, Any]) -> None:
        """Log what the event loop has nobody else to tell of. No room is nobody's error: it tries again, and
        says so for each connection that waits; once a second is enough.
        """
        error, message = context.get("exception"), str(context["message"])
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            now = time.monotonic()
            if now >= self._no_room_said + _AGAIN:
                self._no_room_said = now
                self._logger.warning("out-of-resources", reason=f"{message}: {error.strerror}")
        elif _ACCEPTING not in message:  # it was to try again, and meanwhile the listener was closed
            self.broken(error if isinstance(error, BaseException) else RuntimeError(message))

    def write(self, line: str) -> None:
        """Put one line on its way. A log that nobody takes any more ends silently."""
        if self._file is None or self._gone:
            return
        try:
            self._file.write(line.encode("utf-8", "replace") + b"\n")
        except OSError:
            self._gone = True


class _Lines:
    """What structlog calls at the end of its processors."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def msg(self, line: str) -> None:
        self._log.write(line)

    debug = info = warning = error = msg


def _level_of(event: Event) -> int:
    body = event.body
    if event.kind in _QUIET:
        return 10
    bad = (
        body.get("state") in ("lost", "disconnected", "failed", "withdrawn") or body.get("status") == "error"
    )
    return 30 if bad or event.kind in _LOUD else 20


def _stamped(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """An event has its own time; anything else gets it here."""
    if "timestamp" not in event:
        return structlog.processors.TimeStamper(fmt="iso", utc=True)(logger, name, event)
    return event


def _json(event: EventDict, **_: object) -> str:
    return json.dumps(event, separators=(",", ":"), default=str)


def _traced(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip()
