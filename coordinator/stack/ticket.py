"""The thread from a request to the frames it becomes, and back to whether they arrived."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.stack.node import TransmitStatus
from coordinator.types import Instant

Outcome = Callable[[TransmitStatus, Instant], None]
"""Told how a frame's transmission ended."""


@dataclass(slots=True)
class Ticket:
    """Which request a frame comes from and which deviations label it. `UNTICKETED` for the stack's own."""

    request_id: int | None = None
    deviations: tuple[trace.Deviated, ...] = ()


UNTICKETED = Ticket()
