"""A capture of a whole simulated air, from a place where no key is known but the one that everyone has.

That one, the default global link key, is disclosed for every PAN that is heard: with it Wireshark learns a
network key when the network hands it out, and reads the rest.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from coordinator import trace
from coordinator.codec import mac
from coordinator.codec.cursor import DecodeError
from coordinator.evidence.capture import Capture
from coordinator.radio.simulated import KIND
from coordinator.recording import Unwritable
from coordinator.sim.air import AirFrame
from coordinator.types import BROADCAST_PAN, GLOBAL_LINK_KEY, Instant, LinkKeyKind, PanId

_PANS_KEPT = 256


class Sniffer:
    """``with Sniffer(path, ...) as sniffer``: `hear` is an air observer. Raises Unwritable on entry.

    `missed` says why the file lacks something; empty while it lacks nothing.
    """

    def __init__(self, path: Path, *, utc_at_zero: int, remarks: Sequence[str] = ()) -> None:
        self._path = path
        self._utc_at_zero = utc_at_zero
        self._remarks = remarks
        self._file: BinaryIO | None = None
        self._capture: Capture | None = None
        self._pans: OrderedDict[PanId, None] = OrderedDict()
        self.missed = ""

    def __enter__(self) -> Sniffer:
        try:
            self._file = self._path.open("wb")
            self._capture = Capture(
                self._file, utc_at_zero=self._utc_at_zero, radio=KIND, remarks=self._remarks
            )
            self._file.flush()
        except OSError as error:
            self._close()
            raise Unwritable(f"{self._path}: cannot be written: {error.strerror or error}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.flush()
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def hear(self, frame: AirFrame) -> None:
        """Take one frame that was on the air."""
        if self._capture is None or self.missed:
            return
        try:
            for pan_id in _pans_of(frame.psdu):
                self._disclose(self._capture, pan_id, frame.start)
            self._capture.frame(frame.start, frame.psdu, frame.channel, frame.rssi, frame.lqi)
        except OSError as error:
            self._miss(error)

    def flush(self) -> None:
        """Hand everything to the operating system, so that a viewer sees it."""
        if self._file is None or self.missed:
            return
        try:
            self._file.flush()
        except OSError as error:
            self._miss(error)

    def _disclose(self, capture: Capture, pan_id: PanId, at: Instant) -> None:
        if pan_id in self._pans:
            return
        self._pans[pan_id] = None
        if len(self._pans) > _PANS_KEPT:
            self._pans.popitem(last=False)
        capture.key(trace.KeyInUse(at=at, key=GLOBAL_LINK_KEY, kind=LinkKeyKind.GLOBAL), pan_id)

    def _miss(self, error: OSError) -> None:
        self.missed = f"{self._path}: the capture could not be written: {error.strerror or error}"


def _pans_of(psdu: bytes) -> tuple[PanId, ...]:
    try:
        frame = mac.decode(psdu)
    except DecodeError:
        return ()
    named = (frame.destination_pan, frame.source_pan)
    return tuple(PanId(pan) for pan in named if pan is not None and pan != BROADCAST_PAN)
