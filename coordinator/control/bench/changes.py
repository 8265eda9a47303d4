"""Asking the switcher, and waiting for the moment: what every change of behaviours goes through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from coordinator.control.bench import moments
from coordinator.control.bench.bench import Bench, Over, refused
from coordinator.control.schema.base import Changed, Switch, When
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.runtime.session import Session
from coordinator.switching.change import Edit, Misfit, Outdated
from coordinator.switching.effect import Effect
from coordinator.switching.switcher import Pending
from coordinator.types import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One change to ask for: what it makes of what is in force, its name for people, and when."""

    edit: Edit
    change: str
    when: When
    generation: int | None = None
    transaction: str | None = None
    also: Callable[[Session, Instant], None] | None = None
    """Done in the same call; may raise Misfit."""


class Waiter:
    """One change on its way: `outcome` is its effect, or the ControlError it ended in."""

    def __init__(
        self,
        bench: Bench,
        asked: Asked,
        *,
        done: Callable[[Effect], None] = lambda _effect: None,
        failed: Callable[[ControlError], None] = lambda _error: None,
    ) -> None:
        """`done` and `failed` are told at once, in the call that brings the moment."""
        self._bench = bench
        self._tell_done = done
        self._tell_failed = failed
        self._asked = asked
        self._session: Session | None = None
        self._pending: Pending | None = None
        self.outcome: asyncio.Future[Effect] = asyncio.get_running_loop().create_future()
        self.outcome.add_done_callback(heeded)

    def ask(self) -> None:
        """Ask the switcher. Raises ControlError when the change does not fit; then nothing was changed."""
        self._pending = self._bench.act(self._ask)
        if self._pending is not None:
            self._tell("waiting", "")

    def ask_within(self, session: Session, now: Instant) -> None:
        """Ask from within the node, where another change has just taken effect. Errors go to `outcome`."""
        try:
            self._pending = self._ask(session, now)
        except Misfit as misfit:
            self._withdrawn(misfit)
        else:
            if self._pending is not None:
                self._tell("waiting", "")

    def _ask(self, session: Session, now: Instant) -> Pending | None:
        asked = self._asked
        self._session = session
        also = asked.also
        return session.switcher.ask(
            asked.edit,
            asked.change,
            moments.of(asked.when),
            now,
            done=self._done,
            withdrawn=self._withdrawn,
            generation=asked.generation,
            also=None if also is None else lambda at: also(session, at),
        )

    def withdraw(self) -> bool:
        """It shall not happen any more; False when it has, or was withdrawn."""
        session, pending = self._session, self._pending
        if session is None or pending is None or self.outcome.done():
            return False
        if session is self._bench.session:
            return session.act(lambda _now: session.switcher.cancel(pending))
        self._withdrawn(None)
        return True

    async def effect(self, within: float) -> Effect:
        """Wait for it to take effect. Raises ControlError, and then it never will."""
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(self.outcome)
        except TimeoutError:
            if self.withdraw():
                raise ControlError(
                    ErrorCode.TIMEOUT,
                    f"the moment did not come within {within:g} s: nothing was changed",
                    hint="ask for longer with `within`, or for another `when`",
                ) from None
            return self.outcome.result()
        except asyncio.CancelledError:
            self.withdraw()
            raise

    def _done(self, effect: Effect) -> None:
        if not self.outcome.done():
            self.outcome.set_result(effect)
        self._tell_done(effect)

    def _withdrawn(self, misfit: Misfit | None) -> None:
        self._tell("withdrawn", "it was cancelled" if misfit is None else str(misfit))
        if self.outcome.done():
            return
        if misfit is None:
            error = ControlError(ErrorCode.TIMEOUT, "the change was withdrawn before its moment came")
        elif isinstance(misfit, Outdated):
            error = ControlError(ErrorCode.CONFLICT, str(misfit), hint="read state, and decide again")
        else:
            error = refused(misfit)
        self.outcome.set_exception(error)
        self._tell_failed(error)

    def _tell(self, state: str, reason: str) -> None:
        asked = self._asked
        self._bench.feed.publish(
            "pending",
            {"state": state, "change": asked.change, "reason": reason, "transaction": asked.transaction},
        )
        self._bench.refresh()


def heeded(outcome: asyncio.Future[Any]) -> None:
    """An error that nobody waits for any more is not an error of ours."""
    if not outcome.cancelled():
        outcome.exception()


def change(
    bench: Bench,
    request: Switch,
    edit: Edit,
    name: str,
    also: Callable[[Session, Instant], None] | None = None,
) -> Changed | Awaitable[Changed]:
    """Make a change at the moment that its request names, and answer when it has taken effect."""
    asked = Asked(
        edit=edit,
        change=name,
        when=request.when,
        generation=request.if_generation,
        transaction=request.transaction,
        also=also,
    )
    waiter = Waiter(bench, asked)
    waiter.ask()
    if waiter.outcome.done() and not request.first_frame_within:
        return bench.changed(waiter.outcome.result())
    return _answer(bench, request, waiter)


async def _answer(bench: Bench, request: Switch, waiter: Waiter) -> Changed:
    effect = await waiter.effect(request.within)
    session, changed = bench.session, bench.changed(effect)
    await first_frame(bench, effect, request.first_frame_within)
    return bench.changed(effect) if bench.session is session else changed  # the feed has another clock by now


async def first_frame(bench: Bench, effect: Effect, within: float) -> None:
    """Wait until the first frame of its generation has left, but not longer than `within` seconds."""
    session = bench.session
    if effect.first_new is not None or not within or session is None:
        return
    left = asyncio.Event()

    def found(which: Effect) -> None:
        if which is effect:
            left.set()

    session.switcher.boundaries.found.append(found)
    try:
        await bench.while_up(left.wait(), within)
    except (TimeoutError, Over):
        pass
    finally:
        session.switcher.boundaries.found.remove(found)
