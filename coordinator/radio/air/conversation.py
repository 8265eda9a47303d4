"""One side of a session: numbers what it says, puts in order what it hears, knows when the other is lost.

Loopback UDP loses a datagram when the receiver's buffer is full, and may swap two. A swap is undone; what
stays missing is a loss, for a frame that comes late is as wrong as one that never comes.
"""

from __future__ import annotations

from coordinator.radio.air.datagrams import UNCOUNTED, Datagram, encode
from coordinator.radio.air.messages import Bye, Counted, Uncounted
from coordinator.types import MILLISECOND, SECOND, Duration, Instant

KEEP_ALIVE: Duration = SECOND // 2
SILENCE: Duration = 5 * SECOND
"""Nothing heard for so long: the other is gone."""
PATIENCE: Duration = 100 * MILLISECOND
"""A datagram that is missing so long is lost."""
EARLY = 64
"""How many may overtake a missing one."""


class Conversation:
    """Numbers from 1 in both directions. `duplicates` counts what was heard before; `other` is what a
    fault calls the other side.
    """

    def __init__(self, session: int, now: Instant, other: str) -> None:
        self.session = session
        self._other = other
        self.heard_at = now
        self.duplicates = 0
        self._said = 0
        self._next = 1
        self._early: dict[int, Counted] = {}
        self._missing_since: Instant | None = None

    def say(self, message: Counted) -> bytes:
        """The octets of the next datagram. Raises EncodeError; then no number is used up."""
        octets = encode(Datagram(self.session, self._said + 1, message))
        self._said += 1
        return octets

    def bye(self, reason: str) -> bytes:
        """The octets of the last datagram."""
        return encode(Datagram(self.session, UNCOUNTED, Bye(reason)))

    def hear(self, datagram: Datagram, now: Instant) -> list[Counted]:
        """What can be acted on now, in the order it was said. The datagram is of this session."""
        self.heard_at = now
        message = datagram.message
        if isinstance(message, Uncounted):
            return []
        if datagram.sequence < self._next or datagram.sequence in self._early:
            self.duplicates += 1
            return []
        if datagram.sequence != self._next and len(self._early) >= EARLY:
            return []
        self._early[datagram.sequence] = message
        due = []
        while self._next in self._early:
            due.append(self._early.pop(self._next))
            self._next += 1
        if not self._early:
            self._missing_since = None
        elif due or self._missing_since is None:
            self._missing_since = now
        return due

    def fault(self, now: Instant) -> str | None:
        """Why the session cannot go on, in words for people; None while it can."""
        missing = self._missing_since
        if missing is not None and (now - missing > PATIENCE or len(self._early) >= EARLY):
            return f"datagram {self._next} of {self._other} was lost on the way"
        if now - self.heard_at > SILENCE:
            return f"{self._other} was silent for {SILENCE // SECOND} s"
        return None
