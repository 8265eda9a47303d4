"""The session's time where no simulated world keeps it."""

from __future__ import annotations

import asyncio

from coordinator.types import SECOND, Instant


class LoopClock:
    """It is `now` when it is made; from then on it runs with the event loop's monotonic clock."""

    def __init__(self, now: Instant = Instant(0)) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time() - now / SECOND

    def now(self) -> Instant:
        """The time."""
        return Instant(max(0, round((self._loop.time() - self._origin) * SECOND)))

    def loop_time(self, when: Instant) -> float:
        """An instant on the event loop's clock."""
        return self._origin + when / SECOND
