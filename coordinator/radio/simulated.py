"""The simulated radio under asyncio: the simulated world, kept in step with the event loop's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import assert_never

from coordinator.radio.base import Confirms, Hears
from coordinator.sim.air import MediumConfig
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio, ignore_confirm, ignore_frame
from coordinator.sim.world import World
from coordinator.stack.node import Action, ReceiverOn, SetPending, Transmit, Tune
from coordinator.types import Channel, Duration, Entropy, Instant

KIND = "sim"


class SimulatedAir:
    """A world and its medium in real time: instant 0 is when it was made. It is the session's clock.

    Whoever schedules something in the world from outside calls `poke`, so that the event loop wakes
    when it is due.
    """

    def __init__(self, entropy: Entropy, config: MediumConfig | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time()
        self._alarm: asyncio.TimerHandle | None = None
        self._running = False
        self._stopped = False
        self.world = World(entropy)
        self.medium = Medium(self.world, config)

    def now(self) -> Instant:
        """The time: of what is happening in the world, if something is, else the event loop's."""
        if self._running:
            return self.world.now
        elapsed = round((self._loop.time() - self._origin) * 1_000_000)
        return Instant(max(elapsed, self.world.now))

    def loop_time(self, when: Instant) -> float:
        """An instant on the event loop's clock."""
        return self._origin + when / 1_000_000

    def at_once(self, call: Callable[[], None]) -> None:
        """Let something happen in the world at this instant, after what is due there before it."""
        if self._running:
            call()
        else:
            self.world.at(self.now(), call)
            self._set_alarm()

    def poke(self) -> None:
        """Do what is due and set the alarm for what comes next. Harmless while the world is running."""
        if self._running or self._stopped:
            return
        now = self.now()
        self._running = True
        try:
            self.world.advance(now)
        finally:
            self._running = False
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        upcoming = self.world.next_event_at()
        if upcoming is not None and not self._stopped:
            self._alarm = self._loop.call_at(self.loop_time(upcoming), self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self.poke()

    def stop(self) -> None:
        """Let time stand still for good."""
        self._stopped = True
        self._set_alarm()

    def radio(self, name: str) -> AiredRadio:
        """A radio on this air for the asyncio driver."""
        return AiredRadio(self, name)


class AiredRadio:
    """`sim.SimulatedRadio` behind the `Radio` seam."""

    def __init__(self, air: SimulatedAir, name: str) -> None:
        self._air = air
        self._radio = SimulatedRadio(air.world, air.medium, name)

    @property
    def kind(self) -> str:
        """``sim``."""
        return KIND

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Power the radio."""
        self._radio.on_frame = hears
        self._radio.on_confirm = confirms
        self._radio.power(True)

    def post(self, action: Action) -> None:
        """Transmit or reconfigure at this instant."""
        self._air.at_once(partial(perform, action, self._radio))

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """Listen to one channel for `span`; return its peak RSSI in dBm."""
        peak: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def found(level: int) -> None:
            if not peak.done():
                peak.set_result(level)

        self._air.at_once(lambda: self._radio.energy_scan(channel, span, found))
        return await peak

    async def close(self) -> None:
        """Power the radio down."""
        self._radio.power(False)
        self._radio.on_frame = ignore_frame
        self._radio.on_confirm = ignore_confirm


def perform(action: Action, radio: SimulatedRadio) -> None:
    """Do what a host asks, unless the radio has been powered down since."""
    if not radio.powered:
        return
    match action:
        case Transmit():
            radio.transmit(action)
        case Tune():
            radio.tune(action)
        case SetPending():
            radio.set_pending(action)
        case ReceiverOn():
            radio.receiver_on(action)
        case _:
            assert_never(action)
