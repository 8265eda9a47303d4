"""How late the event loop runs: whatever holds it up holds up the radio."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable

PERIOD = 0.1
"""Seconds between two looks."""
WINDOW = 10.0
"""Seconds that the worst is remembered."""
STALL = 1.0
"""Seconds of lateness that count as a stall."""


class LoopLag:
    """Sleeps, and looks how late it wakes. Read it at any time; `watch` keeps it going."""

    def __init__(
        self, clock: Callable[[], float], stalled: Callable[[float], None] = lambda _seconds: None
    ) -> None:
        """`clock` is monotonic, in seconds; `stalled` hears of each stall, and how long it was."""
        self._clock = clock
        self._stalled = stalled
        self._looks: deque[tuple[float, float]] = deque()
        self.stalls = 0
        """Stalls so far."""

    @property
    def worst(self) -> float:
        """Seconds, the worst of the last `WINDOW`."""
        self._forget(self._clock())
        return max((late for _, late in self._looks), default=0.0)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            due = self._clock() + PERIOD
            await asyncio.sleep(PERIOD)
            self.note(self._clock(), due)

    def note(self, now: float, due: float) -> None:
        """It is `now`, and should be `due`."""
        late = max(0.0, now - due)
        while self._looks and self._looks[-1][1] <= late:
            self._looks.pop()  # it can be the worst no more
        self._looks.append((now, late))
        self._forget(now)
        if late > STALL:
            self.stalls += 1
            self._stalled(late)

    def _forget(self, now: float) -> None:
        while self._looks and self._looks[0][0] < now - WINDOW:
            self._looks.popleft()


@contextlib.asynccontextmanager
async def watch(stalled: Callable[[float], None] = lambda _seconds: None) -> AsyncIterator[LoopLag]:
    """Looks for as long as the context lasts."""
    lag = LoopLag(asyncio.get_running_loop().time, stalled)
    looking = asyncio.create_task(lag.run(), name="loop lag")
    try:
        yield lag
    finally:
        looking.cancel()
        await asyncio.wait({looking})
        if not looking.cancelled():
            looking.result()  # our error
