"""Neighbour upkeep: link status sent and counted, routers aged out, end devices timed out.

05-3474, 3.6.3.4 and 3.6.10.
"""

from __future__ import annotations

from coordinator.codec import nwk_commands
from coordinator.stack.layers import Layers
from coordinator.stack.neighbors import Relationship
from coordinator.stack.timers import Timer
from coordinator.types import BROADCAST_ROUTERS, SECOND, Duration, Eui64, Instant, NwkAddress

ENTRIES_PER_FRAME = 26
"""What one secured Link Status has room for: 43 octets of headers and MIC, 2 and 3 an entry, in 125."""
JITTER: Duration = SECOND // 2
"""Spreads the link status of routers that started together; the width is our choice."""


class Upkeep:
    """Runs once a nwkLinkStatusPeriod while the node is a started router or coordinator."""

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._timer: Timer | None = None

    def start(self, now: Instant) -> None:
        """Begin, or begin again."""
        self.stop()
        first = self._layers.entropy.integer(0, self._layers.policy.current.link_status_period)
        self._timer = self._layers.timers.set(Instant(now + first), self._tick)

    def stop(self) -> None:
        """Send no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def heard(self, source: NwkAddress, status: nwk_commands.LinkStatus) -> None:
        """A neighbour's link status: it is alive, and says how well it hears us."""
        neighbor = self._layers.nwk.neighbors.find(source)
        if neighbor is None:
            return
        neighbor.age = 0
        for entry in status.entries:
            if entry.address == self._layers.nib.address:
                neighbor.outgoing_cost = entry.incoming

    def polled(self, address: NwkAddress | Eui64, now: Instant) -> None:
        """A child polled: its MAC data poll keepalive."""
        neighbors = self._layers.nwk.neighbors
        neighbor = neighbors.find_device(address) if isinstance(address, Eui64) else neighbors.find(address)
        if neighbor is not None:
            neighbor.last_heard = now

    def _tick(self, now: Instant) -> None:
        layers = self._layers
        if not layers.nib.started:
            return
        spread = layers.entropy.integer(0, 2 * JITTER) - JITTER
        period = max(layers.policy.current.link_status_period + spread, SECOND)
        self._timer = layers.timers.set(Instant(now + period), self._tick)
        self._age(now)
        self._send(now)

    def _age(self, now: Instant) -> None:
        limit = self._layers.policy.current.router_age_limit
        for neighbor in self._layers.nwk.neighbors:
            if neighbor.is_router:
                neighbor.age += 1
                gone = neighbor.age > limit
            else:
                gone = now - neighbor.last_heard > neighbor.timeout
            if gone:
                self._layers.part(neighbor.device, neighbor.address, now)

    def _send(self, now: Instant) -> None:
        entries = [
            nwk_commands.LinkStatusEntry(
                address=neighbor.address, cost=neighbor.incoming_cost | neighbor.outgoing_cost << 4
            )
            for neighbor in self._layers.nwk.neighbors
            if neighbor.is_router and neighbor.relationship is not Relationship.UNAUTHENTICATED_CHILD
        ]
        entries.sort(key=lambda entry: entry.address)
        for start in range(0, max(len(entries), 1), ENTRIES_PER_FRAME):
            part = tuple(entries[start : start + ENTRIES_PER_FRAME])
            first = nwk_commands.LINK_STATUS_FIRST if start == 0 else 0
            last = nwk_commands.LINK_STATUS_LAST if start + ENTRIES_PER_FRAME >= len(entries) else 0
            command = nwk_commands.LinkStatus(options=first | last, entries=part)
            self._layers.nwk.command(BROADCAST_ROUTERS, command, now)
