"""Frame counters: the one way out, which never repeats, and the freshness of what comes in."""

from __future__ import annotations

COUNTER_LIMIT = 0xFFFF_FFFF
"""Never sent: a receiver stores what it accepted plus one, and nothing can follow this one."""

RESET_THRESHOLD = 0x8000_0000
"""A key switch may restart the NWK counter only when it is beyond this (protocol.md 1.3, [TI])."""


class CounterExhausted(Exception):
    """The outgoing frame counter has reached its end: nothing more can be protected with this key."""


class OutgoingCounter:
    """A frame counter for sending. `value` is the next one to be used.

    Whoever must survive a crash reads `value` after each take and persists it, a block ahead,
    before anything is sent.
    """

    __slots__ = ("value",)

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def next(self) -> int:
        """Use up one counter value and return it. Raises CounterExhausted."""
        value = self.value
        if value >= COUNTER_LIMIT:
            raise CounterExhausted
        self.value = value + 1
        return value

    def raise_to(self, value: int) -> None:
        """Go forward to `value`; never back."""
        if value > self.value:
            self.value = value
