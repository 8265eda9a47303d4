"""Running until told to stop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from coordinator.daemon.alone import Say, alone
from coordinator.daemon.control import Control
from coordinator.runtime.notify import Notifier
from coordinator.runtime.order import Ending, Order, Reporter
from coordinator.runtime.signals import Hangup, cancelled_by, stop_signal


async def serve(
    order: Order,
    reporter: Reporter,
    control: Control | None = None,
    say: Say = lambda _line: None,
) -> Ending:
    """Run until the end; with `control`, steered from outside. `say` is told what people should know of a
    run that is not.

    Raises recording.Unwritable, RadioError and NetworkInUse before anything of ours is on the air, and
    CannotListen when the control plane has no place to be.
    """
    if control is None:
        with Notifier.from_environment() as notifier:
            hangup = Hangup() if notifier.managed else None
            return await _until_told(
                hangup, lambda stop, begun: alone(order, reporter, stop, begun, notifier, hangup, say)
            )
    # HTTP, MQTT and the log take a third of a second to load, which a run without them need not wait for.
    from coordinator.daemon.steering import steered

    heeded = Hangup()
    return await _until_told(
        heeded, lambda stop, begun: steered(order, reporter, control, stop, begun, heeded)
    )


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
