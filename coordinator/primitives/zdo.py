"""The ZDO's own seam: Zigbee Device Profile commands, decoded (05-3474, clause 2.4)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec import zdp
from coordinator.primitives.apsde import Security
from coordinator.types import Eui64, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandIndication:
    """A ZDP request, response or announcement arrived. `sequence` is the transaction's."""

    source: NwkAddress
    device: Eui64 | None
    broadcast: bool
    sequence: int
    command: zdp.Command
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """Send a ZDP command. `sequence` None: the stack numbers it (a request of our own)."""

    destination: NwkAddress
    command: zdp.Command
    sequence: int | None = None
    acknowledge: bool = True
