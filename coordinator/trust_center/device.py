"""What the Trust Center knows of each device: its standing, the table that standing moves along, the records.

The table is data: the engine looks transitions up, the tests walk the whole product, and `diagram`
draws it for the documentation. A pair that is not in it is a finding, never an exception.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coordinator.primitives import zdo
from coordinator.stack.timers import Timer
from coordinator.types import Eui64, Instant, Key, NwkAddress


class Standing(enum.Enum):
    """Where a device stands with the Trust Center."""

    UNKNOWN = "unknown"
    """No record: it never joined, or was forgotten."""
    ASSOCIATED = "associated"
    """It has an address and no network key from us yet."""
    KEYED = "keyed"
    """It was sent the network key, and has not been heard to use it."""
    AUTHENTICATED = "authenticated"
    """It uses the network key. A device older than R21 goes no further."""
    OFFERED = "offered"
    """It was sent its first Trust Center link key, which awaits its Verify-Key."""
    VERIFIED = "verified"
    """It has proved a Trust Center link key and been told so."""
    RENEWING = "renewing"
    """Verified, and sent a further link key that awaits its Verify-Key."""
    REMOVING = "removing"
    """It was told to leave."""
    REJOINING = "rejoining"
    """It left and said that it would rejoin."""
    LEFT = "left"
    """It left for good."""


class Event(enum.Enum):
    """What moves a standing: indications, and requests that were performed. Never an intention."""

    JOINED = "joined"
    NETWORK_KEY_SENT = "network-key-sent"
    HEARD = "heard-under-network-key"
    KEY_REQUESTED = "key-requested"
    LINK_KEY_SENT = "link-key-sent"
    VERIFY_RECEIVED = "verify-key-received"
    KEY_CONFIRMED = "key-confirmed"
    CONFIRM_REFUSED = "confirm-refused"
    TIMED_OUT = "timed-out"
    REMOVAL_SENT = "removal-sent"
    LEFT_TO_REJOIN = "left-to-rejoin"
    LEFT = "left"


UNPROVED = (Standing.KEYED, Standing.AUTHENTICATED, Standing.OFFERED)
"""Has the network key and has proved no link key: what bdbTrustCenterNodeJoinTimeout supervises."""

MEMBERS = (*UNPROVED, Standing.VERIFIED, Standing.RENEWING)
"""Has the network key from us and was not told to leave."""


def _stay(*standings: Standing) -> dict[Standing, Standing]:
    return {standing: standing for standing in standings}


_BY_EVENT: dict[Event, dict[Standing, Standing]] = {
    Event.JOINED: dict.fromkeys(Standing, Standing.ASSOCIATED),
    Event.NETWORK_KEY_SENT: {Standing.ASSOCIATED: Standing.KEYED, **_stay(*MEMBERS)},
    Event.HEARD: {
        **_stay(*MEMBERS, Standing.REMOVING),
        Standing.KEYED: Standing.AUTHENTICATED,
    },
    Event.KEY_REQUESTED: _stay(*MEMBERS),
    Event.LINK_KEY_SENT: {
        **dict.fromkeys(UNPROVED, Standing.OFFERED),
        Standing.VERIFIED: Standing.RENEWING,
        Standing.RENEWING: Standing.RENEWING,
    },
    Event.VERIFY_RECEIVED: _stay(Standing.OFFERED, Standing.VERIFIED, Standing.RENEWING),
    Event.KEY_CONFIRMED: dict.fromkeys(
        (Standing.OFFERED, Standing.VERIFIED, Standing.RENEWING),
        Standing.VERIFIED,
    ),
    Event.CONFIRM_REFUSED: _stay(*Standing),
    Event.TIMED_OUT: _stay(*UNPROVED),
    Event.REMOVAL_SENT: dict.fromkeys(
        (Standing.ASSOCIATED, *MEMBERS, Standing.REMOVING, Standing.REJOINING),
        Standing.REMOVING,
    ),
    Event.LEFT_TO_REJOIN: dict.fromkeys(
        (Standing.ASSOCIATED, *MEMBERS, Standing.REMOVING, Standing.REJOINING),
        Standing.REJOINING,
    ),
    Event.LEFT: dict.fromkeys(
        (Standing.ASSOCIATED, *MEMBERS, Standing.REMOVING, Standing.REJOINING, Standing.LEFT),
        Standing.LEFT,
    ),
}

TRANSITIONS: Mapping[tuple[Standing, Event], Standing] = MappingProxyType(
    {(before, event): after for event, row in _BY_EVENT.items() for before, after in row.items()}
)
"""Every transition there is. Rejoin has no row yet: what a rejoining device does is a finding."""


def diagram() -> str:
    """The table as a mermaid state diagram, without the events that change nothing."""
    arrows: dict[tuple[Standing, Standing], list[str]] = {}
    for (before, event), after in TRANSITIONS.items():
        if before is not after:
            arrows.setdefault((before, after), []).append(event.value)
    lines = ["stateDiagram-v2"]
    for (before, after), events in arrows.items():
        lines.append(f"    {_node(before)} --> {_node(after)}: {', '.join(events)}")
    return "\n".join(lines) + "\n"


def _node(standing: Standing) -> str:
    return "[*]" if standing is Standing.UNKNOWN else standing.value


@dataclass(slots=True, kw_only=True, eq=False)
class Device:
    """One attempt of one device, from its association to the next one.

    Mutable; only the engine writes it. `parent` None is a child of our own. `proposed` is the link
    key drawn for the running exchange: a repeated Request-Key is answered with it again, whatever
    a behaviour made of it on its way. `deadline` and `reminder` are the running timers.
    """

    eui64: Eui64
    address: NwkAddress
    capability: int
    standing: Standing = Standing.UNKNOWN
    parent: Eui64 | None = None
    stack_revision: int | None = None
    proposed: Key | None = None
    keyed_at: Instant | None = None
    announcement: zdo.CommandIndication | None = None
    deadline: Timer | None = None
    reminder: Timer | None = None

    @property
    def descriptor_awaited(self) -> bool:
        """True between a Node_Desc_req to this device and its answer, or the end of the asking."""
        return self.reminder is not None and self.reminder.pending

    @property
    def supervised(self) -> bool:
        """True while bdbTrustCenterNodeJoinTimeout runs for this device."""
        return self.deadline is not None and self.deadline.pending

    def stop_timers(self) -> None:
        """End the supervision and the asking."""
        for timer in (self.deadline, self.reminder):
            if timer is not None:
                timer.cancel()


class Devices:
    """The bounded table of records, by EUI-64 and by short address. Every operation is O(1)."""

    def __init__(self) -> None:
        self._present: dict[Eui64, Device] = {}
        self._gone: dict[Eui64, Device] = {}
        self._addresses: dict[NwkAddress, Eui64] = {}
        self.changed: Callable[[Eui64], None] = _unheeded
        """Called after each change of a record that outlives a restart."""

    def __len__(self) -> int:
        return len(self._present) + len(self._gone)

    def __iter__(self) -> Iterator[Device]:
        return iter((*self._gone.values(), *self._present.values()))

    def find(self, eui64: Eui64) -> Device | None:
        """The record of this device, if there is one."""
        return self._present.get(eui64) or self._gone.get(eui64)

    def at(self, address: NwkAddress) -> Device | None:
        """The record of the device that has this short address."""
        eui64 = self._addresses.get(address)
        return None if eui64 is None else self.find(eui64)

    def admit(self, device: Device, capacity: int) -> tuple[Device, ...]:
        """Take this record, in place of an earlier one of the same device; return whom it displaced.

        Displaced first is who left the longest ago, and while nobody has left, who has been silent
        the longest. The record just admitted always stays.
        """
        earlier = self.find(device.eui64)
        if earlier is not None:
            self._drop(earlier)
        self._present[device.eui64] = device
        self._addresses[device.address] = device.eui64
        self.changed(device.eui64)
        displaced = []
        while len(self) > max(capacity, 1):
            longest = next(iter((self._gone or self._present).values()))
            self._drop(longest)
            displaced.append(longest)
        return tuple(displaced)

    def move(self, device: Device, address: NwkAddress) -> None:
        """The device has another short address now."""
        if self._addresses.get(device.address) == device.eui64:
            del self._addresses[device.address]
        self._addresses[address] = device.eui64
        if device.address != address:
            device.address = address
            self.changed(device.eui64)

    def touch(self, device: Device) -> None:
        """The device was heard: of those present it is the last to be displaced."""
        if self._present.pop(device.eui64, None) is not None:
            self._present[device.eui64] = device

    def depart(self, device: Device) -> None:
        """The device left: it is displaced before all that are present, after those that left earlier."""
        if self._present.pop(device.eui64, None) is not None:
            self._gone[device.eui64] = device

    def forget(self, device: Device) -> None:
        """Forget this device's record."""
        self._drop(device)

    def _drop(self, device: Device) -> None:
        self._present.pop(device.eui64, None)
        self._gone.pop(device.eui64, None)
        if self._addresses.get(device.address) == device.eui64:
            del self._addresses[device.address]
        self.changed(device.eui64)


def _unheeded(_device: Eui64) -> None:
    """Nobody keeps what changes."""
