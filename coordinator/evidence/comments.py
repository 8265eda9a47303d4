"""What is written beside a frame in the capture: which step it is, what made it deviate, and where the Trust
Center became another.
"""

from __future__ import annotations

from collections import OrderedDict

from coordinator import trace
from coordinator.primitives.describe import describe

_REQUESTS_KEPT = 1024
_FRAMES_KEPT = 256


class Comments:
    """Takes the coordinator's records; says what belongs to a frame that it sent.

    Works with a bounded past: a request waits for its frame (a sleeper's for seconds), a sent frame
    for its transmissions.
    """

    def __init__(self) -> None:
        self._requests: OrderedDict[int, trace.Requested] = OrderedDict()
        self._frames: OrderedDict[int, trace.Sent] = OrderedDict()
        self._boundaries: dict[int, str] = {}
        self._switched: trace.Switched | None = None
        self._begun = True
        """Whether a frame of the newest generation has left."""

    def note(self, record: trace.Record) -> None:
        """Take one record, in the order things happened."""
        match record:
            case trace.Requested():
                self._requests[record.request_id] = record
                if len(self._requests) > _REQUESTS_KEPT:
                    self._requests.popitem(last=False)
            case trace.Switched():
                self._switched, self._begun = record, False
            case trace.Sent():
                self._frames[record.handle] = record
                if self._switched is not None:
                    self._mark(record, self._switched)
                if len(self._frames) > _FRAMES_KEPT:
                    forgotten, _ = self._frames.popitem(last=False)
                    self._boundaries.pop(forgotten, None)
            case _:
                pass

    def sent(self, handle: int) -> tuple[str, ...]:
        """For a frame of the coordinator's own, by the handle of its `Transmit`."""
        frame = self._frames.get(handle)
        if frame is None:
            return ()
        boundary = (self._boundaries[handle],) if handle in self._boundaries else ()
        request = None if frame.request_id is None else self._requests.get(frame.request_id)
        steps = () if request is None else (describe(request.request),)
        deviations = (explain_deviation(deviation) for deviation in frame.deviations)
        return (*boundary, *steps, *deviations)

    def _mark(self, frame: trace.Sent, switched: trace.Switched) -> None:
        """Say whether a generation begins with this frame, or it leaves after a switch that it was decided
        before.
        """
        if frame.generation < switched.generation:
            decided = f"decided in generation {frame.generation}, before {explain_switch(switched)}"
            self._boundaries[frame.handle] = decided
        elif not self._begun:
            self._begun = True
            self._boundaries[frame.handle] = explain_switch(switched)


def explain_switch(switched: trace.Switched) -> str:
    """``generation 2: profile/set pre-zb3``."""
    return f"generation {switched.generation}: {switched.change}"


def explain_deviation(deviation: trace.Deviated) -> str:
    """What did it, what it changed, which clause that breaks."""
    text = f"{deviation.behaviour}: {deviation.before} -> {deviation.after}"
    return f"{text}; {deviation.clause}" if deviation.clause else text
