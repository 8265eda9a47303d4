"""Commands on captures. Files go into one folder, by name: nobody outside chooses another place."""

from __future__ import annotations

import os
from pathlib import Path

from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.recording import Unwritable

CAPTURE = ".pcapng"
EVENTS = ".jsonl"


def start(bench: Bench, request: schema.CaptureStart, _context: Context) -> schema.Capture:
    """Begin a capture."""
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
