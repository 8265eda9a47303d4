"""Sessions under a control plane: the transports around them, and one session after the other."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from coordinator.control.bench.service import Service
from coordinator.control.dispatch import Call
from coordinator.control.http import server
from coordinator.control.http.pages import Text
from coordinator.control.metrics import CONTENT_TYPE, Metrics
from coordinator.control.mqtt.link import Link
from coordinator.control.mqtt.transport import MqttTransport
from coordinator.control.schema.commands import Response
from coordinator.daemon.control import Control, Http
from coordinator.daemon.log import Log
from coordinator.daemon.sessions import session
from coordinator.runtime import state_folder
from coordinator.runtime.loop_lag import LoopLag
from coordinator.runtime.notify import Notifier, Watchdog
from coordinator.runtime.order import Ending, Order, Reform, Reporter
from coordinator.runtime.session import Session
from coordinator.runtime.signals import Hangup, cancelled_by
from coordinator.runtime.survey import NetworkInUse

LOG_WAITS = 10_000
"""Events that may wait to be logged."""


async def steered(
    order: Order,
    reporter: Reporter,
    control: Control,
    stop: asyncio.Future[int],
    begun: Callable[[], None] = lambda: None,
    hangup: Hangup | None = None,
) -> Ending:
    """Run sessions until told to stop, the control plane up from before the first to after the last.

    Raises what `serve` raises. `begun` is called before the first session runs.
    """
    with Notifier.from_environment() as notifier:
        async with plane(control, reporter, notifier, hangup) as service:
            ending = await sessions(order, service, stop, begun, notifier)
            notifier.stopping()
            return ending


async def sessions(
    order: Order,
    service: Service,
    stop: asyncio.Future[int],
    begun: Callable[[], None] = lambda: None,
    notifier: Notifier | None = None,
) -> Ending:
    """Run one session after the other, as networks are formed, under a control plane that outlives them."""
    forming = contextlib.ExitStack()
    try:
        while True:
            try:
                async with session(order, service.herald, utc_at_zero=time.time_ns() // 1_000) as running:
                    begun()
                    forming.close()
                    async with service.attached(running):
                        if notifier is not None:
                            service.when_formed(lambda: notifier.ready("the network is up"))
                        ending = await running.run(stop)
            except NetworkInUse as in_use:
                order = _drawn(order, in_use)
                service.bench.instead = str(in_use)
                continue
            if ending.reform is None:
                return ending
            order = _next(order, ending.reform, running)
            if stop.done():
                return Ending(signal=stop.result())
            forming.enter_context(cancelled_by(stop))
    except asyncio.CancelledError:
        if not stop.done():
            raise
        return Ending(signal=stop.result())


def _drawn(order: Order, in_use: NetworkInUse) -> Order:
    """What somebody asked for meanwhile is in use: a bench does not end by that, but draws what is not.

    Raises what it is given where that is of no use: at the beginning, and when all was drawn.
    """
    setting = order.setting
    if order.change is None or (setting.pan_id is None and setting.extended_pan_id is None):
        raise in_use
    return replace(order, setting=replace(setting, pan_id=None, extended_pan_id=None))


def _next(order: Order, reform: Reform, before: Session) -> Order:
    """The order for another network: behaviours, faults and generation go on, devices do not."""
    if reform.forget and order.state is not None:
        state_folder.forget(order.state)
    return replace(
        order,
        setting=reform.setting,
        ordinal=before.order.ordinal + 1,
        aps_counter=before.center.host.link_keys.outgoing.value,
        joiner=None,
        in_force=before.switcher.in_force,
        generation=before.switcher.generation,
        faults=tuple(
            replace(fault, count=left, skip=0 if used else fault.skip)
            for fault, left, used in before.center.host.faults.standing()
        ),
        change=reform.change,
        capture=_another(order.capture),
        events=_another(order.events),
    )


def _another(path: Path | None) -> Path | None:
    """The file of the next network beside that of the first; what is no file, a pipe for one, goes on."""
    if path is None or not path.is_file():
        return path
    stem = re.sub(r"-[0-9]+$", "", path.stem)
    beside = (path.with_stem(f"{stem}-{number}") for number in itertools.count(2))
    return next(each for each in beside if not each.exists())


@asynccontextmanager
async def plane(
    control: Control, reporter: Reporter, notifier: Notifier, hangup: Hangup | None
) -> AsyncIterator[Service]:
    """The control plane, and everything that looks after it."""
    loop = asyncio.get_running_loop()
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        log = stack.enter_context(Log(control.log))
        service = Service(
            control.options,
            reporter,
            in_flight=control.in_flight,
            broken=log.broken,
            utc_at_zero=time.time_ns() // 1_000,
            metrics=metrics,
        )
        lag = LoopLag(loop.time, service.stalled)
        service.doctor.gauges.lag = lambda: lag.worst
        loop.set_exception_handler(lambda _loop, context: log.loop_says(context))
        stack.callback(loop.set_exception_handler, None)
        reader = service.plane.feed.read(LOG_WAITS)
        stack.callback(reader.close)
        stack.callback(log.catch_up, reader)
        await stack.enter_async_context(_owned(log.follow(reader), lag.run(), service.keep()))
        if control.http is not None:
            await stack.enter_async_context(_served(control.http, service, log))
        if control.mqtt is not None:
            await stack.enter_async_context(_on_its_broker(control.mqtt, service))
        await stack.enter_async_context(Watchdog(notifier, lambda: _alive(service)))
        if hangup is not None:
            hangup.act = lambda: _reload(service, notifier)
        try:
            yield service
        finally:
            await service.close()  # while there still is somebody to bring the answers


@asynccontextmanager
async def _served(place: Http, service: Service, log: Log) -> AsyncIterator[None]:
    """The control plane over HTTP. Raises CannotListen."""
    figures = Text(write=service.figures, kind=CONTENT_TYPE)
    async with server.serve(
        service.plane, place.address, token=place.token, metrics=figures, broken=log.broken
    ) as address:
        service.served_at(address.url)
        log.say("http", listens=address.url)
        yield


@asynccontextmanager
async def _on_its_broker(link: Link, service: Service) -> AsyncIterator[None]:
    """The control plane over MQTT, and what health is told of it."""
    transport = MqttTransport(service.plane, link, service.broker)
    gauges = service.doctor.gauges
    gauges.broker = lambda: "connected" if transport.connected else "disconnected"
    gauges.outbox = lambda: transport.waiting
    gauges.events_dropped = lambda: transport.lost
    async with _owned(transport.run()):
        yield


async def _alive(service: Service) -> None:
    """Raises RuntimeError when the radio did not answer a probe.

    A file that cannot be written is no reason to begin anew: a run can still say what it saw.
    """
    health = await service.doctor.look(3.0)
    if health.radio != "ok" or health.radio_rtt_ms is None:
        raise RuntimeError("; ".join(health.problems) or "the radio did not answer")


def _reload(service: Service, notifier: Notifier) -> None:
    """SIGHUP: read the profile's files again, as if somebody had asked for it."""
    notifier.reloading()
    begun = service.plane.dispatcher.begin(Call(verb="profile/reload", body=b"{}", origin="SIGHUP"))
    if isinstance(begun, asyncio.Future):
        begun.add_done_callback(lambda done: _reloaded(done.result(), notifier))
    else:
        _reloaded(begun, notifier)


def _reloaded(response: Response, notifier: Notifier) -> None:
    error = response.error
    notifier.ready("the profile was read again" if error is None else f"not read again: {error.message}")


@asynccontextmanager
async def _owned(*coroutines: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """These run for as long as the block does. One that fails ends the block with its error."""
    owner = asyncio.current_task()
    assert owner is not None
    failed: list[BaseException] = []

    def ended(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failed.append(error)
            owner.cancel()

    tasks = [asyncio.ensure_future(each) for each in coroutines]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    except asyncio.CancelledError:
        if failed:
            raise failed[0] from None
        raise
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
