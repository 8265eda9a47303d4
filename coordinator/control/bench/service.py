"""The control plane of one bench, put together: it outlives every session; transports take its `plane`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from coordinator.control.bench import documents, evidence, running
from coordinator.control.bench.bench import Bench
from coordinator.control.bench.handlers import table
from coordinator.control.bench.health import Doctor
from coordinator.control.bench.herald import Herald
from coordinator.control.board import Board
from coordinator.control.dispatch import Call, Dispatcher
from coordinator.control.feed import Feed
from coordinator.control.metrics import Metrics
from coordinator.control.options import IN_FLIGHT, Options
from coordinator.control.plane import Plane
from coordinator.control.schema.base import Change, Request
from coordinator.control.schema.commands import Response
from coordinator.control.schema.documents import State
from coordinator.radio.clock import LoopClock
from coordinator.runtime.order import Reporter
from coordinator.runtime.session import Session
from coordinator.types import Instant

VERB_SHOWN = 64
"""Characters of a command's name that an event repeats: it may be anything that somebody sent."""


class Service:
    """Handlers, feed and board over whichever session is up. Made within a running event loop."""

    def __init__(
        self,
        options: Options,
        people: Reporter,
        *,
        in_flight: int = IN_FLIGHT,
        broken: Callable[[BaseException], None] = lambda _error: None,
        utc_at_zero: int,
        metrics: Metrics | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`utc_at_zero`: UTC, in microseconds since 1970, when the service was made. `wall` is UTC now, in
        seconds, for `not_after`.
        """
        clock = LoopClock()
        feed = Feed(clock.now, utc_at_zero)
        feed.attach(clock.now, utc_at_zero, round(clock.loop_time(Instant(0)) * 1e9))
        self.bench = Bench(options=options, feed=feed, board=Board(), refresh=self._later)
        self.doctor = Doctor(bench=self.bench)
        self.bench.broker = lambda: self.doctor.gauges.broker()
        self.herald = Herald(self.bench, people)
        dispatcher = Dispatcher(
            table(self.bench, self.doctor),
            in_flight=in_flight,
            answered=self._answered,
            broken=broken,
            wall=wall,
        )
        self.doctor.answered = lambda seconds: self._metrics.radio_answered(seconds)
        self.herald.judged = lambda profile, verdict: self._metrics.verdict(profile, verdict)
        self.herald.turned = self.doctor.turned
        self.doctor.gauges.frames_dropped = lambda: self.herald.dropped
        self.doctor.gauges.in_flight = lambda: dispatcher.in_flight
        self.plane = Plane(
            dispatcher=dispatcher,
            feed=feed,
            board=self.bench.board,
            profiles=lambda: self.bench.catalogue.names,
        )
        self._schema_url: str | None = None
        self._metrics = metrics or Metrics()
        self._heeded: Callable[[], object] = lambda: None
        self._state: State | None = None
        self._scheduled = False

    @asynccontextmanager
    async def attached(self, session: Session) -> AsyncIterator[None]:
        """Commands act on this session for as long as the block lasts, once its network is up."""
        ground, switcher = session.ground, session.switcher
        clock = ground.clock
        self.bench.catalogue.adopt(session.order.profile, session.order.profile_source)
        self.bench.feed.attach(clock.now, ground.utc_at_zero, round(clock.loop_time(Instant(0)) * 1e9))
        self.bench.feed.generation = session.order.generation
        session.watch(self.herald.note)
        session.watch(self._metrics.note)
        switcher.boundaries.begun.append(self.herald.took_effect)
        switcher.boundaries.found.append(self.herald.first_frame)
        self.herald.begin(session.center.host)
        session.formed = lambda: self._formed(session)
        session.over = lambda: self._over(session)
        session.capture_failed = lambda path, reason: evidence.failed(self.bench, path, reason)
        session.captured = self._metrics.captured
        try:
            yield
        finally:
            self._over(session)

    def _formed(self, session: Session) -> None:
        """The network is up: from now on it can be acted on."""
        bench = self.bench
        bench.begin(session)
        running.go_on(bench)
        verbs = self.plane.dispatcher.verbs
        bench.board.post("info", documents.info(bench, session, verbs, self._schema_url))
        self._post_state()
        self.doctor.due.set()
        self._heeded()

    def _over(self, session: Session) -> None:
        """Nothing can be done to it any more: whatever waits for it is told, captures are complete."""
        bench, joiners = self.bench, session.ground.joiners
        for pending in session.switcher.pending:
            session.switcher.cancel(pending)
        if bench.session is None:
            return
        evidence.end_all(bench)
        for device, name in () if joiners is None else joiners.powered.items():
            bench.feed.publish("joiner", {"device": str(device), "joiner": name, "on": False})
        bench.end()
        self._post_state()
        self.doctor.due.set()

    def when_formed(self, call: Callable[[], object]) -> None:
        """Call this each time that a network is up."""
        self._heeded = call

    def served_at(self, url: str) -> None:
        """HTTP serves the API's documents there."""
        self._schema_url = f"{url}/schema/asyncapi.json"

    def figures(self) -> bytes:
        """Everything that is counted, in Prometheus' text format."""
        metrics, gauges, bench = self._metrics, self.doctor.gauges, self.bench
        metrics.mqtt(gauges.broker() == "connected")
        metrics.outbox(gauges.outbox())
        metrics.loop_lag(gauges.lag())
        if bench.session is not None:
            metrics.radio(bench.session.radio_state)
        return metrics.text()

    def broker(self, connected: bool, reason: str) -> None:
        """The broker came or went. Only a run that asked for it ends by that."""
        self.bench.feed.publish(
            "broker", {"state": "connected" if connected else "disconnected", "reason": reason}
        )
        self.doctor.look_at_broker()
        run = self.bench.runs.present
        if not connected and run is not None and run.on_disconnect == "stop":
            running.end_soon(self.bench, "stopped", f"the broker is gone: {reason}")

    def stalled(self, seconds: float) -> None:
        """The event loop stood still for so long."""
        if self.bench.session is not None:
            self.bench.session.stalled(seconds)

    async def keep(self) -> None:
        """Look after `health` for as long as this runs."""
        await self.doctor.keep()

    async def close(self) -> None:
        """End what waits, and the run that is under way, and have the last word on it all. Twice does no
        harm.
        """
        if self.bench.runs.present is not None:
            running.end(self.bench, "stopped", "the bench ended")
        await self.plane.dispatcher.close()
        self.doctor.end()
        self._post_state()

    def _later(self) -> None:
        """Post `state` when what happens now has happened."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._post_state)

    def _post_state(self) -> None:
        self._scheduled = False
        if self.doctor.ended:
            self._state = documents.ended(self._state)
        else:
            self._state = documents.state(self.bench, self.bench.session, self._state)
        if self._state is not None:
            self._metrics.profile(self._state.profile, self._state.generation)
            self.bench.board.post("state", self._state)

    def _answered(self, call: Call, request: Request | None, response: Response) -> None:
        """Before the answer is given: whoever has it finds `state` as the change has made it, and `switched`
        among the events before it.
        """
        if isinstance(request, Change):
            if self.bench.session is not None:
                self.bench.session.told()
            self._post_state()
        self.bench.feed.publish(
            "request",
            {
                "command": call.verb[:VERB_SHOWN],
                "origin": call.origin,
                "status": response.status,
                "code": None if response.error is None else response.error.code.value,
                "message": None if response.error is None else response.error.message,
                "transaction": None if request is None else request.transaction,
            },
        )
