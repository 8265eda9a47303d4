"""The seam between a node and a radio under asyncio.

What a backend promises: `post` is non-blocking and keeps order, also with respect to a later
`transmit`; frames are handed to `hears` one at a time, in the order of the air, on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune

Hears = Callable[[ReceivedFrame], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransmitResult:
    """How a transmission ended, with the frame-pending bit of the ACK it got."""

    status: TransmitStatus
    frame_pending: bool = False


class Radio(Protocol):
    """One radio. `kind` is stamped on every result: ``sim`` for the simulated one."""

    @property
    def kind(self) -> str: ...

    async def start(self, hears: Hears) -> None:
        """Bring the radio up; from now on `hears` gets what it receives."""
        ...

    def post(self, action: Tune | SetPending | ReceiverOn) -> None:
        """Reconfigure, in order, without waiting."""
        ...

    async def transmit(self, action: Transmit) -> TransmitResult:
        """Send one frame and wait for its end. One at a time."""
        ...

    async def close(self) -> None:
        """Take the radio off the air."""
        ...
