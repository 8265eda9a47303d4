"""One simulated device under test as a process of its own, on an air that others share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordinator import trace
from coordinator.composition import JoinerNode, simulated_eui64
from coordinator.entropy import SeededEntropy
from coordinator.joiner.device import ENDED, SETTLED, State
from coordinator.joiner.model import JoinerModel
from coordinator.radio.air.opening import Air, open_air
from coordinator.radio.air.url import AirUrl
from coordinator.radio.errors import RadioLost
from coordinator.runtime.driver import Driver
from coordinator.runtime.signals import stop_signal
from coordinator.stack.node import Action, ReceivedFrame, TransmitStatus
from coordinator.types import SECOND, Duration, Entropy, Eui64, Instant, Key

LINGER: Duration = SECOND
"""A device that is done still sends its last words."""
STREAM = "joiner-1"
"""The draws of the first joiner of a simulation: the same seed gives the same device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which device, on which air. What is None is drawn, or is for ever.

    `once` ends it when it is out for good, or has been in a network for `stay`; `limit` in any case.
    """

    url: AirUrl
    model: JoinerModel
    seed: int
    eui64: Eui64 | None = None
    link_key: Key | None = None
    name: str | None = None
    once: bool = False
    stay: Duration = 10 * SECOND
    limit: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A device that was switched on. `hosts` says that it hosts the air too."""

    order: Order
    eui64: Eui64
    name: str
    radio: str
    hosts: bool
    at: Instant
    utc_at_zero: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The device came to another state; `traits` are those of its model that its choices went by so far."""

    at: Instant
    state: State
    traits: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last state, and the signal that ended it, if one did."""

    state: State
    signal: int | None


class Audience(Protocol):
    """Shows a device to people."""

    def started(self, begun: Begun) -> None:
        """It was switched on."""
        ...

    def record(self, record: trace.Record) -> None:
        """Something that its own stack noted."""
        ...

    def turned(self, turn: Turn) -> None:
        """It came to another state."""
        ...


class _Watched:
    """A joiner as a `Node`, whose state is looked at after every call."""

    def __init__(self, joiner: JoinerNode, turned: Callable[[Instant], None]) -> None:
        self._host = joiner.host
        self._engine = joiner.engine
        self._turned = turned
        self._state = joiner.engine.state

    def start(self, now: Instant) -> None:
        self._host.start(now)
        self._look(now)

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        self._host.receive(frame, now)
        self._look(now)

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        self._host.confirm(handle, status, frame_pending, now)
        self._look(now)

    def next_deadline(self) -> Instant | None:
        return self._host.next_deadline()

    def handle_timeout(self, now: Instant) -> None:
        self._host.handle_timeout(now)
        self._look(now)

    def take(self) -> Sequence[Action]:
        return self._host.take()

    def _look(self, now: Instant) -> None:
        if self._engine.state is not self._state:
            self._state = self._engine.state
            self._turned(now)


async def serve(order: Order, audience: Audience) -> Ending:
    """Run the device until it is done or told to end. Raises RadioUnavailable and RadioLost."""
    stop = stop_signal()
    entropy = SeededEntropy(order.seed)
    async with open_air(order.url, entropy.stream("world")) as air:
        return await Device(order, audience, entropy.stream(STREAM), air).run(stop)


class Device:
    """One device on one open air."""

    def __init__(self, order: Order, audience: Audience, entropy: Entropy, air: Air) -> None:
        self._order = order
        self._audience = audience
        self._air = air
        self._changed = asyncio.Event()
        self._settled_at: Instant | None = None
        drawn = simulated_eui64(entropy)
        self._joiner = JoinerNode(
            order.model,
            entropy,
            eui64=drawn if order.eui64 is None else order.eui64,
            link_key=order.link_key,
            note=audience.record,
        )

    async def run(self, stop: asyncio.Future[int]) -> Ending:
        """Switch it on and watch it until the end."""
        order, air = self._order, self._air
        name = order.name or f"joiner {self._joiner.host.eui64}"
        node = _Watched(self._joiner, self._turned)
        radio = air.radio(name)
        async with Driver(node, radio, air.clock) as driver:
            now = air.clock.now()
            self._audience.started(
                Begun(
                    order=order,
                    eui64=self._joiner.host.eui64,
                    name=name,
                    radio=radio.kind,
                    hosts=air.hub is not None,
                    at=now,
                    utc_at_zero=time.time_ns() // 1_000 - now,
                )
            )
            node.start(now)
            driver.settle()
            ends = None if order.limit is None else Instant(now + order.limit)
            return await self._watch(driver, stop, ends)

    def _turned(self, now: Instant) -> None:
        engine = self._joiner.engine
        self._settled_at = now if engine.state in SETTLED else None
        self._audience.turned(Turn(at=now, state=engine.state, traits=engine.consulted))
        self._changed.set()

    async def _watch(self, driver: Driver, stop: asyncio.Future[int], ends: Instant | None) -> Ending:
        waits = [asyncio.ensure_future(_set(each)) for each in (driver.failed, self._air.loss.happened)]
        try:
            while True:
                self._changed.clear()
                changed = asyncio.ensure_future(_set(self._changed))
                await asyncio.wait(
                    (stop, *waits, changed),
                    timeout=self._until(ends),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                changed.cancel()
                if self._air.loss.happened.is_set():
                    raise RadioLost(self._air.loss.reason)
                if stop.done():
                    return Ending(state=self._joiner.engine.state, signal=stop.result())
                if driver.failed.is_set() or self._until(ends) == 0.0:
                    return Ending(state=self._joiner.engine.state, signal=None)
        finally:
            for wait in waits:
                wait.cancel()

    def _until(self, ends: Instant | None) -> float | None:
        """Seconds until the end as things stand, 0 when it has come, None when nothing ends it."""
        due = [] if ends is None else [ends]
        if self._order.once and self._settled_at is not None:
            ended = self._joiner.engine.state in ENDED
            due.append(Instant(self._settled_at + (LINGER if ended else self._order.stay)))
        if not due:
            return None
        return max(0.0, (min(due) - self._air.clock.now()) / SECOND)


async def _set(event: asyncio.Event) -> int:
    await event.wait()
    return 0
