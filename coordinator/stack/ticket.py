"""The thread from a request to the frames it becomes, and back to whether they arrived."""

from __future__ import annotations

from coordinator import trace
from coordinator.stack.manner import Manner
from coordinator.types import Instant


class Ticket:
    """Which request a frame comes from, which deviations label it, and in which manner it was decided.

    `UNTICKETED` is for the stack's own frames: it concludes nothing, and their manner is the one at the
    moment they are queued (`Shaping.bound`).
    """

    __slots__ = ("_note", "deviations", "manner", "request_id")

    def __init__(
        self,
        request_id: int | None = None,
        deviations: tuple[trace.Deviated, ...] = (),
        note: trace.Sink | None = None,
        manner: Manner | None = None,
    ) -> None:
        self.request_id = request_id
        self.deviations = deviations
        self._note = note
        self.manner = manner

    def conclude(self, delivered: bool, reason: str, at: Instant) -> None:
        """Note how the request ended. The first word counts: later frames of it conclude nothing."""
        note, self._note = self._note, None
        if note is not None and self.request_id is not None:
            note(
                trace.Concluded(
                    at=at,
                    request_id=self.request_id,
                    delivered=delivered,
                    reason="" if delivered else reason,
                )
            )

    def labelled(self, deviation: trace.Deviated) -> Ticket:
        """The ticket of a frame that is, by a further deviation, not what it would have been."""
        if self.request_id is None:
            return Ticket(None, (*self.deviations, deviation), manner=self.manner)
        self.deviations = (*self.deviations, deviation)
        return self


UNTICKETED = Ticket()
