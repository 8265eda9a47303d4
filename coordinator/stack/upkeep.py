"""Neighbour upkeep: link status sent and counted, routers aged out, end devices timed out (05-3474, 3.6.3.4, 3.6.10)."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import nwk, nwk_commands
from coordinator.stack.neighbors import Neighbor, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.nwk import NwkLayer
from coordinator.stack.policy import StackPolicy
from coordinator.stack.timers import Timer, Timers
from coordinator.types import BROADCAST_ROUTERS, SECOND, Duration, Entropy, Eui64, Instant, NwkAddress

ENTRIES_PER_FRAME = 27
"""What one Link Status command has room for."""
JITTER: Duration = SECOND // 2
"""Spreads the link status of routers that started together; the width is our choice."""

LINK_STATUS_CONTROL = nwk.frame_control(nwk.FrameType.COMMAND, secured=True, source_ieee=True)

Gone = Callable[[Neighbor], None]


class Upkeep:
    """Runs once a nwkLinkStatusPeriod while the node is a started router or coordinator."""

    def __init__(
        self, nib: Nib, policy: StackPolicy, timers: Timers, entropy: Entropy, layer: NwkLayer, gone: Gone
    ) -> None:
        self._nib = nib
        self._policy = policy
        self._timers = timers
        self._entropy = entropy
        self._nwk = layer
        self._gone = gone
        self._timer: Timer | None = None

    def start(self, now: Instant) -> None:
        """Begin, or begin again."""
        self.stop()
        first = self._entropy.integer(0, self._policy.link_status_period)
        self._timer = self._timers.set(Instant(now + first), self._tick)

    def stop(self) -> None:
        """Send no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def heard(self, source: NwkAddress, status: nwk_commands.LinkStatus) -> None:
        """A neighbour's link status: it is alive, and says how well it hears us."""
        neighbor = self._nwk.neighbors.find(source)
        if neighbor is None:
            return
        neighbor.age = 0
        for entry in status.entries:
            if entry.address == self._nib.address:
                neighbor.outgoing_cost = entry.incoming

    def polled(self, address: NwkAddress | Eui64, now: Instant) -> None:
        """A child polled: its MAC data poll keepalive."""
        neighbors = self._nwk.neighbors
        neighbor = neighbors.find_device(address) if isinstance(address, Eui64) else neighbors.find(address)
        if neighbor is not None:
            neighbor.last_heard = now

    def _tick(self, now: Instant) -> None:
        if not self._nib.started:
            return
        period = self._policy.link_status_period
        self._timer = self._timers.set(
            Instant(now + period - JITTER + self._entropy.integer(0, 2 * JITTER)), self._tick
        )
        self._age(now)
        self._send(now)

    def _age(self, now: Instant) -> None:
        for neighbor in self._nwk.neighbors:
            if neighbor.is_router:
                neighbor.age += 1
                if neighbor.age > self._policy.router_age_limit:
                    self._drop(neighbor)
            elif now - neighbor.last_heard > neighbor.timeout:
                self._drop(neighbor)

    def _drop(self, neighbor: Neighbor) -> None:
        self._nwk.neighbors.remove(neighbor.device)
        self._gone(neighbor)

    def _send(self, now: Instant) -> None:
        entries = [
            nwk_commands.LinkStatusEntry(
                address=neighbor.address, cost=neighbor.incoming_cost | neighbor.outgoing_cost << 4
            )
            for neighbor in self._nwk.neighbors
            if neighbor.is_router and neighbor.relationship is not Relationship.UNAUTHENTICATED_CHILD
        ]
        entries.sort(key=lambda entry: entry.address)
        for start in range(0, max(len(entries), 1), ENTRIES_PER_FRAME):
            part = tuple(entries[start : start + ENTRIES_PER_FRAME])
            options = (nwk_commands.LINK_STATUS_FIRST if start == 0 else 0) | (
                nwk_commands.LINK_STATUS_LAST if start + ENTRIES_PER_FRAME >= len(entries) else 0
            )
            command = nwk_commands.LinkStatus(options=options, entries=part)
            self._nwk.send(
                BROADCAST_ROUTERS,
                nwk_commands.encode(command),
                now,
                frame_control=LINK_STATUS_CONTROL,
                radius=1,
                source_ieee=self._nib.eui64,
            )
