"""Running until told to stop."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

from coordinator.daemon.sessions import session
from coordinator.daemon.steering import Control, steered
from coordinator.runtime import loop_lag
from coordinator.runtime.order import Ending, Order, Reporter
from coordinator.runtime.signals import Hangup, cancelled_by, stop_signal


async def serve(order: Order, reporter: Reporter, control: Control | None = None) -> Ending:
    """Run until the end; with `control`, steered from outside.

    Raises recording.Unwritable, RadioError and NetworkInUse before anything of ours is on the air, and
    CannotListen when the control plane has no place to be.
    """
    hangup = None if control is None else Hangup()
    stop = stop_signal(hangup)
    try:
        with unhurried_collector(), cancelled_by(stop) as begun:
            if control is not None:
                return await steered(order, reporter, control, stop, begun, hangup)
            async with session(order, reporter, utc_at_zero=time.time_ns() // 1_000) as running:
                begun()
                async with loop_lag.watch(running.stalled):
                    return await running.run(stop)
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
