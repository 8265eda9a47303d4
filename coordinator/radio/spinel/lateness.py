"""How late frames come from an RCP, by its own clock: a line that stalls looks like a joiner that does."""

from __future__ import annotations

DRIFT = 200e-6
"""By how much two clocks may differ: twice the 40 ppm that IEEE 802.15.4 allows, and as much again; our
choice."""
JUMP = 60.0
"""Seconds; more is no delay but a clock that began anew, as one of 32 bits does every 71 minutes."""
PATIENCE = 32
"""So many frames in a row that are all late are no stalled line but a clock that is none."""
LATE = 0.1
"""Seconds: five times what a joiner waits for its answer."""


class Lateness:
    """Compares the RCP's clock with ours. The frame that came quickest is the measure of the others."""

    def __init__(self) -> None:
        self._least: float | None = None
        self._since = 0.0
        self._late_in_a_row = 0

    def is_late(self, timestamp: int | None, now: float) -> bool:
        """Whether a frame with this timestamp, in microseconds, comes later than it might have.

        Never for one without, nor when the timestamps turned out to be no clock.
        """
        if not timestamp or self._late_in_a_row >= PATIENCE:
            return False
        took = now - timestamp / 1_000_000
        if self._least is None or abs(took - self._least) > JUMP:
            self._least, self._since = took, now
        least = self._least + DRIFT * (now - self._since)
        if took <= least:
            self._least = least = took
            self._since = now
        late = took - least > LATE
        self._late_in_a_row = self._late_in_a_row + 1 if late else 0
        return late
