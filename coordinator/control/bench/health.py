"""Whether the bench works: the radio asked, the event loop measured, the files looked at.

The broker is told of and does not count: a bench without one still tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from coordinator.control.bench.bench import Bench, Broker
from coordinator.control.bench.herald import RADIO
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.documents import Health
from coordinator.trace import RadioState

PERIOD = 5.0
"""Seconds between two looks without being asked."""
PATIENCE = 3.0
"""Seconds that the radio is given to answer."""
ENDED = "the bench has ended"
LAG = 1.0
"""Seconds that the event loop may run late: joiners have given up long before."""


@dataclass(slots=True, kw_only=True)
class Gauges:
    """Where figures come from that others keep."""

    lag: Callable[[], float] = lambda: 0.0
    in_flight: Callable[[], int] = lambda: 0
    outbox: Callable[[], int] = lambda: 0
    frames_dropped: Callable[[], int] = lambda: 0
    events_dropped: Callable[[], int] = lambda: 0
    broker: Callable[[], Broker] = lambda: "off"


@dataclass(slots=True, kw_only=True)
class Doctor:
    """Looks at one bench, now and again (`keep`) and when asked."""

    bench: Bench
    gauges: Gauges = field(default_factory=Gauges)
    begun: float = field(default_factory=time.monotonic)
    newest: Health | None = None
    ended: bool = False
    """The last word was said: no look replaces it."""
    due: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever knows that what was found last is no longer so: `keep` looks at once."""
    answered: Callable[[float], None] = lambda _seconds: None
    """Hears how long each probe took."""

    async def ask(self, _bench: Bench, request: schema.HealthGet, _context: Context) -> Health:
        """The answer to `health`."""
        return await self.look(request.timeout)

    async def keep(self) -> None:
        """Post `health` for as long as this runs, and `state`, in which joining may have closed by itself."""
        while True:
            self.due.clear()
            await self.look(PATIENCE)
            self.bench.refresh()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PERIOD):
                    await self.due.wait()

    def turned(self, state: RadioState) -> None:
        """The radio is now like this: look again, unless that is what was posted."""
        if self.newest is None or self.newest.radio != RADIO[state]:
            self.due.set()

    async def look(self, patience: float) -> Health:
        """Ask the radio, and post what is found, unless the bench has ended meanwhile."""
        session, gauges = self.bench.session, self.gauges
        problems: list[str] = []
        round_trip: float | None = None
        state = RadioState.RECOVERING
        files_written = True
        if session is None:
            problems.append("the network is being formed")
        else:
            began = time.monotonic()
            try:
                async with asyncio.timeout(patience):
                    await session.ground.verify()
                round_trip = time.monotonic() - began
                self.answered(round_trip)
            except TimeoutError:
                problems.append(f"the radio did not answer within {patience:g} s")
            state = session.radio_state
            files_written = session.files_written
        if session is not None and state is not RadioState.UP:
            problems.append(f"the radio is {state.value}")
            round_trip = None
        if not files_written:
            problems.append("a capture or event file could not be written")
        if self.ended and self.newest is not None:
            return self.newest
        lag = gauges.lag()
        if lag > LAG:
            problems.append(f"the event loop ran {lag:.1f} s late")
        return self._post(self._found(problems, state, round_trip, files_written))

    def end(self) -> None:
        """Post the last word: who reads what a broker has kept must not take it for a bench that works."""
        if not self.ended:
            files_written = self.newest is None or self.newest.capture_ok
            found = self._found([ENDED], RadioState.ABSENT, None, files_written)
            gone = found.mqtt if found.mqtt == "off" else "disconnected"
            self._post(found.model_copy(update={"mqtt": gone}))
            self.ended = True

    def _post(self, found: Health) -> Health:
        self.newest = found
        self.bench.board.post("health", found)
        return found

    def _found(
        self, problems: list[str], state: RadioState, round_trip: float | None, files_written: bool
    ) -> Health:
        gauges = self.gauges
        return Health(
            ok=not problems,
            problems=problems,
            radio=RADIO[state],  # type: ignore[arg-type]  # one of the three words
            radio_rtt_ms=None if round_trip is None else round(round_trip * 1000, 3),
            loop_lag_ms=round(gauges.lag() * 1000, 3),
            frames_dropped=gauges.frames_dropped(),
            events_dropped=gauges.events_dropped(),
            outbox_depth=gauges.outbox(),
            requests_in_flight=gauges.in_flight(),
            mqtt=gauges.broker(),
            capture_ok=files_written,
            uptime_s=round(time.monotonic() - self.begun, 1),
        )

    def look_at_broker(self) -> None:
        """Post again what was found last, with what is known of the broker now."""
        if self.newest is not None and not self.ended:
            self._post(self.newest.model_copy(update={"mqtt": self.gauges.broker()}))
