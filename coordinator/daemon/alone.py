"""A run that nobody steers: one session, and what a service manager is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from coordinator.daemon.sessions import session
from coordinator.profiles import load
from coordinator.profiles.errors import ConfigurationError
from coordinator.runtime import loop_lag
from coordinator.runtime.notify import Notifier, Watchdog
from coordinator.runtime.order import Ending, Order, Reporter
from coordinator.runtime.session import Session
from coordinator.runtime.signals import Hangup
from coordinator.switching import change as edits
from coordinator.switching.change import Misfit
from coordinator.switching.moment import When
from coordinator.trace import RadioState

Say = Callable[[str], None]
"""Takes one line for people."""


async def alone(
    order: Order,
    reporter: Reporter,
    stop: asyncio.Future[int],
    begun: Callable[[], None],
    notifier: Notifier,
    hangup: Hangup | None,
    say: Say,
) -> Ending:
    """Run one session to its end. Raises what `serve` raises; `begun` is called before it runs."""
    async with session(order, reporter, utc_at_zero=time.time_ns() // 1_000) as running:
        begun()
        running.formed = lambda: _told(notifier)
        if hangup is not None:
            hangup.act = lambda: _reload(running, notifier, say)
        async with loop_lag.watch(running.stalled), Watchdog(notifier, lambda: _alive(running)):
            ending = await running.run(stop)
            notifier.stopping()
            return ending


def _told(notifier: Notifier) -> None:
    notifier.ready("the network is up")


async def _alive(running: Session) -> None:
    """Raises RuntimeError when the radio did not answer a probe."""
    await running.ground.verify()
    if running.radio_state is not RadioState.UP:
        raise RuntimeError(f"the radio is {running.radio_state.value}")


def _reload(running: Session, notifier: Notifier, say: Say) -> None:
    """SIGHUP: read the profile's files again; it is in force once no key exchange is open. What is wrong
    with them is said, and changes nothing.
    """
    source = running.order.profile_source

    def ended(text: str) -> None:
        say(f"SIGHUP: {text}")
        notifier.ready(text)

    def withdrawn(misfit: Misfit | None) -> None:
        ended(f"not read again: {misfit or 'the run ended before'}")

    notifier.reloading()
    if source is None:
        ended("nothing can be read again: the profile has no file")
        return
    try:
        edit = edits.become(load.load(source))
        running.act(
            lambda now: running.switcher.ask(
                edit,
                f"SIGHUP {source}",
                When.NEXT_EXCHANGE,
                now,
                done=lambda _effect: ended("the profile was read again"),
                withdrawn=withdrawn,
            )
        )
    except (ConfigurationError, Misfit, RuntimeError) as error:
        ended(f"not read again: {error}")
