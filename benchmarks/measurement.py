"""What a benchmark says, and how its time is taken.

Time is CPU time of this process, so that a busy machine disturbs little; where there are rounds, the
best one counts, because noise only ever adds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

SEED = 1
"""Of every draw in every benchmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to look: seconds a round, rounds, and the largest counts of joins."""

    span: float
    rounds: int
    succession: int
    memory: int


FULL = Effort(span=0.2, rounds=15, succession=10_000, memory=100_000)
QUICK = Effort(span=0.05, rounds=3, succession=100, memory=2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One number. `conditions` say what was run for it; `floor` is what the project promises."""

    name: str
    value: float
    unit: str
    conditions: str
    floor: float | None = None


def seconds(call: Callable[[], object], count: int = 1) -> float:
    """CPU seconds that `count` calls take together."""
    began = time.process_time()
    for _ in range(count):
        call()
    return time.process_time() - began


def per_second(*calls: Callable[[], object], effort: Effort) -> list[float]:
    """How often each can be made in a second of CPU time, once it is warm.

    Their rounds alternate, so that what slows the machine down for a while does not favour one.
    """
    counts = [_enough(call, effort.span) for call in calls]
    best = [math.inf] * len(calls)
    for _ in range(effort.rounds):
        for index, call in enumerate(calls):
            best[index] = min(best[index], seconds(call, counts[index]) / counts[index])
    return [1 / each for each in best]


def _enough(call: Callable[[], object], span: float) -> int:
    """How many calls take `span` seconds or more."""
    count = 1
    while seconds(call, count) < span:
        count *= 2
    return count
