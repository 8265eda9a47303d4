"""Commands on captures. Files go into one folder, by name: nobody outside chooses another place."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from pathlib import Path

from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.recording import Unwritable

CAPTURE = ".pcapng"
EVENTS = ".jsonl"
AT_A_TIME = 8
"""Captures that may be under way: each has files and threads of its own."""
_NUMBERED = re.compile(r"-[0-9]+$")


def start(bench: Bench, request: schema.CaptureStart, _context: Context) -> schema.Capture:
    """Begin a capture."""
    if len(bench.up().files.late) >= AT_A_TIME:
        raise ControlError(
            ErrorCode.REFUSED, f"{AT_A_TIME} captures are under way already", hint="capture/stop ends one"
        )
    return begin(bench, request.file, events=request.events)


def stop(bench: Bench, request: schema.CaptureStop, _context: Context) -> schema.Capture:
    """End the capture; its files are complete."""
    session = bench.up()
    late = session.files.late
    if not late:
        raise ControlError(ErrorCode.NOT_FOUND, "no capture is under way that a command began")
    path = late[-1]
    if request.file is not None:
        path = _path(bench, request.file)
        if path not in late:
            raise ControlError(ErrorCode.NOT_FOUND, f"no capture into {path.name} is under way")
    return _end(bench, path)


def begin(bench: Bench, name: str, *, events: bool) -> schema.Capture:
    """Begin a capture into a new file of the evidence folder. Raises ControlError."""
    session, path = bench.up(), _path(bench, name)
    beside = path.with_suffix(EVENTS) if events else None
    for each in (path, beside):
        if each is not None and os.path.lexists(each):
            raise ControlError(
                ErrorCode.REFUSED, f"{each.name} is there already", hint="captures are never written over"
            )
    session.told()
    try:
        session.files.begin(session.files_of(capture=path, events=beside), bench.options.max_bytes)
    except (Unwritable, ValueError) as error:
        raise ControlError(ErrorCode.REFUSED, str(error)) from None
    bench.feed.publish("capture", {"state": "started", "file": path.name, "reason": ""})
    return schema.Capture(file=path.name, events=None if beside is None else beside.name, complete=False)


def end_if_under_way(bench: Bench, file: str) -> None:
    """End the capture into this file, unless somebody has."""
    session = bench.session
    path = _path(bench, file)
    if session is not None and path in session.files.late:
        _end(bench, path)


def end_all(bench: Bench) -> None:
    """End every capture: the session ends. A run whose capture had ended before has none any more."""
    session, run = bench.up(), bench.runs.present
    late = session.files.late
    if run is not None and run.capture is not None and _path(bench, run.capture) not in late:
        run.capture = None
    for path in late:
        with contextlib.suppress(OSError):  # somebody has removed the file
            _end(bench, path)


def go_on(bench: Bench, file: str) -> str | None:
    """Go on with a run's capture in another network: in another file beside the one it was in."""
    stem = _NUMBERED.sub("", file.removesuffix(CAPTURE))
    for number in itertools.count(2):
        name = f"{stem}-{number}"
        if not any(_path(bench, name).with_suffix(suffix).exists() for suffix in (CAPTURE, EVENTS)):
            break
    try:
        return begin(bench, name, events=True).file
    except ControlError as error:
        bench.feed.publish(
            "capture", {"state": "failed", "file": f"{name}{CAPTURE}", "reason": error.message}
        )
        return None


def failed(bench: Bench, path: Path, reason: str) -> None:
    """A capture lacks something; it is under way until it is ended, and its files stay as they are."""
    bench.feed.publish("capture", {"state": "failed", "file": path.name, "reason": reason})


def _end(bench: Bench, path: Path) -> schema.Capture:
    failed = bench.up().end_capture(path)
    beside = path.with_suffix(EVENTS)
    bench.feed.publish("capture", {"state": "stopped", "file": path.name, "reason": failed})
    return schema.Capture(
        file=path.name,
        events=beside.name if beside.exists() else None,
        octets=path.stat().st_size if path.exists() else 0,
        complete=not failed,
    )


def _path(bench: Bench, name: str) -> Path:
    folder = bench.options.folder
    if folder is None:
        raise ControlError(
            ErrorCode.REFUSED,
            "there is no folder for captures",
            hint="name one in the configuration: [evidence] folder",
        )
    return folder / (name if name.endswith(CAPTURE) else f"{name}{CAPTURE}")
