"""The device's own standing: its state, the one timer of that state, and what it went by."""

from __future__ import annotations

import enum

from coordinator.joiner.model import JoinerModel
from coordinator.primitives import Request
from coordinator.stack.application import Services
from coordinator.stack.timers import Expiry, Timer
from coordinator.types import Duration, Instant


class State(enum.Enum):
    """Where a joiner is on its way."""

    OFF = "off"
    SCANNING = "scanning"
    RESTING = "resting"
    ASSOCIATING = "associating"
    UNAUTHENTICATED = "unauthenticated"
    AUTHENTICATED = "authenticated"
    DESCRIBING = "describing"
    REQUESTING = "requesting"
    VERIFYING = "verifying"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"
    GAVE_UP = "gave up"


ENDED = frozenset({State.LEFT, State.REMOVED, State.GAVE_UP})
"""It will do nothing more."""

SETTLED = ENDED | {State.JOINED, State.UNVERIFIED}
"""It ended, or it is in the network and will do no more about its joining."""

EXCHANGING = frozenset({State.DESCRIBING, State.REQUESTING, State.VERIFYING})
"""The Trust Center link key exchange is under way."""

AUTHENTICATED = EXCHANGING | {State.AUTHENTICATED, State.FAILED, State.UNVERIFIED, State.JOINED}
"""It holds the network key."""

_OUT = frozenset({State.LEFT, State.REMOVED, State.RESTING})
_DECIDED = frozenset({State.JOINED, State.FAILED, State.UNVERIFIED, State.REMOVED, State.RESTING})

SUCCESSORS: dict[State, frozenset[State]] = {
    State.OFF: frozenset({State.SCANNING}),
    State.SCANNING: frozenset({State.ASSOCIATING, State.RESTING, State.GAVE_UP}),
    State.RESTING: frozenset({State.SCANNING, State.ASSOCIATING}),
    State.ASSOCIATING: frozenset({State.ASSOCIATING, State.UNAUTHENTICATED, State.RESTING, State.GAVE_UP}),
    State.UNAUTHENTICATED: frozenset(
        {State.AUTHENTICATED, State.ASSOCIATING, State.RESTING, State.GAVE_UP, State.REMOVED}
    ),
    State.AUTHENTICATED: _DECIDED | {State.DESCRIBING},
    State.DESCRIBING: _DECIDED | {State.REQUESTING},
    State.REQUESTING: _DECIDED | {State.REQUESTING, State.VERIFYING, State.LEFT},
    State.VERIFYING: _DECIDED | {State.REQUESTING, State.LEFT},
    State.FAILED: _OUT,
    State.UNVERIFIED: _OUT - {State.LEFT},
    State.JOINED: _OUT - {State.LEFT},
    State.LEFT: frozenset(),
    State.REMOVED: frozenset(),
    State.GAVE_UP: frozenset(),
}
"""From each state, those that may follow it."""


class Device:
    """What the procedures of one joiner share.

    `consulted` are the traits that its choices went by, in the order they first mattered.
    """

    __slots__ = ("_timer", "consulted", "model", "services", "state")

    def __init__(self, model: JoinerModel, services: Services) -> None:
        self.model = model
        self.services = services
        self.state = State.OFF
        self.consulted: dict[str, None] = {}
        self._timer: Timer | None = None

    def enter(self, state: State) -> None:
        """Go to `state`; whatever was waited for in the one before is forgotten."""
        assert state in SUCCESSORS[self.state], f"a joiner cannot go from {self.state.value} to {state.value}"
        self.state = state
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wait(self, span: Duration, expiry: Expiry, now: Instant) -> None:
        """Call `expiry` in `span` microseconds, unless the state is left before."""
        self._timer = self.services.timers.set(Instant(now + span), expiry)

    def request(self, request: Request, now: Instant) -> None:
        """Hand a primitive to the stack."""
        self.services.request(request, now)

    def consult(self, trait: str) -> None:
        """Note that the model's `trait` decided something."""
        self.consulted.setdefault(trait)
