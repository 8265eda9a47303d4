"""What waits for a reader, within bounds: a reader that never comes costs frames, not memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple


class _Waiting(NamedTuple):
    octets: bytes
    expendable: bool


class Outbox:
    """Octets in order, at most `limit` of them. Past that the oldest expendable entry goes first, and
    only when there is none the oldest of all; `dropped` counts both. `ready` is called after each `put`.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self.size = 0
        self.dropped = 0
        self.ready: Callable[[], None] = _nobody

    def put(self, octets: bytes, *, expendable: bool = False) -> None:
        """Add an entry at the end."""
        self._waiting.append(_Waiting(octets, expendable))
        self.size += len(octets)
        while self.size > self._limit and self._waiting:
            self._drop()
        self.ready()

    def take(self) -> bytes:
        """All that waits; nothing waits afterwards."""
        octets = b"".join(entry.octets for entry in self._waiting)
        self.clear()
        return octets

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self.size = 0

    def _drop(self) -> None:
        victim = next((entry for entry in self._waiting if entry.expendable), self._waiting[0])
        self._waiting.remove(victim)
        self.size -= len(victim.octets)
        self.dropped += 1


def _nobody() -> None:
    """What `ready` is while nobody reads."""
