"""The neighbor table and the address map (05-3474, 3.6.1.5 and 2.4.3.1): who is near, and who is who.

Both are bounded. Routers that fall silent age out by missed link status; end devices by the
timeout they asked for.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from coordinator.types import SECOND, Duration, Eui64, Instant, NwkAddress

END_DEVICE_TIMEOUTS: tuple[Duration, ...] = (10 * SECOND, *(60 * SECOND * 2**index for index in range(1, 15)))
"""Requested Timeout Enumeration (05-3474 R21, table 3-44): 10 s, then 2, 4, 8 ... 16384 minutes."""

STALE: Duration = 60 * SECOND
"""A neighbour silent for longer gives way to a newcomer when the table is full. Our choice: a bench
sees hundreds of devices that were powered off and never left."""


class Relationship(enum.Enum):
    """What a neighbour is to us (05-3474, table 3-53)."""

    PARENT = 0
    CHILD = 1
    SIBLING = 2
    UNAUTHENTICATED_CHILD = 5


@dataclass(slots=True, kw_only=True)
class Neighbor:
    """One entry. `age` counts link-status periods without news; costs are 1 (best) to 7, 0 unknown."""

    device: Eui64
    address: NwkAddress
    is_router: bool
    receiver_on_when_idle: bool
    relationship: Relationship
    capability: int = 0
    lqi: int = 255
    outgoing_cost: int = 0
    age: int = 0
    last_heard: Instant = Instant(0)
    timeout: Duration = END_DEVICE_TIMEOUTS[8]

    @property
    def incoming_cost(self) -> int:
        """Link cost from LQI. The mapping is an implementation's choice (05-3474, 3.6.3.1)."""
        return 1 if self.lqi >= 200 else 3 if self.lqi >= 100 else 5 if self.lqi >= 50 else 7

    @property
    def is_child(self) -> bool:
        """True while we are its parent, authenticated or not."""
        return self.relationship in (Relationship.CHILD, Relationship.UNAUTHENTICATED_CHILD)


class NeighborTable:
    """Neighbours by EUI-64 and by address."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._devices: dict[Eui64, Neighbor] = {}
        self._addresses: dict[NwkAddress, Neighbor] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def __iter__(self) -> Iterator[Neighbor]:
        return iter(tuple(self._devices.values()))

    @property
    def full(self) -> bool:
        """True when no further neighbour fits."""
        return len(self._devices) >= self.capacity

    def has_room(self, now: Instant) -> bool:
        """True when a newcomer would find a place, if need be that of a stale neighbour."""
        return not self.full or self.stalest(now) is not None

    def stalest(self, now: Instant) -> Neighbor | None:
        """The neighbour that has been silent the longest, if that is long enough to give way."""
        oldest: Neighbor | None = None
        for each in self._devices.values():
            if each.relationship is not Relationship.PARENT and (
                oldest is None or each.last_heard < oldest.last_heard
            ):
                oldest = each
        return oldest if oldest is not None and now - oldest.last_heard > STALE else None

    def find(self, address: NwkAddress) -> Neighbor | None:
        """The neighbour at this network address."""
        return self._addresses.get(address)

    def find_device(self, device: Eui64) -> Neighbor | None:
        """The neighbour with this EUI-64."""
        return self._devices.get(device)

    def add(self, neighbor: Neighbor) -> None:
        """Enter a neighbour, replacing what was known of its EUI-64 and of its address."""
        self.remove(neighbor.device)
        holder = self._addresses.get(neighbor.address)
        if holder is not None:
            self.remove(holder.device)
        self._devices[neighbor.device] = neighbor
        self._addresses[neighbor.address] = neighbor

    def move(self, neighbor: Neighbor, address: NwkAddress) -> None:
        """The neighbour has another address now; whoever was known there is not there any more."""
        self.remove(neighbor.device)
        neighbor.address = address
        self.add(neighbor)

    def remove(self, device: Eui64) -> None:
        """Forget a neighbour."""
        neighbor = self._devices.pop(device, None)
        if neighbor is not None and self._addresses.get(neighbor.address) is neighbor:
            del self._addresses[neighbor.address]

    def clear(self) -> None:
        """Forget all."""
        self._devices.clear()
        self._addresses.clear()


class AddressMap:
    """nwkAddressMap: EUI-64 to network address and back, for devices that need not be neighbours.

    When the table is full the pair learnt the longest ago goes, unless `keeps` says otherwise.
    """

    def __init__(self, capacity: int, keeps: Callable[[Eui64], bool]) -> None:
        self._capacity = capacity
        self._keeps = keeps
        self._by_device: dict[Eui64, NwkAddress] = {}
        self._by_address: dict[NwkAddress, Eui64] = {}
        self.changed: Callable[[Eui64], None] = _unheeded
        """Called after each change of where a device is."""

    def __len__(self) -> int:
        return len(self._by_device)

    def learn(self, device: Eui64, address: NwkAddress) -> tuple[Eui64, ...]:
        """Note that `device` is at `address`. Returns who is in the map no longer because of that."""
        if self._by_device.get(device) == address:
            return ()
        self.forget(device)
        displaced = []
        holder = self._by_address.get(address)
        if holder is not None:
            displaced.append(holder)
        elif len(self._by_device) >= self._capacity:
            displaced.append(
                next((each for each in self._by_device if not self._keeps(each)), next(iter(self._by_device)))
            )
        for each in displaced:
            self.forget(each)
        self._by_device[device] = address
        self._by_address[address] = device
        self.changed(device)
        return tuple(displaced)

    def forget(self, device: Eui64) -> None:
        """Drop the pair of this device."""
        address = self._by_device.pop(device, None)
        if address is not None:
            del self._by_address[address]
            self.changed(device)

    def address_of(self, device: Eui64) -> NwkAddress | None:
        """The network address of a device."""
        return self._by_device.get(device)

    def device_at(self, address: NwkAddress) -> Eui64 | None:
        """The EUI-64 at a network address."""
        return self._by_address.get(address)

    def clear(self) -> None:
        """Forget all."""
        self._by_device.clear()
        self._by_address.clear()


def _unheeded(_device: Eui64) -> None:
    """Nobody keeps what changes."""
