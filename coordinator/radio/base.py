"""The seam between a node and a radio under asyncio.

What a backend promises: `post` is non-blocking and keeps order; frames and confirmations are handed
over one at a time, in the order of the air, on the event loop, and never from within `post`. A
`Transmit` is confirmed exactly once, as ABORTED when the radio is gone or was reset meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coordinator.radio.capabilities import Report
from coordinator.radio.errors import RadioError
from coordinator.stack.node import Action, ReceivedFrame, TransmitStatus
from coordinator.types import Channel, Duration

Hears = Callable[[ReceivedFrame], None]
"""Gets each frame that the radio receives."""

Confirms = Callable[[int, TransmitStatus, bool], None]
"""Gets the end of each transmission: its handle, how it went, the frame-pending bit of its ACK."""

Misses = Callable[[str], None]
"""Gets word, and why, that something which the radio heard may be missing; it works on."""

Fails = Callable[[RadioError], None]
"""Gets word that the radio was lost or reset: it does nothing until it is started again."""


class Radio(Protocol):
    """One radio. `kind` is stamped on every result: ``sim`` for the simulated one."""

    @property
    def kind(self) -> str: ...

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Bring the radio up; from now on it says what it receives and how transmissions end.

        On a radio that is up, only the receivers of that change. Raises RadioError.
        """
        ...

    def post(self, action: Action) -> None:
        """Transmit or reconfigure, in order, without waiting. One transmission at a time."""
        ...

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """The peak RSSI, in dBm, that the radio finds on a channel in `span`; it hears no frame meanwhile."""
        ...

    async def close(self) -> None:
        """Take the radio off the air. Nothing is heard or confirmed afterwards."""
        ...


class Device(Radio, Protocol):
    """A radio that is a thing of its own, and can fail. A `Supervisor` looks after it."""

    @property
    def report(self) -> Report:
        """What it said of itself when it came up. Raises LookupError before that."""
        ...

    def watch(self, fails: Fails, misses: Misses) -> None:
        """Say whom to tell of its end, and of what is missing."""
        ...

    async def probe(self) -> float:
        """Make sure that it is there and does what it was told; return the seconds of a round trip.

        Raises RadioError, of which `fails` was told as well.
        """
        ...
