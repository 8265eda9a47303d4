"""The daemon: the only composition root under asyncio. Radio, Trust Center, evidence and, on the
simulated radio, a device under test.

It reports to whoever shows things to people (`Reporter`) and ends by a signal, by the first verdict
when asked to, or by its own failure.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from coordinator import trace
from coordinator.entropy import SeededEntropy
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.rungs import Row
from coordinator.evidence.witness import Witness
from coordinator.joiner.model import JoinerModel
from coordinator.primitives import mlme
from coordinator.profiles.profile import Profile
from coordinator.radio.simulated import SimulatedAir
from coordinator.recording import Files, Recording
from coordinator.runtime.driver import Driver
from coordinator.scenario import (
    OBSERVE,
    TRUST_CENTER_NAME,
    JoinerNode,
    Setting,
    TrustCenterNode,
    power_later,
    verdict_line,
    weakest_basis,
)
from coordinator.sim.air import MediumConfig
from coordinator.stack.host import Network
from coordinator.types import Duration, Eui64, Instant

FLUSH_PERIOD = 1.0
"""Seconds between flushes of capture and events, so that a viewer follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run. `joiner` is the simulated device under test; `seed` makes the run's draws repeatable."""

    profile: Profile
    joiner: JoinerModel
    seed: int
    setting: Setting = field(default_factory=Setting)
    expect: frozenset[Outcome] = JOINED
    observe: Duration = OBSERVE
    medium: MediumConfig | None = None
    once: bool = False
    capture: Path | None = None
    events: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that has begun. `utc_at_zero` is the UTC time of `Instant(0)`, microseconds since the epoch."""

    order: Order
    network: Network
    trust_center: Eui64
    radio: str
    utc_at_zero: int


class Reporter(Protocol):
    """Shows a run to people."""

    def started(self, run: Begun) -> None:
        """The network is up."""
        ...

    def row(self, row: Row) -> None:
        """One step of a join."""
        ...

    def waiting(self, left: Duration, observing: bool) -> None:
        """Nothing happens: `left` until the window closes, or, not `observing`, until joining does."""
        ...

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """A window closed; `line` is the verdict as the event file has it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the daemon ended: by a signal's number, or with the verdict it was to give once."""

    verdict: Verdict | None = None
    signal: int | None = None


class Windows:
    """One observation window a device: opened by its first association request, closed `observe` later."""

    def __init__(self, observe: Duration) -> None:
        self._observe = observe
        self.closing: dict[Eui64, Instant] = {}
        self.changed = asyncio.Event()

    def note(self, record: trace.Record) -> None:
        """Watch for association requests."""
        if isinstance(record, trace.Indicated) and isinstance(record.indication, mlme.AssociateIndication):
            device = record.indication.device
            if device not in self.closing:
                self.closing[device] = Instant(record.at + self._observe)
                self.changed.set()


async def serve(order: Order, reporter: Reporter) -> Ending:
    """Run until the end. Raises recording.Unwritable before anything is on the air."""
    stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def stopped(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped, number)
    session = Session(order, reporter, utc_at_zero=time.time_ns() // 1_000)
    return await session.run(stop)


class Session:
    """One run of one profile on one radio."""

    def __init__(self, order: Order, reporter: Reporter, *, utc_at_zero: int) -> None:
        self._order = order
        self._reporter = reporter
        self._utc_at_zero = utc_at_zero
        entropy = SeededEntropy(order.seed)
        self._entropy = entropy
        self._air = SimulatedAir(entropy.stream("world"), order.medium)
        self._radio = self._air.radio(TRUST_CENTER_NAME)
        self._witness = Witness(expect=order.expect)
        self._windows = Windows(order.observe)
        self._ladder = Ladder()
        self._joiner: JoinerNode | None = None
        self._judged = False
        self._sinks: list[trace.Sink] = [self._witness.note, self._windows.note, self._climb]
        self.center = TrustCenterNode(
            order.profile, order.setting, entropy.stream(TRUST_CENTER_NAME), self._note
        )
        files = Files(
            capture=order.capture,
            events=order.events,
            utc_at_zero=utc_at_zero,
            radio=self._radio.kind,
            remarks=(
                f"profile: {order.profile.name}",
                f"joiner: {order.joiner.name}",
                f"seed: {order.seed}",
            ),
        )
        self._recording = Recording(files, TRUST_CENTER_NAME, self._witness.miss)

    def _climb(self, record: trace.Record) -> None:
        for row in self._ladder.note(record):
            self._reporter.row(row)

    def watch(self, sink: trace.Sink) -> None:
        """Feed one more sink with the Trust Center's records."""
        self._sinks.append(sink)

    def _note(self, record: trace.Record) -> None:
        for sink in self._sinks:
            sink(record)

    async def run(self, stop: asyncio.Future[int]) -> Ending:
        """Form, open, power the device under test, and watch until the end."""
        order, center = self._order, self.center
        with self._recording as recording:
            if recording.wanted:
                self._sinks.append(recording.note)
                self._air.medium.observe(recording.hear)
            async with Driver(center.host, self._radio, self._air) as driver:
                center.start(self._air.now())
                driver.settle()
                self._reporter.started(
                    Begun(
                        order=order,
                        network=center.network,
                        trust_center=center.host.eui64,
                        radio=self._radio.kind,
                        utc_at_zero=self._utc_at_zero,
                    )
                )
                self._joiner, _ = power_later(
                    self._air.world, self._air.medium, order.joiner, self._entropy, 0, order.setting
                )
                self._air.poke()
                return await self._watch(driver, stop)

    async def _watch(self, driver: Driver, stop: asyncio.Future[int]) -> Ending:
        """Close windows as they are due; end by signal, by failure, or by the first verdict."""
        failed = asyncio.ensure_future(_until(driver.failed))
        try:
            while True:
                changed = asyncio.ensure_future(_until(self._windows.changed))
                done, _ = await asyncio.wait(
                    (stop, failed, changed),
                    timeout=self._until_next(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                self._windows.changed.clear()
                changed.cancel()
                self._recording.flush()
                if failed in done:
                    return Ending()
                if stop in done:
                    return Ending(signal=stop.result())
                verdict = self._close_due()
                if verdict is not None and self._order.once:
                    return Ending(verdict=verdict)
                self._say_what_is_awaited()
        finally:
            failed.cancel()
            self._air.stop()

    def _until_next(self) -> float:
        """Seconds to the next thing that is due, a flush at the latest."""
        closes = self._next_close()
        if closes is None:
            return FLUSH_PERIOD
        return max(0.0, min(FLUSH_PERIOD, (closes - self._air.now()) / 1_000_000))

    def _next_close(self) -> Instant | None:
        """When the next window closes; while nobody was heard, when joining does."""
        if self._windows.closing:
            return min(self._windows.closing.values())
        return None if self._judged else Instant(self._order.setting.permit)

    def _say_what_is_awaited(self) -> None:
        closes = self._next_close()
        if closes is not None:
            left = max(0, closes - self._air.now())
            self._reporter.waiting(left, observing=bool(self._windows.closing))

    def _close_due(self) -> Verdict | None:
        """Give the verdict of one window that has closed, if any has."""
        closes, now = self._next_close(), self._air.now()
        if closes is None or closes > now:
            return None
        for row in self._ladder.close(closes):
            self._reporter.row(row)
        device = next((each for each, at in self._windows.closing.items() if at == closes), None)
        if device is None:
            verdict = self._witness.close(closes)
        else:
            verdict = self._witness.verdict(device, closes)
            del self._windows.closing[device]
            self._witness.forget(device)
            self._ladder.forget(device)
        self._judged = True
        self._give(verdict)
        return verdict

    def _give(self, verdict: Verdict) -> None:
        line = verdict_line(
            verdict,
            profile=self._order.profile.name,
            joiner=self._order.joiner.name,
            seed=self._order.seed,
            radio=self._radio.kind,
            joiner_basis=weakest_basis([self._joiner], [self._order.joiner]) if self._joiner else "",
        )
        self._recording.verdict(verdict.closed, line)
        self._reporter.verdict(verdict, line)
        self._recording.flush()


async def _until(event: asyncio.Event) -> int:
    await event.wait()
    return 0
