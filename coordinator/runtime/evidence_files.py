"""The files of a session: those it was begun with, and captures that are asked for in its midst.

A capture that begins late begins with what a reader must know: the network, and the keys in use.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from coordinator import trace
from coordinator.primitives import nlme
from coordinator.recording import Files, Miss, Recording, Unwritable
from coordinator.sim.air import AirFrame
from coordinator.types import Eui64, Instant

DEVICES_KEPT = 1024
"""Devices whose address and link keys a late capture begins with; the longest known is forgotten first."""

DEVICE_KEYS_KEPT = 3
KEYS_KEPT = 256
"""Network keys that a late capture begins with: as many as there are sequence numbers."""

Make = Callable[[Files, Miss, int | None], Recording]
"""A recording for files, whom it tells what it misses, and how many octets a file of it may have."""


@dataclass(slots=True, kw_only=True)
class Late:
    """A capture that was begun in the midst. `failed` says why it lacks something, or is empty."""

    stack: contextlib.ExitStack
    recording: Recording
    failed: str = ""


@dataclass(slots=True)
class _Device:
    joined: trace.Record | None = None
    keys: deque[trace.Record] = field(default_factory=lambda: deque(maxlen=DEVICE_KEYS_KEPT))


class Prelude:
    """What a capture that begins now has to be told first."""

    def __init__(self) -> None:
        self._formed: trace.NetworkFormed | None = None
        self._keys: deque[trace.KeyInUse] = deque(maxlen=KEYS_KEPT)
        self._devices: OrderedDict[Eui64, _Device] = OrderedDict()

    def note(self, record: trace.Record) -> None:
        """Remember a record if it is of that kind."""
        match record:
            case trace.NetworkFormed():
                self._formed = record
            case trace.Indicated(indication=nlme.JoinIndication() as joined):
                self._known(joined.device).joined = record
            case trace.KeyInUse(device=Eui64() as device):
                self._known(device).keys.append(record)
            case trace.KeyInUse():
                self._keys.append(record)
            case _:
                pass

    def play(self, to: trace.Sink) -> None:
        """Tell it, the network first."""
        if self._formed is not None:
            to(self._formed)
        for key in self._keys:
            to(key)
        for known in self._devices.values():
            if known.joined is not None:
                to(known.joined)
            for record in known.keys:
                to(record)

    def _known(self, device: Eui64) -> _Device:
        """What was remembered of a device: one that joins again has its keys still."""
        known = self._devices.setdefault(device, _Device())
        if len(self._devices) > DEVICES_KEPT:
            self._devices.popitem(last=False)
        return known


class EvidenceFiles:
    """Every recording of a session, as one: ``with EvidenceFiles(...) as files``."""

    def __init__(self, first: Files, make: Make, missed: Callable[[Path | None, str], None]) -> None:
        """`make` gives a recording for files; entering it raises Unwritable, and then nothing has changed.

        `missed` hears once of each late capture that fails, and with None of the files of the beginning.
        """
        self._make = make
        self._missed = missed
        self._first = make(first, lambda reason: missed(None, reason), None)
        self._stack = contextlib.ExitStack()
        self._prelude = Prelude()
        self._late: dict[Path, Late] = {}
        self._all: tuple[Recording, ...] = ()

    def __enter__(self) -> EvidenceFiles:
        self._stack.enter_context(self._first)
        if self._first.wanted:
            self._all = (self._first,)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for path in tuple(self._late):
            self.end(path)
        self._all = ()
        self._stack.close()

    @property
    def wanted(self) -> bool:
        """True while anything is recorded."""
        return bool(self._all)

    @property
    def late(self) -> tuple[Path, ...]:
        """The captures that were begun meanwhile."""
        return tuple(self._late)

    @property
    def failed(self) -> tuple[str, ...]:
        """Why late captures that are still under way lack something."""
        return tuple(late.failed for late in self._late.values() if late.failed)

    def begin(self, files: Files, limit: int | None = None) -> None:
        """Begin a capture now, each of its files at most `limit` octets long.

        Raises ValueError when one into this file is under way, and Unwritable, then without a file, also when
        there is no room for what it begins with.
        """
        path = files.capture
        if path is None or path in self._late:
            raise ValueError("a capture into this file is under way")
        stack = contextlib.ExitStack()
        early: list[str] = []
        recording = self._make(files, lambda reason: self._fail(path, reason, early), limit)
        stack.enter_context(recording)
        self._prelude.play(recording.note)
        recording.drain()
        if early:
            stack.close()
            for each in (path, files.events):
                if each is not None:
                    each.unlink(missing_ok=True)
            raise Unwritable(f"{path.name}: {early[0]}")
        self._late[path] = Late(stack=stack, recording=recording)
        self._all = (*self._all, recording)

    def end(self, path: Path) -> str:
        """End a capture, its files closed; return why it lacks something, if it does. Raises KeyError when
        there is none of that name.
        """
        late = self._late[path]
        self._all = tuple(each for each in self._all if each is not late.recording)
        late.stack.close()
        del self._late[path]
        return late.failed

    def _fail(self, path: Path, reason: str, early: list[str]) -> None:
        late = self._late.get(path)
        if late is None:
            early.append(reason)
        elif not late.failed:
            late.failed = reason
            self._missed(path, reason)

    def note(self, record: trace.Record) -> None:
        """Take one of the Trust Center's records."""
        self._prelude.note(record)
        for recording in self._all:
            recording.note(record)

    def hear(self, frame: AirFrame) -> None:
        """Take one frame that was on the air."""
        for recording in self._all:
            recording.hear(frame)

    def verdict(self, at: Instant, line: Mapping[str, object]) -> None:
        """Add a verdict to the event files."""
        for recording in self._all:
            recording.verdict(at, line)

    def drain(self) -> None:
        """Wait until what was recorded is with the operating system."""
        for recording in self._all:
            recording.drain()

    def flush(self) -> None:
        """Hand everything to the operating system, so that a viewer sees it."""
        for recording in self._all:
            recording.flush()
