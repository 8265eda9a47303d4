"""Frame counters: the one way out, which never repeats, and the freshness of what comes in."""

from __future__ import annotations

from collections.abc import Callable

COUNTER_LIMIT = 0xFFFF_FFFF
"""Never sent: a receiver stores what it accepted plus one, and nothing can follow this one."""

RESET_THRESHOLD = 0x8000_0000
"""A key switch may restart the NWK counter only when it is beyond this (protocol.md 1.3, [TI])."""


class CounterExhausted(Exception):
    """The outgoing frame counter has reached its end: nothing more can be protected with this key."""

    def __str__(self) -> str:
        return super().__str__() or "its frame counter is exhausted"


class CounterUnreserved(CounterExhausted):
    """The next counter value is not reserved, and could not be: its use might not survive a crash."""


class OutgoingCounter:
    """A frame counter for sending. `value` is the next one to be used.

    Unguarded, it runs to its end. Guarded, it gives out only values below `limit`, and calls the guard
    before it gives out the value `mark` or any later one. Whoever survives a crash puts `limit` no
    higher than what is on disk, and raises both in the guard. The guard may raise CounterUnreserved;
    if it returns with the value still not below `limit`, that is raised here.
    """

    __slots__ = ("guard", "limit", "mark", "value")

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.limit = COUNTER_LIMIT
        self.mark = COUNTER_LIMIT
        self.guard: Guard | None = None

    def next(self) -> int:
        """Use up one counter value and return it. Raises CounterExhausted."""
        value = self.value
        if value >= self.mark:
            self._pass_the_mark(value)
        self.value = value + 1
        return value

    def raise_to(self, value: int) -> None:
        """Go forward to `value`; never back."""
        if value > self.value:
            self.value = value

    def put_under(self, guard: Guard) -> None:
        """From now on nothing is given out that this guard has not reserved."""
        self.guard = guard
        self.limit = self.mark = 0

    def _pass_the_mark(self, value: int) -> None:
        if value >= COUNTER_LIMIT:
            raise CounterExhausted
        if self.guard is not None:
            self.guard(self)
        if value >= self.limit:
            raise CounterUnreserved("its frame counter is not reserved")


Guard = Callable[[OutgoingCounter], None]
"""Told that a counter came to its mark; reserves more, or sees to it that more is reserved in time."""
