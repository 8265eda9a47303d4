"""The simulated radio under asyncio: the simulated world, kept in step with the event loop's clock."""

from __future__ import annotations

import asyncio
from typing import assert_never

from coordinator.radio.base import Hears, TransmitResult
from coordinator.sim.air import MediumConfig
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.node import ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import Entropy, Instant

KIND = "sim"


class SimulatedAir:
    """A world and its medium in real time: instant 0 is when it was made.

    Whoever schedules something in the world from outside calls `poke`, so that the event loop wakes
    when it is due.
    """

    def __init__(self, entropy: Entropy, config: MediumConfig | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._origin = self._loop.time()
        self._alarm: asyncio.TimerHandle | None = None
        self._running = False
        self.world = World(entropy)
        self.medium = Medium(self.world, config)

    def now(self) -> Instant:
        """The time of the world according to the event loop."""
        return Instant(round((self._loop.time() - self._origin) * 1_000_000))

    def poke(self) -> None:
        """Do what is due and set the alarm for what comes next. Harmless while the world is running."""
        if self._running:
            return
        self._running = True
        try:
            upcoming = self.world.advance(self.now())
        finally:
            self._running = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if upcoming is not None:
            self._alarm = self._loop.call_at(self._origin + upcoming / 1_000_000, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self.poke()

    def stop(self) -> None:
        """Let time stand still."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def radio(self, name: str) -> AiredRadio:
        """A radio on this air for the asyncio driver."""
        return AiredRadio(self, name)


class AiredRadio:
    """`sim.SimulatedRadio` behind the `Radio` seam."""

    def __init__(self, air: SimulatedAir, name: str) -> None:
        self._air = air
        self._radio = SimulatedRadio(air.world, air.medium, name)
        self._ended: asyncio.Future[TransmitResult] | None = None

    @property
    def kind(self) -> str:
        """``sim``."""
        return KIND

    async def start(self, hears: Hears) -> None:
        """Power the radio."""
        self._radio.on_frame = hears
        self._radio.on_confirm = self._confirm
        self._radio.power(True)

    def post(self, action: Tune | SetPending | ReceiverOn) -> None:
        """Reconfigure at once."""
        match action:
            case Tune():
                self._radio.tune(action)
            case SetPending():
                self._radio.set_pending(action)
            case ReceiverOn():
                self._radio.receiver_on(action)
            case _:
                assert_never(action)
        self._air.poke()

    async def transmit(self, action: Transmit) -> TransmitResult:
        """Send one frame on the simulated air."""
        self._ended = asyncio.get_running_loop().create_future()
        self._radio.transmit(action)
        self._air.poke()
        return await self._ended

    async def close(self) -> None:
        """Power the radio down."""
        self._radio.power(False)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(TransmitResult(status=TransmitStatus.ABORTED))

    def _confirm(self, _handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(TransmitResult(status=status, frame_pending=frame_pending))
