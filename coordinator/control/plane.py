"""What a transport is given: who answers, what happens, what is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator.control.board import Board
from coordinator.control.dispatch import Dispatcher
from coordinator.control.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """The control plane of one bench. Transports come and go; it stays."""

    dispatcher: Dispatcher
    feed: Feed
    board: Board
    profiles: Callable[[], tuple[str, ...]] = tuple
    """The names that profile/set takes."""
