"""What the control plane of a bench is told for good. Light: a run without one reads this too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

IN_FLIGHT = 1000
"""Requests for one command that may wait for their answer at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the bench was told for good. `folder` takes captures that are begun from outside."""

    id: str
    folder: Path | None = None
    max_bytes: int | None = None
    expose_keys: bool = False
    frames: bool = False
