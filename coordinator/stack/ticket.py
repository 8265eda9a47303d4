"""The thread from a request to the frames it becomes, and back to whether they arrived."""

from __future__ import annotations

from coordinator import trace
from coordinator.codec import nwk_commands
from coordinator.primitives import Request
from coordinator.stack.manner import Manner
from coordinator.types import Instant

Carried = Request | nwk_commands.Command | str | None
"""What a frame stands for: the request it carries out, the NWK command it is, or a name."""
APS_ACK = "APS acknowledgement"


class Ticket:
    """Which request a frame comes from, what it carries, which deviations label it, and in which manner it
    was decided.

    `UNTICKETED` is for the stack's own frames: it concludes nothing, and their manner is the one at the
    moment they are queued (`Shaping.bound`).
    """

    __slots__ = ("_note", "_withheld", "carries", "deviations", "manner", "request_id")

    def __init__(
        self,
        request_id: int | None = None,
        deviations: tuple[trace.Deviated, ...] = (),
        note: trace.Sink | None = None,
        carries: Carried = None,
        manner: Manner | None = None,
    ) -> None:
        self.request_id = request_id
        self.deviations = deviations
        self._note = note
        self._withheld = False
        self.carries = carries
        self.manner = manner

    def conclude(self, delivered: bool, reason: str, at: Instant) -> None:
        """Note how the request ended. The first word counts: later frames of it conclude nothing.

        Of a request whose frame was withheld, a later frame may still be delivered.
        """
        if self._withheld and not delivered:
            return
        note, self._note = self._note, None
        self._conclude(note, delivered, reason, at)

    def withhold(self, reason: str, at: Instant) -> None:
        """Note that a fault kept its frame from the radio."""
        if not self._withheld and self.request_id is not None:
            self._conclude(self._note, False, reason, at)
            self._withheld = True

    def _conclude(self, note: trace.Sink | None, delivered: bool, reason: str, at: Instant) -> None:
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
            return Ticket(None, (*self.deviations, deviation), carries=self.carries, manner=self.manner)
        self.deviations = (*self.deviations, deviation)
        return self


UNTICKETED = Ticket()
