"""One profile on one radio, from the network's forming to the last verdict, whoever the radio is.

It reports to whoever shows things to people (`Reporter`), can be made another while it runs (`switcher`,
`act`), and ends by a signal, by the first verdict when asked to, to form another network, or by its own
failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from coordinator import trace
from coordinator.composition import TRUST_CENTER_NAME, Setting, TrustCenterNode
from coordinator.evidence.outcome import Verdict
from coordinator.radio.errors import Fault, RadioUnavailable
from coordinator.recording import CAPTURE, Files, Miss, Recording
from coordinator.runtime.background import BackgroundFile
from coordinator.runtime.driver import Driver
from coordinator.runtime.evidence_files import EvidenceFiles
from coordinator.runtime.judge import Judge
from coordinator.runtime.order import Begun, Ending, Ground, Order, Reform, Reporter
from coordinator.runtime.relay import Relay
from coordinator.sim.air import AirFrame
from coordinator.switching.switcher import Switcher
from coordinator.types import SECOND, Instant

FLUSH_PERIOD = 1.0
"""Seconds between flushes of capture and events, so that a viewer follows."""

Result = TypeVar("Result")


class Session:
    """One run. Its parts are public for whoever steers it: `center`, `switcher`, `judge`, `files`."""

    def __init__(self, order: Order, reporter: Reporter, ground: Ground) -> None:
        self.order = order
        self.ground = ground
        self._reporter = reporter
        self._clock = ground.clock
        self._relay = Relay()
        self._driver: Driver | None = None
        self._began = Instant(0)
        self._state = trace.RadioState.UP
        self._told = Instant(-SECOND)
        self.formed: Callable[[], None] = lambda: None
        """Called when the network is up."""
        self.over: Callable[[], None] = lambda: None
        """Called when nothing can be done to it any more; its files are open still."""
        self.capture_failed: Callable[[Path, str], None] = lambda _path, _reason: None
        """Hears once of each capture begun meanwhile that lacks something, and why."""
        self.captured: Callable[[int], object] = lambda _octets: None
        """Hears how many octets more are in a capture file, in the thread that wrote them."""
        self._files_failed = False
        self._reform: asyncio.Future[Reform] = asyncio.get_running_loop().create_future()
        self.judge = Judge(order, reporter, lambda: self.files, self._relay, ground.radio.kind)
        self._sinks: list[trace.Sink] = [self.judge.note]
        in_force = order.begins_with
        self.center = TrustCenterNode(
            in_force.profile,
            order.setting,
            ground.entropy,
            self._relay.later(self._note),
            observe=order.observe,
            behaviours=in_force.behaviours,
            generation=order.generation,
        )
        self.center.host.link_keys.outgoing.raise_to(order.aps_counter)
        self.switcher = Switcher(self.center, in_force.profile, ground.assess)
        self.switcher.in_force = in_force
        for fault in order.faults:
            self.center.host.faults.arm(fault)
        self.files = EvidenceFiles(self.files_of(), self._recording, self._missed)
        self._hear_later = self._relay.later(self.files.hear)

    def files_of(self, **where: object) -> Files:
        """Files of this session; those of its order unless others are named (`capture`, `events`)."""
        order = self.order
        named = where or {"capture": order.capture, "events": order.events}
        return Files(
            utc_at_zero=self.ground.utc_at_zero,
            radio=self.ground.radio.kind,
            remarks=tuple(_remarks(order, self.switcher.in_force.profile.name)),
            **named,  # type: ignore[arg-type]  # paths, as the callers name them
        )

    def _recording(self, files: Files, miss: Miss, limit: int | None) -> Recording:
        return Recording(
            files,
            TRUST_CENTER_NAME,
            miss,
            own_traffic=not self.ground.sees_air,
            behind=lambda file, name: BackgroundFile(
                file, limit, self._captured if name == CAPTURE else lambda _octets: None
            ),
        )

    def _captured(self, octets: int) -> None:
        self.captured(octets)

    def _missed(self, late: Path | None, reason: str) -> None:
        """The session's own files are evidence of all of it; a capture begun meanwhile is of who is there
        until it ends (`Judge.judge`, `end_capture`).
        """
        if late is None:
            self._files_failed = True
            self.judge.witness.miss(reason)
        else:
            self.capture_failed(late, reason)

    @property
    def files_written(self) -> bool:
        """False when a file of the session has failed, or a capture that is under way."""
        return not (self._files_failed or self.files.failed)

    def end_capture(self, path: Path) -> str:
        """End a capture begun meanwhile; return why it lacks something, if it does. Whoever was there while
        it did is without evidence; who comes later is not. Raises KeyError when there is none of that name.
        """
        self.told()
        failed = self.files.end(path)
        if failed:
            self.judge.witness.interrupt(failed)
        return failed

    # --- for whoever watches and steers -------------------------------------------------------------

    def watch(self, sink: trace.Sink) -> None:
        """Feed one more sink with the Trust Center's records."""
        self._sinks.append(sink)

    def hear(self, frame: AirFrame) -> None:
        """Take one frame of the air, where somebody sees it."""
        if self.files.wanted:
            self._hear_later(frame)

    def act(self, call: Callable[[Instant], Result]) -> Result:
        """Do something to the Trust Center from outside, between two frames; what it then sends is sent.

        Raises what the call raises, and RuntimeError when the network is not up.
        """
        if self._driver is None:
            raise RuntimeError("the network is not up")
        self.ground.catch_up()
        return self._driver.act(call)

    def told(self) -> None:
        """Have everybody hear now of what has happened so far."""
        self._relay.settle()

    def form_another(self, setting: Setting, change: str, *, forget: bool = False) -> bool:
        """End, so that another network can be formed; `forget` what was saved of this one. False when
        somebody else has asked for one.
        """
        if self._reform.done():
            return False
        self._reform.set_result(Reform(setting=setting, change=change, forget=forget))
        return True

    @property
    def now(self) -> Instant:
        """The session's time."""
        return self._clock.now()

    @property
    def radio_state(self) -> trace.RadioState:
        """How it stands with the radio."""
        return self._state

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

    def stalled(self, seconds: float) -> None:
        """The event loop stood still for so long. On a radio frames may be missing, on an air of our own none
        is; on either the Trust Center did late what it was to do meanwhile. Whoever is under observation is
        without evidence.
        """
        reason = f"the host stood still for {seconds:.1f} s: what was due meanwhile was done late"
        self.told()
        self.judge.witness.interrupt(reason)
        if self._driver is not None and not self.ground.sees_air:
            self.radio_changed(self._state, reason, missed=True)

    def _note(self, record: trace.Record) -> None:
        for sink in self._sinks:
            sink(record)

    # --- its life -----------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Future[int]) -> Ending:
        """Form, open, and watch until the end. Raises recording.Unwritable before anything is on the air,
        StateError when what is to survive cannot be saved, and RadioError when the radio does not come up or
        cannot do what shall be in force.
        """
        center, ground = self.center, self.ground
        self._fit()
        with self.files as files:
            self._sinks.append(files.note)
            self._began = self._clock.now()
            if ground.store is not None:
                ground.store.attach(center, self._began)
                ground.store.start()
            async with Driver(center.host, ground.radio, self._clock, ground.store) as driver:
                self._begin(driver)
                try:
                    ending = await self._watch(driver, stop)
                finally:
                    self._driver = None
                    self.over()
            self._relay.settle()
        if self._relay.error is not None:
            raise self._relay.error
        return ending

    def _fit(self) -> None:
        in_force = self.switcher.in_force
        misfits = self.ground.assess(in_force)
        if misfits:
            name, kind = in_force.profile.name, self.ground.radio.kind
            raise RadioUnavailable(
                f"the radio ({kind}) cannot be the Trust Center of the profile {name}: {'; '.join(misfits)}",
                Fault.REFUSED,
            )

    def _begin(self, driver: Driver) -> None:
        """Form the network, and say so."""
        center, order, ground = self.center, self.order, self.ground
        center.start(self._began)
        if order.change is not None:
            self.switcher.advance(order.change, self._began)
        driver.settle()
        self._driver = driver
        self._relay.settle()
        self._reporter.started(
            Begun(
                order=order,
                network=center.network,
                trust_center=center.host.eui64,
                radio=ground.radio.kind,
                utc_at_zero=ground.utc_at_zero,
                report=ground.report(),
            )
        )
        ground.on_air(self)
        self.formed()

    async def _watch(self, driver: Driver, stop: asyncio.Future[int]) -> Ending:
        """Close windows as they are due; end by signal, by failure, by the first verdict, or to form anew."""
        failed = (driver.failed, self._relay.failed, self.ground.failed)
        failures = [asyncio.ensure_future(_until(each)) for each in failed]
        ends: tuple[asyncio.Future[int] | asyncio.Future[Reform], ...] = (stop, self._reform, *failures)
        try:
            while True:
                changed = asyncio.ensure_future(_until(self.judge.windows.changed))
                try:
                    await asyncio.wait(
                        (*ends, changed),
                        timeout=self._until_next(),
                        return_when=asyncio.FIRST_COMPLETED,
                    )
                finally:
                    changed.cancel()
                self.judge.windows.changed.clear()
                self.files.flush()
                if self.ground.failed.is_set():
                    self.judge.interrupt("the radio is gone", self.now)
                    if self.order.once and not self.judge.judged:
                        self.judge.judge(None, self.now)
                if any(failure.done() for failure in failures):
                    return Ending()
                if stop.done():
                    self.judge.interrupt("interrupted before the window closed", self.now)
                    return Ending(signal=stop.result())
                if self._reform.done():
                    self.judge.interrupt("another network was formed before the window closed", self.now)
                    return Ending(reform=self._reform.result())
                verdict = await self._close_due(stop)
                if verdict is not None and self.order.once:
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
        return max(0.0, min(FLUSH_PERIOD, (closes - self.now) / SECOND))

    def _next_close(self) -> Instant | None:
        """When the next window closes; while nobody was heard, when joining does, if that is open, or when a
        run that gives one verdict has waited long enough for somebody to find it closed.
        """
        order, closes = self.order, self.judge.due()
        if closes is not None:
            return closes
        if self.judge.judged or not (order.setting.permit or order.once):
            return None
        return Instant(self._began + (order.setting.permit or order.observe))

    def _say_what_is_awaited(self) -> None:
        closes = self.judge.due()
        if closes is not None:
            self._reporter.waiting(max(0, closes - self.now), observing=True)
        else:
            left = self.center.open_until - self.now
            self._reporter.waiting(left if left > 0 else None, observing=False)

    async def _close_due(self, stop: asyncio.Future[int]) -> Verdict | None:
        """Give the verdict of one window that has closed, if any has, the radio asked whether it was there
        until now. None too when somebody came, or `stop` did, while it took its time to answer.
        """
        closes, now = self._next_close(), self.now
        if closes is None or closes > now:
            return None
        verifying = asyncio.ensure_future(self.ground.verify())
        try:
            await asyncio.wait((verifying, stop), return_when=asyncio.FIRST_COMPLETED)
            if not verifying.done() or self._next_close() != closes:
                return None
            verifying.result()
        finally:
            verifying.cancel()
        return self.judge.judge(self.judge.whose(closes), closes)


def _remarks(order: Order, profile: str) -> list[str]:
    """What a capture that begins under this profile says of the run it is of."""
    remarks = [f"profile: {profile}"]
    if order.joiner is not None:
        remarks.append(f"joiner: {order.joiner.name}")
    if order.seed is not None:
        remarks.append(f"seed: {order.seed}")
    if order.ordinal:
        remarks.append(f"networks before: {order.ordinal}")
    return remarks


async def _until(event: asyncio.Event) -> int:
    await event.wait()
    return 0
