"""Who was seen: each device with its attempts, and which short address is whose."""

from __future__ import annotations

from collections import deque

from coordinator.evidence.attempts import Deviations, Trail
from coordinator.primitives import mlme
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, Key, LinkKeyKind, NwkAddress

ATTEMPTS_KEPT = 16
"""Attempts of one device that are kept in full; of earlier ones only the number is."""


class History:
    """One device: its latest attempts, the key it joins with, and the unique key of an earlier attempt."""

    __slots__ = (
        "addresses", "begun", "incomplete", "previous", "provisional", "provisional_kind", "trails",
    )  # fmt: skip

    def __init__(self) -> None:
        self.trails: deque[Trail] = deque(maxlen=ATTEMPTS_KEPT)
        self.begun = 0
        self.incomplete: list[str] = []
        """Why evidence of this device alone is missing."""
        self.addresses: set[NwkAddress] = set()
        self.provisional: Key = GLOBAL_LINK_KEY
        self.provisional_kind = LinkKeyKind.GLOBAL
        self.previous: Key | None = None


class Scan:
    """Active scans: who scans cannot be told, so this is kept beside the devices."""

    __slots__ = ("beacon", "deviations", "first", "incomplete", "last", "refused", "requests", "resumed")

    def __init__(self) -> None:
        self.first: Instant | None = None
        self.last: Instant = Instant(0)
        self.requests = 0
        self.beacon: mlme.BeaconRequest | None = None
        self.deviations = Deviations()
        self.incomplete: list[str] = []
        self.refused: dict[Eui64, int] = {}
        """How often a device asked to associate that the allow-list does not have; the first few."""
        self.resumed: dict[Eui64, bool] = {}
        """Devices of an earlier session, and whether they were heard in this one."""

    def heard(self, at: Instant) -> None:
        """Another beacon request."""
        self.requests += 1
        self.last = at
        if self.first is None:
            self.first = at


class Register:
    """Devices by EUI-64, addresses to devices. Everything about a device goes with `forget`."""

    def __init__(self) -> None:
        self.histories: dict[Eui64, History] = {}
        self.scan = Scan()
        self._addresses: dict[NwkAddress, Eui64] = {}
        self._provisional: dict[Eui64, tuple[Key, LinkKeyKind]] = {}

    def current(self, device: Eui64 | None) -> Trail | None:
        """The latest attempt of this device."""
        if device is None:
            return None
        history = self.histories.get(device)
        return history.trails[-1] if history is not None else None

    def at(self, address: int) -> Trail | None:
        """The latest attempt of the device with this short address."""
        device = self._addresses.get(NwkAddress(address))
        return None if device is None else self.current(device)

    def find(self, device: Eui64 | None, address: int) -> Trail | None:
        """By EUI-64 if that is known, else by short address."""
        return self.current(device) if device is not None else self.at(address)

    def by_source(self, source: NwkAddress | Eui64) -> Trail | None:
        """By whichever address a frame gave."""
        return self.current(source) if isinstance(source, Eui64) else self.at(source)

    def begin(self, device: Eui64, at: Instant) -> Trail:
        """A new attempt of this device; one that was still open is superseded."""
        history = self.histories.get(device)
        if history is None:
            history = self.histories[device] = History()
            known = self._provisional.get(device)
            if known is not None:
                history.provisional, history.provisional_kind = known
        else:
            before = history.trails[-1]
            if before.ended is None:
                before.superseded = at
        history.begun += 1
        trail = Trail(device, history.begun, at)
        trail.held, trail.held_kind = history.provisional, history.provisional_kind
        trail.deviations.take(self.scan.deviations)
        history.trails.append(trail)
        return trail

    def place(self, trail: Trail, address: NwkAddress) -> None:
        """This attempt's device has this short address from now on."""
        trail.address = address
        self._addresses[address] = trail.device
        self.histories[trail.device].addresses.add(address)

    def expect(self, device: Eui64, key: Key, kind: LinkKeyKind) -> None:
        """This device joins, or is joining, with this link key."""
        history = self.histories.get(device)
        if history is None:
            if kind is LinkKeyKind.INSTALL_CODE:
                self._provisional[device] = (key, kind)
            return
        history.provisional, history.provisional_kind = key, kind
        trail = history.trails[-1]
        trail.held, trail.held_kind = key, kind

    def sole(self) -> Trail | None:
        """The latest attempt, if there is only one device."""
        if len(self.histories) != 1:
            return None
        (history,) = self.histories.values()
        return history.trails[-1]

    def forget(self, device: Eui64) -> None:
        """Forget a device and its addresses; the key of its install code is configured, and stays."""
        history = self.histories.pop(device, None)
        if history is None:
            return
        for address in history.addresses:
            if self._addresses.get(address) == device:
                del self._addresses[address]
