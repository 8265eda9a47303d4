"""The two sides of the primitive seam: what a stack offers, and what stands on it."""

from __future__ import annotations

from typing import Protocol

from coordinator import trace
from coordinator.primitives import Indication, Request
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.conductor import Conductor
from coordinator.stack.timers import Timers
from coordinator.types import Entropy, Eui64, Instant, NwkAddress


class Services(Protocol):
    """What a Trust Center or a joiner may use of the stack below it.

    `request` sends a primitive down as it is. Answers do not use it: they go through
    `conductor.answer`, where behaviours see them. `note` puts a record into the node's trace.
    """

    @property
    def eui64(self) -> Eui64: ...
    @property
    def address(self) -> NwkAddress: ...
    @property
    def timers(self) -> Timers: ...
    @property
    def entropy(self) -> Entropy: ...
    @property
    def conductor(self) -> Conductor: ...
    @property
    def network_keys(self) -> NetworkKeys: ...
    @property
    def link_keys(self) -> LinkKeys: ...

    def note(self, record: trace.Record) -> None: ...
    def request(self, request: Request, now: Instant) -> None: ...


class Application(Protocol):
    """What stands on a stack: a Trust Center's engine or a joiner's."""

    def start(self, now: Instant) -> None:
        """The node was switched on."""
        ...

    def indicate(self, indication: Indication, now: Instant) -> None:
        """A primitive came up. The stack has done its own part of it already."""
        ...
