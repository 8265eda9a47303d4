"""Looks after a radio that can fail: says at once how it stands, and brings it back.

To the node it is the radio. What is posted while there is none is refused as ABORTED, nothing is heard,
and after a recovery the radio has been told again all that it was told before.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from coordinator.radio.base import Confirms, Device, Hears
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.stack.node import Action
from coordinator.trace import RadioState
from coordinator.types import Channel, Duration, Entropy

PROBE_PERIOD = 5.0
"""Seconds between two round trips to a radio that says nothing: a loss is seen within twice that."""
FIRST_DELAY = 0.25
LONGEST_DELAY = 10.0
"""Seconds between attempts to bring a radio back: from the first to the longest, doubling."""
JITTER = 25
"""Per cent by which a delay is drawn shorter or longer."""

TARDY = 0.1
"""Seconds of a round trip from which on a joiner, which listens for 19.5 ms, gets its answers too late."""

Changed = Callable[[RadioState, str, bool], None]
"""Told of each change, with its reason, and of what may be missing without one; the last says whether
something of what was on the air may be.
"""


class Supervisor:
    """A `Radio` over a `Device`. `state` and `reason` are the truth at any time."""

    def __init__(self, device: Device, entropy: Entropy, changed: Changed) -> None:
        self._device = device
        self._entropy = entropy
        self._changed = changed
        self._hears: Hears | None = None
        self._confirms: Confirms | None = None
        self._trouble: asyncio.Future[RadioError] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.state = RadioState.ABSENT
        self.reason = "not started"
        self.round_trip: float | None = None
        """Seconds that the last probe took."""
        self.recoveries = 0
        self._probing = asyncio.Lock()
        self.failed = asyncio.Event()
        """An error of ours has ended the supervision; `close` raises it."""

    @property
    def kind(self) -> str:
        """What the device is."""
        return self._device.kind

    @property
    def report(self) -> Report:
        """What the device said of itself when it last came up. Raises LookupError before that."""
        return self._device.report

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Bring the device up for the first time, or, once up, change who hears it. Raises RadioError."""
        self._hears, self._confirms = hears, confirms
        if self._keeper is not None:
            if self.state is RadioState.UP:
                await self._device.start(hears, confirms)
            return  # else the keeper tells the device, once it is back
        self._turn(RadioState.STARTING, "opening the radio")
        self._device.watch(self._failed, self._missed)
        self._trouble = asyncio.get_running_loop().create_future()
        try:
            await self._device.start(hears, confirms)
        except RadioError as error:
            self._turn(RadioState.ABSENT, str(error))
            raise
        self._turn(RadioState.UP, self._device.report.firmware)
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        self._keeper.add_done_callback(self._kept)

    async def verify(self) -> None:
        """Ask now whether it is all right, for somebody is about to believe it. A loss that comes to light
        has been told of when this returns.
        """
        async with self._probing:
            pass  # one that is under way may be about to find something
        if self.state is RadioState.UP:
            with contextlib.suppress(RadioError):
                await self._probe()

    def post(self, action: Action) -> None:
        """Hand it to the device, which refuses what it cannot do."""
        self._device.post(action)

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """Measure one channel. Raises RadioError."""
        return await self._device.energy_scan(channel, span)

    async def close(self) -> None:
        """Stop looking after it, and take it off the air."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait((keeper,))
        await self._device.close()
        if keeper is not None and not keeper.cancelled():
            keeper.result()

    def _kept(self, keeper: asyncio.Task[None]) -> None:
        if not keeper.cancelled():
            self.failed.set()

    def _missed(self, reason: str) -> None:
        self._changed(self.state, reason, True)

    def _failed(self, error: RadioError) -> None:
        """The device's word, from within its callbacks: said at once, mended by the keeper."""
        if self.state is RadioState.UP:
            self._turn(RadioState.LOST, str(error))
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_result(error)

    async def _keep(self) -> None:
        """Probe while it is up; bring it back when it is not."""
        while True:
            error = await self._watch()
            if self.state is RadioState.UP:
                self._turn(RadioState.LOST, str(error))
            await self._recover(at_once=error.fault is Fault.RESET)

    async def _watch(self) -> RadioError:
        """Return when something is wrong."""
        trouble = self._trouble
        assert trouble is not None
        while True:
            done, _ = await asyncio.wait((trouble,), timeout=PROBE_PERIOD)
            if done:
                return trouble.result()
            try:
                await self._probe()
            except RadioError as error:
                return trouble.result() if trouble.done() else error

    async def _probe(self) -> None:
        """A round trip. Raises RadioError."""
        async with self._probing:
            took = self.round_trip = await self._device.probe()
        if took >= TARDY:
            self._missed("the radio is too slow: a joiner does not wait for its answers")

    async def _recover(self, *, at_once: bool) -> None:
        """Try until it is up again: there is nothing else to do, and everybody knows how it stands."""
        delay = 0.0 if at_once else FIRST_DELAY
        while True:
            await asyncio.sleep(delay * self._entropy.integer(100 - JITTER, 100 + JITTER) / 100)
            self._trouble = asyncio.get_running_loop().create_future()
            self._turn(RadioState.RECOVERING, self.reason)
            try:
                await self._restart()
            except RadioError as error:
                absent = error.fault is Fault.ABSENT
                self._turn(RadioState.ABSENT if absent else RadioState.LOST, str(error))
                delay = min(LONGEST_DELAY, max(FIRST_DELAY, 2 * delay))
                continue
            self.recoveries += 1
            self._turn(RadioState.UP, f"{self._device.report.firmware} is back")
            return

    async def _restart(self) -> None:
        """Start the device; one that failed by its own word meanwhile did not start. Raises RadioError."""
        trouble = self._trouble
        assert trouble is not None
        told: tuple[Hears, Confirms] | None = None
        while told != (self._hears, self._confirms):  # somebody else may have come to listen meanwhile
            assert self._hears is not None
            assert self._confirms is not None
            told = self._hears, self._confirms
            await self._device.start(*told)
        if trouble.done():
            raise trouble.result()

    def _turn(self, state: RadioState, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._changed(state, reason, state is RadioState.LOST)
