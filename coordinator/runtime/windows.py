"""Observation windows: how long each device is watched."""

from __future__ import annotations

import asyncio

from coordinator import trace
from coordinator.primitives import mlme
from coordinator.types import Duration, Eui64, Instant


class Windows:
    """One observation window a device: opened by its first association request, closed `observe` later."""

    def __init__(self, observe: Duration) -> None:
        self.observe = observe
        self.closing: dict[Eui64, Instant] = {}
        self.changed = asyncio.Event()

    def note(self, record: trace.Record) -> None:
        """Watch for association requests."""
        if isinstance(record, trace.Indicated) and isinstance(record.indication, mlme.AssociateIndication):
            device = record.indication.device
            if device not in self.closing:
                self.closing[device] = Instant(record.at + self.observe)
                self.changed.set()
