"""Where a switch took effect: between which two of the Trust Center's frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.types import Instant

SEQUENCE_NUMBER = 2
"""The octet after the frame control field (IEEE 802.15.4-2006, 7.2.1.2)."""


@dataclass(frozen=True, slots=True)
class FrameRef:
    """One frame of the Trust Center: its number among those it handed to the radio, and its MAC sequence."""

    number: int
    at: Instant
    mac_sequence: int


@dataclass(slots=True, kw_only=True)
class Effect:
    """A change that took effect. `first_new` is there once that frame has left.

    `next_number` is the number of the next frame to leave, which is the first of the new if nothing was
    `outstanding`: an answer decided before whose frame had not left, or that is due later.
    """

    generation: int
    at: Instant
    change: str
    profile: str
    last_old: FrameRef | None
    next_number: int
    outstanding: int
    first_new: FrameRef | None = None


class Boundaries:
    """Counts the frames, and finds the first of the newest generation."""

    def __init__(self) -> None:
        self.last: FrameRef | None = None
        self.newest: Effect | None = None
        self.begun: list[Callable[[Effect], None]] = []
        """Told of each switch, before its record is noted."""
        self.found: list[Callable[[Effect], None]] = []
        """Told when the first frame of a generation that was switched to has left."""

    @property
    def count(self) -> int:
        """How many frames there were."""
        return 0 if self.last is None else self.last.number

    def begin(self, effect: Effect) -> None:
        """A generation begins."""
        self.newest = effect
        for each in self.begun:
            each(effect)

    def sent(self, record: trace.Sent) -> None:
        """One more."""
        self.last = FrameRef(self.count + 1, record.at, record.psdu[SEQUENCE_NUMBER])
        newest = self.newest
        if newest is not None and newest.first_new is None and record.generation == newest.generation:
            newest.first_new = self.last
            for each in self.found:
                each(newest)
