"""One profile on one radio, from the network's forming to the last verdict, whoever the radio is.

It reports to whoever shows things to people (`Reporter`) and ends by a signal, by the first verdict
when asked to, or by its own failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from coordinator import trace
from coordinator.composition import OBSERVE, TRUST_CENTER_NAME, JoinerNode, Setting, TrustCenterNode
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.rungs import Row
from coordinator.evidence.witness import Witness
from coordinator.joiner.model import JoinerModel
from coordinator.primitives import mlme
from coordinator.profiles.profile import Profile
from coordinator.radio.base import Radio
from coordinator.radio.capabilities import Report
from coordinator.radio.url import RadioUrl, Simulated
from coordinator.recording import Files, Recording
from coordinator.runtime.background import BackgroundFile
from coordinator.runtime.driver import Clock, Driver
from coordinator.runtime.relay import Relay
from coordinator.runtime.store import Store
from coordinator.scenario import verdict_line, weakest_basis
from coordinator.sim.air import MediumConfig
from coordinator.stack.host import Network
from coordinator.types import SECOND, Duration, Entropy, Eui64, Instant

SIMULATED = Simulated()
FLUSH_PERIOD = 1.0
"""Seconds between flushes of capture and events, so that a viewer follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run. `joiner` is the simulated device under test, None where the devices are real or others'.

    `seed` makes the draws of a simulated run repeatable; None draws from the operating system.
    """

    profile: Profile
    joiner: JoinerModel | None = None
    seed: int | None = None
    radio: RadioUrl = SIMULATED
    tx_power: int | None = None
    setting: Setting = field(default_factory=Setting)
    expect: frozenset[Outcome] = JOINED
    observe: Duration = OBSERVE
    medium: MediumConfig | None = None
    once: bool = False
    capture: Path | None = None
    events: Path | None = None
    state: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that has begun. `utc_at_zero` is the UTC time of `Instant(0)`, microseconds since the epoch.

    `report` is what a radio that is a thing of its own said of itself.
    """

    order: Order
    network: Network
    trust_center: Eui64
    radio: str
    utc_at_zero: int
    report: Report | None = None


class Reporter(Protocol):
    """Shows a run to people."""

    def started(self, run: Begun) -> None:
        """The network is up."""
        ...

    def row(self, row: Row) -> None:
        """One step of a join."""
        ...

    def radio(self, change: trace.RadioChanged) -> None:
        """The radio came, went or restarted."""
        ...

    def waiting(self, left: Duration | None, observing: bool) -> None:
        """Nothing happens: `left` until the window closes, or, not `observing`, until joining does; None
        when joining is closed."""
        ...

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """A window closed; `line` is the verdict as the event file has it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the session ended: by a signal's number, or with the verdict it was to give once.

    `radio_lost` says that there was no radio when it ended.
    """

    verdict: Verdict | None = None
    signal: int | None = None
    radio_lost: bool = False


async def _nothing_to_verify() -> None:
    """A radio that is part of this process cannot be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a session stands on. `sees_air` when somebody feeds `Session.hear` with all of the air;
    `on_air` is called when the network is up, for whoever powers a device; `verify` before a verdict is
    given, to learn of a loss that nobody noticed; `failed` is set when the ground gives way by our error.
    `store` is open, and stays so.
    """

    radio: Radio
    clock: Clock
    entropy: Entropy
    utc_at_zero: int
    store: Store | None = None
    sees_air: bool = False
    on_air: Callable[[Session], None] = lambda _session: None
    report: Callable[[], Report | None] = lambda: None
    verify: Callable[[], Awaitable[None]] = _nothing_to_verify
    failed: asyncio.Event = field(default_factory=asyncio.Event)


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


class Session:
    """One run. `joiner` is told of by whoever powers a simulated device, for the basis of the verdict."""

    def __init__(self, order: Order, reporter: Reporter, ground: Ground) -> None:
        self._order = order
        self._reporter = reporter
        self._ground = ground
        self._clock = ground.clock
        self._relay = Relay()
        self._witness = Witness(expect=order.expect)
        self._windows = Windows(order.observe)
        self._ladder = Ladder()
        self._judged = False
        self._began = Instant(0)
        self._state = trace.RadioState.UP
        self._told = Instant(-SECOND)
        self._sinks: list[trace.Sink] = [self._witness.note, self._windows.note, self._climb]
        self.joiner: JoinerNode | None = None
        self.center = TrustCenterNode(
            order.profile,
            order.setting,
            ground.entropy,
            self._relay.later(self._note),
            observe=order.observe,
        )
        files = Files(
            capture=order.capture,
            events=order.events,
            utc_at_zero=ground.utc_at_zero,
            radio=ground.radio.kind,
            remarks=tuple(_remarks(order)),
        )
        self._recording = Recording(
            files,
            TRUST_CENTER_NAME,
            self._witness.miss,
            own_traffic=not ground.sees_air,
            behind=BackgroundFile,
        )
        self.hear = self._relay.later(self._recording.hear)
        """Takes each frame of the air, where somebody sees it."""

    def _climb(self, record: trace.Record) -> None:
        for row in self._ladder.note(record):
            self._reporter.row(row)

    def watch(self, sink: trace.Sink) -> None:
        """Feed one more sink with the Trust Center's records."""
        self._sinks.append(sink)

    def _note(self, record: trace.Record) -> None:
        for sink in self._sinks:
            sink(record)

    def radio_changed(self, state: trace.RadioState, reason: str, missed: bool) -> None:
        """The radio came, went, restarted or missed something: everybody is told. People are not told again
        and again of what is missing.
        """
        change = trace.RadioChanged(at=self._clock.now(), state=state, reason=reason, missed=missed)
        self._relay.later(self._note)(change)
        again = state is self._state and change.at < self._told + SECOND
        self._state = state
        if not again:
            self._told = change.at
            self._reporter.radio(change)

    async def run(self, stop: asyncio.Future[int]) -> Ending:
        """Form, open, and watch until the end. Raises recording.Unwritable before anything is on the air,
        StateError when what is to survive cannot be saved, and RadioError when the radio does not come up.
        """
        center, ground = self.center, self._ground
        with self._recording as recording:
            if recording.wanted:
                self._sinks.append(recording.note)
            self._began = self._clock.now()
            if ground.store is not None:
                ground.store.attach(center, self._began)
                ground.store.start()
            async with Driver(center.host, ground.radio, self._clock, ground.store) as driver:
                center.start(self._began)
                driver.settle()
                self._relay.settle()
                self._reporter.started(
                    Begun(
                        order=self._order,
                        network=center.network,
                        trust_center=center.host.eui64,
                        radio=ground.radio.kind,
                        utc_at_zero=ground.utc_at_zero,
                        report=ground.report(),
                    )
                )
                ground.on_air(self)
                ending = await self._watch(driver, stop)
            self._relay.settle()
        if self._relay.error is not None:
            raise self._relay.error
        return ending

    async def _watch(self, driver: Driver, stop: asyncio.Future[int]) -> Ending:
        """Close windows as they are due; end by signal, by failure, or by the first verdict."""
        failed = (driver.failed, self._relay.failed, self._ground.failed)
        failures = [asyncio.ensure_future(_until(each)) for each in failed]
        try:
            while True:
                changed = asyncio.ensure_future(_until(self._windows.changed))
                await asyncio.wait(
                    (stop, *failures, changed),
                    timeout=self._until_next(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                self._windows.changed.clear()
                changed.cancel()
                self._recording.flush()
                if self._ground.failed.is_set():
                    self._interrupt("the radio is gone")
                    if self._order.once and not self._judged:
                        self._judge(None, self._clock.now())
                if any(failure.done() for failure in failures):
                    return Ending()
                if stop.done():
                    self._interrupt("interrupted before the window closed")
                    return Ending(signal=stop.result())
                verdict = await self._close_due(stop)
                if verdict is not None and self._order.once:
                    return Ending(verdict=verdict, radio_lost=self._state is not trace.RadioState.UP)
                self._say_what_is_awaited()
        finally:
            for failure in failures:
                failure.cancel()

    def _until_next(self) -> float:
        """Seconds to the next thing that is due, a flush at the latest."""
        closes = self._next_close()
        if closes is None:
            return FLUSH_PERIOD
        return max(0.0, min(FLUSH_PERIOD, (closes - self._clock.now()) / SECOND))

    def _next_close(self) -> Instant | None:
        """When the next window closes; while nobody was heard, when joining does, if that is open, or when a
        run that gives one verdict has waited long enough for somebody to find it closed.
        """
        order = self._order
        if self._windows.closing:
            return min(self._windows.closing.values())
        if self._judged or not (order.setting.permit or order.once):
            return None
        return Instant(self._began + (order.setting.permit or order.observe))

    def _say_what_is_awaited(self) -> None:
        if self._windows.closing:
            closes = min(self._windows.closing.values())
            self._reporter.waiting(max(0, closes - self._clock.now()), observing=True)
        else:
            left = self._began + self._order.setting.permit - self._clock.now()
            self._reporter.waiting(left if left > 0 else None, observing=False)

    async def _close_due(self, stop: asyncio.Future[int]) -> Verdict | None:
        """Give the verdict of one window that has closed, if any has, the radio asked whether it was there
        until now. None too when somebody came, or `stop` did, while it took its time to answer.
        """
        closes, now = self._next_close(), self._clock.now()
        if closes is None or closes > now:
            return None
        verifying = asyncio.ensure_future(self._ground.verify())
        try:
            await asyncio.wait((verifying, stop), return_when=asyncio.FIRST_COMPLETED)
            if not verifying.done() or self._next_close() != closes:
                return None
            verifying.result()
        finally:
            verifying.cancel()
        device = next((each for each, at in self._windows.closing.items() if at == closes), None)
        return self._judge(device, closes)

    def _interrupt(self, why: str) -> None:
        """It ends: what is under observation ends unfinished, and that is its verdict."""
        self._relay.settle()
        open_windows = tuple(self._windows.closing)
        if open_windows:
            self._witness.miss(why)
        for device in open_windows:
            self._judge(device, self._clock.now())

    def _judge(self, device: Eui64 | None, at: Instant) -> Verdict:
        """Close one device's window, or that in which nobody came. All evidence is in, and on the disk."""
        self._relay.settle()
        if self._relay.error is not None:
            self._witness.miss(f"internal error: {self._relay.error!r}")
        for row in self._ladder.close(at):
            self._reporter.row(row)
        self._recording.drain()
        if device is None:
            verdict = self._witness.close(at)
        else:
            verdict = self._witness.verdict(device, at)
            del self._windows.closing[device]
            self._witness.forget(device)
            self._ladder.forget(device)
        self._judged = True
        self._give(verdict)
        return verdict

    def _give(self, verdict: Verdict) -> None:
        order = self._order
        joiner, model = self.joiner, order.joiner
        line = verdict_line(
            verdict,
            profile=order.profile.name,
            joiner=None if model is None else model.name,
            seed=order.seed,
            radio=self._ground.radio.kind,
            joiner_basis=weakest_basis([joiner], [model]) if joiner and model else None,
        )
        self._recording.verdict(verdict.closed, line)
        self._reporter.verdict(verdict, line)
        self._recording.flush()


def _remarks(order: Order) -> list[str]:
    """What a capture says of the run it is of."""
    remarks = [f"profile: {order.profile.name}"]
    if order.joiner is not None:
        remarks.append(f"joiner: {order.joiner.name}")
    if order.seed is not None:
        remarks.append(f"seed: {order.seed}")
    return remarks


async def _until(event: asyncio.Event) -> int:
    await event.wait()
    return 0
