"""What the management entities of one node share: its layers, and the state they stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.primitives import Indication
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.aps import ApsLayer
from coordinator.stack.conductor import Conductor, Standing
from coordinator.stack.mac import MacLayer
from coordinator.stack.nib import Nib
from coordinator.stack.nwk import NwkLayer
from coordinator.stack.policy import StackPolicy
from coordinator.stack.timers import Timers
from coordinator.types import Entropy, Eui64, Instant, NwkAddress

Indicate = Callable[[Indication, Instant], None]
"""Sends a primitive up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """One node from the inside. Made once by its host; the layers themselves are mutable."""

    nib: Nib
    policy: Standing[StackPolicy]
    timers: Timers
    entropy: Entropy
    note: trace.Sink
    conductor: Conductor
    indicate: Indicate
    network_keys: NetworkKeys
    link_keys: LinkKeys
    mac: MacLayer
    nwk: NwkLayer
    aps: ApsLayer

    def drop(self, layer: str, reason: str, source: NwkAddress | Eui64 | None, now: Instant) -> None:
        """Note that a frame is not acted on."""
        self.note(trace.Dropped(at=now, layer=layer, reason=reason, source=source))

    def part(self, device: Eui64, address: NwkAddress, now: Instant) -> None:
        """A neighbour left or fell silent: nothing waits for it any more.

        Its frame counters stay, or its old frames could be played again; they go with its address.
        """
        self.nwk.neighbors.remove(device)
        self.mac.indirect.discard(address, now)
        self.aps.forget(address)
