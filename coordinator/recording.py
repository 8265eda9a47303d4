"""The files of a run: a capture and an event file, opened before anything happens, closed whatever does.

Records and air frames come in as they happen. A file that cannot be written any further does not end
the run; it makes the verdict inconclusive, for evidence is missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from coordinator import trace
from coordinator.evidence.capture import Capture
from coordinator.evidence.comments import Comments, explain_deviation
from coordinator.evidence.events import Events
from coordinator.evidence.own_traffic import OwnTraffic
from coordinator.primitives import nlme
from coordinator.sim.air import AirFrame
from coordinator.types import (
    BROADCAST_PAN,
    MILLISECOND,
    NO_ADDRESS,
    Duration,
    Eui64,
    Instant,
    NwkAddress,
    PanId,
)

ADDRESSES_KEPT = 256
HELD_BACK: Duration = 10 * MILLISECOND
"""A frame is written this late, so that an answer withheld from it can be noted beside it."""
CAPTURE = "the capture"
EVENTS = "the event file"

_OF_COMMENTS = frozenset((trace.Requested, trace.Sent, trace.Switched))
_OF_CAPTURE = frozenset((trace.NetworkFormed, trace.Indicated, trace.Deviated, trace.KeyInUse))

Miss = Callable[[str], None]
"""Told that evidence is missing, and why."""


class Output(Protocol):
    """What is written to: a file, or somebody who writes one behind us."""

    def write(self, octets: bytes, /) -> object: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Behind(Output, Protocol):
    """A writer whose `drain` waits until all is with the operating system, or raises OSError."""

    def drain(self) -> None: ...


class Unwritable(Exception):
    """A file of the run cannot be opened for writing; the message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where to write, and what to say about the run in the files."""

    capture: Path | None = None
    events: Path | None = None
    utc_at_zero: int
    radio: str
    remarks: Sequence[str] = ()
    expose_keys: bool = False


class Recording:
    """``with Recording(files, center_name, miss) as recording``: `note` is a trace sink, `hear` an air
    observer. Raises Unwritable on entry; then no file is new, and none has changed.
    """

    def __init__(
        self,
        files: Files,
        transmitter: str,
        miss: Miss,
        *,
        own_traffic: bool = False,
        behind: Callable[[BinaryIO, str], Behind] | None = None,
    ) -> None:
        """`own_traffic`: nobody calls `hear`, and the capture has what the radio heard and sent.

        `behind` puts a writer between us and each file, which is `CAPTURE` or `EVENTS`.
        """
        self._files = files
        self._transmitter = transmitter
        self._miss = miss
        self._own = OwnTraffic(transmitter, self._take) if own_traffic else None
        self._behind = behind
        self._writers: list[tuple[str, Behind]] = []
        self._stack = contextlib.ExitStack()
        self._capture: Capture | None = None
        self._capture_file: Output | None = None
        self._events: Events | None = None
        self._events_file: Output | None = None
        self._comments = Comments()
        self._keys: list[trace.KeyInUse] = []
        self._pan_id: PanId = BROADCAST_PAN
        self._addresses: OrderedDict[Eui64, NwkAddress] = OrderedDict()
        self._held: deque[_Held] = deque()
        self._answering: tuple[Instant, _Held] | None = None

    def __enter__(self) -> Recording:
        files = self._files
        capture: BinaryIO | None = None
        events: BinaryIO | None = None
        created: list[Path] = []
        try:
            if files.capture is not None:
                capture = self._stack.enter_context(_open(files.capture, created))
            if files.events is not None:
                events = self._stack.enter_context(_open(files.events, created))
            if capture is not None and events is not None:
                _keep_apart(files, capture, events)
        except Unwritable:
            self._stack.close()
            for path in created:
                path.unlink(missing_ok=True)
            raise
        self._capture_file = self._output(capture, CAPTURE)
        self._events_file = self._output(events, EVENTS)
        if events is not None:
            self._events = Events(utc_at_zero=files.utc_at_zero, expose_keys=files.expose_keys)
        return self

    def _output(self, file: BinaryIO | None, name: str) -> Output | None:
        """Empty a file, and put the writer behind us before it."""
        if file is None:
            return None
        if _is_regular(file):
            file.truncate(0)
        if self._behind is None:
            return file
        writer = self._behind(file, name)
        self._writers.append((name, writer))
        return writer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._release()
        for name, writer in self._writers:
            self._guard(writer.close, name)
        with contextlib.suppress(OSError):
            self._stack.close()

    def drain(self) -> None:
        """Wait until what was recorded so far is with the operating system; what is not, soon, is missed."""
        self._release()
        for name, writer in self._writers:
            self._guard(writer.drain, name)

    @property
    def wanted(self) -> bool:
        """True when there is anything to record."""
        return self._capture_file is not None or self._events_file is not None

    def note(self, record: trace.Record) -> None:
        """Take one of the Trust Center's records."""
        if self._events is not None and self._events_file is not None:
            self._write_event(self._events.line(record))
        if self._capture_file is not None:
            self._note_for_capture(record, self._capture_file)

    def _note_for_capture(self, record: trace.Record, file: Output) -> None:
        """The capture begins with the network; keys and comments follow the records."""
        kind = type(record)  # most records are looked at no further than this
        if kind in _OF_COMMENTS:
            self._comments.note(record)
        if self._own is not None:
            self._own.note(record)
        if isinstance(record, trace.Heard):
            self._answering = None
            for held in reversed(self._held):
                if held.frame.psdu == record.psdu:
                    self._answering = (record.at, held)
                    break
        elif kind in _OF_CAPTURE:
            self._note_at_length(record, file)

    def _note_at_length(self, record: trace.Record, file: Output) -> None:
        match record:
            case trace.NetworkFormed():
                self._pan_id = record.pan_id
                self._guard(lambda: self._begin(record, file), CAPTURE)
            case trace.Indicated(indication=nlme.JoinIndication() as joined):
                self._addresses[joined.device] = joined.address
                if len(self._addresses) > ADDRESSES_KEPT:
                    self._addresses.popitem(last=False)
            case trace.Deviated(after="silence" | "not sent") if self._answering is not None:
                heard_at, held = self._answering
                if heard_at == record.at:
                    held.comments.append(explain_deviation(record))
            case trace.KeyInUse() if self._capture is not None:
                self._release()
                self._disclose(record, self._capture)
            case trace.KeyInUse():
                self._keys.append(record)  # of devices from before a restart: the network forms later
            case _:
                pass

    def _begin(self, formed: trace.NetworkFormed, file: Output) -> None:
        files = self._files
        self._capture = Capture(
            file,
            utc_at_zero=files.utc_at_zero,
            radio=files.radio,
            trust_center=formed.coordinator,
            remarks=files.remarks,
        )
        keys, self._keys = self._keys, []
        for record in keys:
            self._disclose(record, self._capture)

    def _disclose(self, record: trace.KeyInUse, capture: Capture) -> None:
        address = NO_ADDRESS
        if record.device is not None:
            address = self._addresses.get(record.device, NO_ADDRESS)
        self._guard(lambda: capture.key(record, self._pan_id, address), CAPTURE)

    def hear(self, frame: AirFrame) -> None:
        """Take one frame that was on the air."""
        if self._capture is not None:
            self._take(frame, [])

    def _take(self, frame: AirFrame, comments: list[str]) -> None:
        if self._capture is None:
            return
        while self._held and self._held[0].frame.start < frame.start - HELD_BACK:
            self._write_frame(self._held.popleft())
        if frame.handle is not None and frame.transmitter == self._transmitter:
            comments += self._comments.sent(frame.handle)
        self._held.append(_Held(frame, comments))

    def _release(self) -> None:
        """Write what was held back."""
        while self._held:
            self._write_frame(self._held.popleft())

    def _write_frame(self, held: _Held) -> None:
        capture, frame = self._capture, held.frame
        if capture is None:
            return
        try:
            capture.frame(frame.start, frame.psdu, frame.channel, frame.rssi, frame.lqi, held.comments)
        except OSError as error:
            self._fail(CAPTURE, error)

    def verdict(self, at: Instant, line: Mapping[str, object]) -> None:
        """Add a verdict to the event file, with both its times as every event has them."""
        if self._events is not None:
            times = {"t_mono_us": at, "t_utc": self._events.utc(at), "kind": "verdict"}
            self._write_event(json.dumps({**times, **line}, separators=(",", ":")) + "\n")

    def flush(self) -> None:
        """Hand everything to the operating system, so that a viewer sees it."""
        self._release()
        for file, name in ((self._capture_file, CAPTURE), (self._events_file, EVENTS)):
            if file is not None:
                self._guard(file.flush, name)

    def _write_event(self, line: str) -> None:
        file = self._events_file
        if file is not None:
            self._guard(lambda: file.write(line.encode("ascii")), EVENTS)

    def _guard(self, write: Callable[[], object], name: str) -> None:
        try:
            write()
        except OSError as error:
            self._fail(name, error)

    def _fail(self, name: str, error: OSError) -> None:
        self._miss(f"{name} could not be written: {error.strerror or error}")


@dataclass(slots=True)
class _Held:
    """A frame on its way into the capture."""

    frame: AirFrame
    comments: list[str]


def _open(path: Path, created: list[Path]) -> BinaryIO:
    """Open for writing, what is there already not yet lost: another file may be refused after this one."""
    existed = path.exists()
    try:
        file = path.open("ab")
    except OSError as error:
        raise Unwritable(f"{path}: cannot be written: {error.strerror or error}") from None
    if not existed:
        created.append(path)
    return file


def _keep_apart(files: Files, capture: BinaryIO, events: BinaryIO) -> None:
    """Raise Unwritable when both would go into one file."""
    if _is_regular(capture) and os.path.samestat(os.fstat(capture.fileno()), os.fstat(events.fileno())):
        raise Unwritable(f"{files.events}: cannot be the capture and the event file at once")


def _is_regular(file: BinaryIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)
