"""Running until told to stop."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from coordinator.daemon.control import Control
from coordinator.daemon.sessions import session
from coordinator.runtime import loop_lag
from coordinator.runtime.order import Ending, Order, Reporter
from coordinator.runtime.signals import Hangup, cancelled_by, stop_signal


async def serve(order: Order, reporter: Reporter, control: Control | None = None) -> Ending:
    """Run until the end; with `control`, steered from outside.

    Raises recording.Unwritable, RadioError and NetworkInUse before anything of ours is on the air, and
    CannotListen when the control plane has no place to be.
    """
    if control is None:
        return await _until_told(None, lambda stop, begun: _alone(order, reporter, stop, begun))
    # HTTP, MQTT and the log take a third of a second to load, which a run without them need not wait for.
    from coordinator.daemon.steering import steered

    hangup = Hangup()
    return await _until_told(
        hangup, lambda stop, begun: steered(order, reporter, control, stop, begun, hangup)
    )


async def _alone(
    order: Order, reporter: Reporter, stop: asyncio.Future[int], begun: Callable[[], None]
) -> Ending:
    """One session, which nobody steers."""
    async with session(order, reporter, utc_at_zero=time.time_ns() // 1_000) as running:
        begun()
        async with loop_lag.watch(running.stalled):
            return await running.run(stop)


async def _until_told(
    hangup: Hangup | None, run: Callable[[asyncio.Future[int], Callable[[], None]], Awaitable[Ending]]
) -> Ending:
    """Run with the signals heeded: cancelled by one until it has begun, told of it from then on."""
    stop = stop_signal(hangup)
    try:
        with unhurried_collector(), cancelled_by(stop) as begun:
            return await run(stop, begun)
    except asyncio.CancelledError:
        if not stop.done():
            raise
        return Ending(signal=stop.result())


@contextmanager
def unhurried_collector() -> Iterator[None]:
    """Let the garbage collector pass over what there is by now: a full collection takes longer than a
    joiner waits for its answer.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
