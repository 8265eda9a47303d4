"""Where a switch took effect: between which two of the Trust Center's frames."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.types import Instant

SEQUENCE_NUMBER = 2
"""The octet after the frame control field (IEEE 802.15.4-2006, 7.2.1.2)."""
AWAITED = 64
"""Generations whose first frame is looked for at a time: some never send one."""


@dataclass(frozen=True, slots=True)
class FrameRef:
    """One frame of the Trust Center: its number among those it handed to the radio, and its MAC sequence
    number, which a frame that a behaviour cut short has none of.
    """

    number: int
    at: Instant
    mac_sequence: int | None


@dataclass(slots=True, kw_only=True)
class Effect:
    """A change that took effect. `first_new` is there once that frame has left.

    `outstanding`: answers decided before whose frame had not left, or that are due later. `next_number` is
    the number of the next frame to leave. It is of the new unless it is one of those, or is sent again
    because nobody acknowledged it.
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
    """Counts the frames, and finds the first of each generation."""

    def __init__(self) -> None:
        self.count = 0
        """How many frames there were."""
        self._sent: trace.Sent | None = None
        self.newest: Effect | None = None
        self._awaited: OrderedDict[int, Effect] = OrderedDict()
        self.begun: list[Callable[[Effect], None]] = []
        """Told of each switch, before its record is noted."""
        self.found: list[Callable[[Effect], None]] = []
        """Told when the first frame of a generation that was switched to has left."""

    @property
    def last(self) -> FrameRef | None:
        """The latest frame; None before the first."""
        sent = self._sent
        if sent is None:
            return None
        sequence = sent.psdu[SEQUENCE_NUMBER] if len(sent.psdu) > SEQUENCE_NUMBER else None
        return FrameRef(self.count, sent.at, sequence)

    def begin(self, effect: Effect) -> None:
        """A generation begins: look for its first frame."""
        self.newest = self._awaited[effect.generation] = effect
        if len(self._awaited) > AWAITED:
            self._awaited.popitem(last=False)
        for each in self.begun:
            each(effect)

    def sent(self, record: trace.Sent) -> None:
        """One more."""
        self.count += 1
        self._sent = record
        if not self._awaited:
            return
        effect = self._awaited.pop(record.generation, None)
        if effect is not None:
            effect.first_new = self.last
            for each in self.found:
                each(effect)
