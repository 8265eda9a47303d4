"""Rows of the ladder, and the lane of one device that they are numbered and keyed by."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator import trace
from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence.comments import explain_deviation
from coordinator.primitives import Indication, Request, apsde, apsme
from coordinator.primitives.describe import describe, key_type, name_key
from coordinator.types import SECOND, Duration, Eui64, Instant, LinkKeyKind

AGAIN_WITHIN: Duration = 30 * SECOND
"""The same step of the same device within this time is a repetition."""

UNSECURED = "none"
NWK_KEY = "NWK key"


class Direction(enum.Enum):
    """Who speaks. HERE is the Trust Center by itself: a timer, or silence."""

    TO_JOINER = "TC -> joiner"
    FROM_JOINER = "TC <- joiner"
    HERE = "TC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rung.

    `key` says which key secured it, empty when nothing went over the air. `since` is microseconds
    since the device associated, None before it has. `deviations` are whole sentences. `ghost` marks
    what was to be expected and did not happen.
    """

    at: Instant
    device: Eui64 | None
    direction: Direction
    what: str
    key: str = ""
    since: Duration | None = None
    deviations: tuple[str, ...] = ()
    note: str = ""
    ghost: bool = False


class Lane:
    """One attempt of one device: since when, which link key is in use and on offer, what is owed.

    Nothing is owed any more once it is `over`: the joiner left, or was told to.
    """

    __slots__ = (
        "announced",
        "associated",
        "explained",
        "key",
        "offered",
        "over",
        "owed",
        "repeats",
        "verified",
    )

    def __init__(self) -> None:
        self.announced = False
        self.associated: Instant | None = None
        self.key = LinkKeyKind.GLOBAL
        self.offered: LinkKeyKind | None = None
        self.over = False
        self.verified = False
        self.owed: dict[str, Direction] = {}
        self.repeats: dict[tuple[Direction, str], tuple[int, Instant]] = {}
        self.explained: set[str] = set()

    def row(
        self,
        device: Eui64 | None,
        at: Instant,
        direction: Direction,
        what: str,
        key: str,
        deviations: tuple[trace.Deviated, ...] = (),
    ) -> Row:
        """A row of this lane; a repetition says that it is one."""
        count, last = self.repeats.get((direction, what), (0, at))
        count = count + 1 if at - last <= AGAIN_WITHIN else 1
        self.repeats[direction, what] = (count, at)
        return Row(
            at=at,
            device=device,
            direction=direction,
            what=what,
            key=key,
            since=None if self.associated is None else at - self.associated,
            deviations=self._explain(deviations),
            note=f"again ({count})" if count > 1 else "",
        )

    def ghost(
        self,
        device: Eui64 | None,
        at: Instant,
        direction: Direction,
        what: str,
        note: str,
        deviations: tuple[trace.Deviated, ...] = (),
    ) -> Row:
        """A row for what did not happen."""
        return Row(
            at=at,
            device=device,
            direction=direction,
            what=what,
            since=None if self.associated is None else at - self.associated,
            deviations=self._explain(deviations),
            note=note,
            ghost=True,
        )

    def give_up(self, device: Eui64, at: Instant) -> tuple[Row, ...]:
        """What was still owed, and is awaited no longer."""
        owed, self.owed = self.owed, {}
        return tuple(
            self.ghost(device, at, direction, what, "never came") for what, direction in owed.items()
        )

    def end(self, device: Eui64, at: Instant) -> tuple[Row, ...]:
        """The attempt is over: `give_up`, and expect nothing from now on."""
        self.over = True
        return self.give_up(device, at)

    def owe(self, what: str, by: Direction) -> None:
        """Expect this step next."""
        if not self.over:
            self.owed[what] = by

    def _explain(self, deviations: tuple[trace.Deviated, ...]) -> tuple[str, ...]:
        """Each deviation in full once, and by its name from then on."""
        told = []
        for deviation in deviations:
            sentence = explain_deviation(deviation)
            told.append(f"{deviation.behaviour}, as before" if sentence in self.explained else sentence)
            self.explained.add(sentence)
        return tuple(told)

    def pay(self, what: str) -> None:
        """The step came."""
        self.owed.pop(what, None)


def security(secured: apsde.Security) -> str:
    """How a frame that was heard had been secured, and with which keys."""
    return protection(secured.nwk, secured.aps, secured.link_key)


def protection(nwk: bool, aps: KeyIdentifier | None, kind: LinkKeyKind | None) -> str:
    """The keys of both layers: ``NWK + key-load (global)``, ``none``."""
    if aps is None:
        return NWK_KEY if nwk else UNSECURED
    name = "link key" if aps is KeyIdentifier.DATA else aps.name.lower().replace("_", "-")
    owned = name if kind is None else f"{name} ({kind.value})"
    return f"NWK + {owned}" if nwk else owned


def step(primitive: Indication | Request) -> str:
    """What a row says: `describe`, less the protection that has its own column."""
    if isinstance(primitive, apsme.TransportKeyRequest):
        if primitive.key_sequence is not None:
            return f"Transport-Key (NWK, sequence {primitive.key_sequence})"
        named = name_key(primitive.key, primitive.kind)
        return f"Transport-Key ({key_type(primitive.key_type)}, {named})"
    return describe(primitive)
