"""The bench as handlers see it: the session that is up, and what outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from coordinator.control.bench.catalogue import Catalogue
from coordinator.control.bench.runs import Runs
from coordinator.control.board import Board
from coordinator.control.feed import Feed
from coordinator.control.options import Options
from coordinator.control.schema.base import Changed, Effective, Frame
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.runtime.session import Session
from coordinator.switching.change import Misfit, Outdated
from coordinator.switching.effect import Effect, FrameRef
from coordinator.trace import RadioState
from coordinator.types import Instant

Result = TypeVar("Result")
Broker = Literal["off", "connected", "disconnected"]


class Over(Exception):
    """The session ended before what was waited for."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """One bench. `session` is None while a network is being formed."""

    options: Options
    feed: Feed
    board: Board
    runs: Runs = field(default_factory=Runs)
    catalogue: Catalogue = field(default_factory=Catalogue)
    session: Session | None = None
    formed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a session is up."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the session that was up is no more; the next has another."""
    instead: str = ""
    """Why another network was formed than was asked for."""
    refresh: Callable[[], None] = lambda: None
    """Post `state` again."""
    broker: Callable[[], Broker] = lambda: "off"
    """How it stands with the broker."""

    def up(self) -> Session:
        """The session. Raises ControlError while there is none."""
        if self.session is None:
            raise ControlError(
                ErrorCode.REFUSED, "the network is being formed", hint="ask again when state says so"
            )
        return self.session

    def on_air(self) -> Session:
        """The session, if its radio can send. Raises ControlError."""
        session = self.up()
        if session.radio_state is not RadioState.UP:
            raise ControlError(
                ErrorCode.RADIO_LOST,
                f"there is no radio to send with: it is {session.radio_state.value}",
                hint="it is being brought back; state says when it is ok",
            )
        return session

    def begin(self, session: Session) -> None:
        """Its network is up."""
        self.session, self.over = session, asyncio.Event()
        self.formed.set()

    def end(self) -> None:
        """Nothing can be done to the session any more."""
        self.session = None
        self.formed.clear()
        self.over.set()

    async def while_up(self, awaited: Coroutine[object, object, Result], within: float) -> Result:
        """Wait for something of the session that is up. Raises TimeoutError, and Over when the session ends
        first.
        """
        over = asyncio.ensure_future(self.over.wait())
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait((waiting, over), timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise Over if over.done() else TimeoutError
        finally:
            over.cancel()
            waiting.cancel()

    def act(self, call: Callable[[Session, Instant], Result]) -> Result:
        """Do something to the Trust Center between two frames. Raises ControlError for what does not fit."""
        session = self.up()
        try:
            return session.act(lambda now: call(session, now))
        except Outdated as outdated:
            raise ControlError(
                ErrorCode.CONFLICT, str(outdated), hint="read state, and decide again"
            ) from None
        except Misfit as misfit:
            raise refused(misfit) from None

    def check_generation(self, wanted: int | None) -> None:
        """Raise ControlError when the generation is another."""
        is_now = self.up().switcher.generation
        if wanted is not None and wanted != is_now:
            raise ControlError(
                ErrorCode.CONFLICT,
                f"it was asked for generation {wanted}, and this is {is_now}",
                hint="read state, and decide again",
            )

    def advance(self, change: str, wanted: int | None, act: Callable[[Session, Instant], None]) -> Effect:
        """Do something that makes a new generation, and is done at once."""
        self.check_generation(wanted)

        def call(session: Session, now: Instant) -> Effect:
            act(session, now)
            return session.switcher.advance(change, now)

        return self.act(call)

    def changed(self, effect: Effect) -> Changed:
        """The answer to a change that has taken effect."""
        return Changed(generation=effect.generation, effective=self.effective(effect), profile=effect.profile)

    def effective(self, effect: Effect) -> Effective:
        """Where its boundary is."""
        first = effect.first_new
        if first is not None:
            first_frame: Frame | None = self.frame(first)
        elif effect.outstanding:
            first_frame = None
        else:
            first_frame = Frame(frame=effect.next_number)
        return Effective(
            t_mono_ns=self.feed.mono(effect.at),
            t_wall=self.feed.wall(effect.at),
            last_frame_old=None if effect.last_old is None else self.frame(effect.last_old),
            first_frame_new=first_frame,
            outstanding_old=effect.outstanding,
        )

    def frame(self, frame: FrameRef) -> Frame:
        """A frame of the Trust Center, as answers name it."""
        return Frame(frame=frame.number, t_mono_ns=self.feed.mono(frame.at), mac_sequence=frame.mac_sequence)


def refused(misfit: Misfit) -> ControlError:
    """The error that says what does not fit, each thing of its own."""
    return ControlError(
        ErrorCode.REFUSED,
        f"nothing was changed: {misfit}",
        details=[Detail(path="", message=reason) for reason in misfit.reasons],
    )
