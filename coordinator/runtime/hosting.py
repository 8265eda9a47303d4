"""An air hosted by a process that has no device of its own on it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coordinator.entropy import SeededEntropy
from coordinator.radio.air.hub import Attendance
from coordinator.radio.air.opening import host_air
from coordinator.radio.air.url import AirUrl
from coordinator.runtime.signals import stop_signal
from coordinator.runtime.sniffer import Sniffer
from coordinator.types import SECOND, Duration

FLUSH_PERIOD = 1.0
"""Seconds between flushes of the capture, so that a viewer follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where to host an air; `limit` is for how long, None until a signal."""

    url: AirUrl
    seed: int
    capture: Path | None = None
    limit: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The signal that ended it, if one did; what evidence is missing, if any is; datagrams ignored."""

    signal: int | None
    missed: str
    ignored: int


class Audience(Protocol):
    """Shows an air to people."""

    def opened(self, url: AirUrl, utc_at_zero: int) -> None:
        """Guests may come. The air's clock was 0 at that time, in microseconds since the epoch."""
        ...

    def attended(self, note: Attendance) -> None:
        """A guest came or went."""
        ...


async def serve(order: Order, audience: Audience) -> Ending:
    """Host the air until told to end. Raises RadioUnavailable and recording.Unwritable before it begins."""
    stop = stop_signal()
    entropy = SeededEntropy(order.seed).stream("world")
    sniffer: Sniffer | None = None
    async with host_air(order.url, entropy, note=audience.attended) as hub:
        utc_at_zero = time.time_ns() // 1_000 - hub.air.now()
        with contextlib.ExitStack() as files:
            if order.capture is not None:
                remarks = (f"air: {hub.url}", f"seed: {order.seed}")
                sniffer = files.enter_context(
                    Sniffer(order.capture, utc_at_zero=utc_at_zero, remarks=remarks)
                )
                hub.air.medium.observe(sniffer.hear)
            audience.opened(hub.url, utc_at_zero)
            number = await _wait(stop, order.limit, sniffer)
    missed = sniffer.missed if sniffer is not None else ""
    return Ending(signal=number, missed=missed, ignored=hub.ignored)


async def _wait(stop: asyncio.Future[int], limit: Duration | None, sniffer: Sniffer | None) -> int | None:
    """Wait for the signal, or None at the limit; the capture is flushed meanwhile."""
    loop = asyncio.get_running_loop()
    ends = None if limit is None else loop.time() + limit / SECOND
    while not stop.done() and (ends is None or loop.time() < ends):
        left = FLUSH_PERIOD if ends is None else min(FLUSH_PERIOD, ends - loop.time())
        await asyncio.wait((stop,), timeout=max(0.0, left))
        if sniffer is not None:
            sniffer.flush()
    return stop.result() if stop.done() else None
