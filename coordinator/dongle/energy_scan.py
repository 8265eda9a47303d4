"""The RCP's energy scan: channel after channel, until the last or until it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from coordinator.radio.base import Radio
from coordinator.types import Channel, Duration


class EnergyScan:
    """One scan at a time. `found` gets each channel's peak in dBm, `ended` is called after the last.

    The radio cannot be called back: when a scan is stopped the radio finishes the channel it listens to,
    nothing is told of it, and a further scan begins after it. An error of the radio goes to `failed`.
    """

    def __init__(
        self,
        radio: Radio,
        *,
        found: Callable[[Channel, int], None],
        ended: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._radio = radio
        self._found = found
        self._ended = ended
        self._failed = failed
        self._current: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> bool:
        """Whether a scan is under way that was not stopped."""
        return self._current is not None

    def start(self, channels: Sequence[Channel], span: Duration) -> None:
        """Listen to each channel for `span`. Only while none is running."""
        before = frozenset(self._tasks)
        self._current = task = asyncio.get_running_loop().create_task(self._run(channels, span, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Tell no more of it."""
        self._current = None

    async def close(self) -> None:
        """Stop for good."""
        self.stop()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run(
        self, channels: Sequence[Channel], span: Duration, before: frozenset[asyncio.Task[None]]
    ) -> None:
        this = asyncio.current_task()
        if before:
            await asyncio.wait(before)
        try:
            for channel in channels:
                if self._current is not this:
                    return
                level = await self._radio.energy_scan(channel, span)
                if self._current is not this:
                    return
                self._found(channel, level)
        except Exception as error:  # the radio is lost: whoever owns it is told
            self._failed(error)
            return
        self.stop()
        self._ended()
