"""An asyncio event loop whose clock jumps: what is really asyncio, in virtual time.

When nothing is ready, time goes to the next timer at once. A loop that has neither ready callbacks
nor timers waits for nothing that could come: that is reported, not slept through.
"""

from __future__ import annotations

import asyncio
import selectors


class Deadlock(RuntimeError):
    """Everything waits and no timer is set."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of sleeping, advances the loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("every task waits and no timer is set")
        self.time += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Use with ``asyncio.Runner(loop_factory=VirtualTimeLoop)``."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumping.time
