"""The one place where standing changes, where records come and go, and where findings are noted.

Who is forgotten: when the table is full, the device that left the longest ago; while nobody has
left, the one that has been silent the longest. With its record go its timers, its Trust Center link
keys (current, pending, previous) with their counters, and its NWK frame counters, so that memory
does not grow with the number of joins. An install code stays: it was configured, not learnt.
"""

from __future__ import annotations

from coordinator import trace
from coordinator.primitives import nlme
from coordinator.stack.application import Services
from coordinator.trust_center.device import TRANSITIONS, Device, Devices, Event, Standing
from coordinator.types import Eui64, Instant, LinkKeyKind, NwkAddress


class Ledger:
    """The Trust Center's records, kept by its transition table."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.devices = Devices()

    def finding(self, device: Eui64 | None, summary: str, now: Instant) -> None:
        """Note something the specification does not foresee."""
        self._services.note(trace.Finding(at=now, device=device, summary=summary))

    def move(self, eui64: Eui64, event: Event, now: Instant) -> Device | None:
        """Move this device along the table and return its record.

        None: the table does not have that transition, or the device has no record. The former is noted
        as a finding; neither changes anything.
        """
        device = self.devices.find(eui64)
        before = Standing.UNKNOWN if device is None else device.standing
        after = TRANSITIONS.get((before, event))
        if after is None:
            self.finding(eui64, f"{event.value} while {before.value}", now)
            return None
        if device is not None and after is not before:
            device.standing = after
            self.devices.changed(eui64)
            self._services.note(
                trace.StandingChanged(
                    at=now, device=eui64, before=before.value, event=event.value, after=after.value
                )
            )
        return device

    def join(self, joined: nlme.JoinIndication, capacity: int, now: Instant) -> Device:
        """Begin a new attempt of this device, known or not.

        It has its provisional link key again, and its frame counters may begin anywhere: a legacy device
        that was reset starts at zero under the same keys. Its last unique key is remembered.
        """
        earlier = self.devices.find(joined.device)
        if earlier is not None:
            earlier.stop_timers()
        device = Device(
            eui64=joined.device,
            address=joined.address,
            capability=joined.capability,
            standing=Standing.UNKNOWN if earlier is None else earlier.standing,
        )
        for displaced in self.devices.admit(device, capacity):
            self._forget(displaced, now)
        self._services.link_keys.join_anew(joined.device)
        self._services.network_keys.forget(joined.device)
        self.move(joined.device, Event.JOINED, now)
        return device

    def heard(
        self, eui64: Eui64 | None, address: NwkAddress, now: Instant, *, under_network_key: bool
    ) -> Device | None:
        """Something came from this device. Return its record; None when it is not known."""
        device = self.devices.at(address) if eui64 is None else self.devices.find(eui64)
        if device is None:
            if eui64 is not None and under_network_key:
                self.move(eui64, Event.HEARD, now)
            return None
        self.devices.touch(device)
        if under_network_key:
            self.move(device.eui64, Event.HEARD, now)
        return device

    def depart(self, eui64: Eui64, event: Event, now: Instant) -> None:
        """The device left: nothing waits for it any more."""
        device = self.move(eui64, event, now)
        if device is None:
            return
        device.stop_timers()
        self._services.link_keys.discard_pending(eui64)
        if device.standing is Standing.LEFT:
            self.devices.depart(device)

    def forget(self, eui64: Eui64, now: Instant) -> bool:
        """Forget a device with its keys and counters, as if it had never joined; False: it has no record."""
        device = self.devices.find(eui64)
        if device is not None:
            device.stop_timers()
            self.devices.forget(device)
            self.finding(eui64, f"forgotten as asked, while {device.standing.value}", now)
        self.forget_keys(eui64)
        return device is not None

    def forget_keys(self, eui64: Eui64) -> None:
        """Forget the link keys and counters of a device without a record, but for its install code."""
        entry = self._services.link_keys.find(eui64)
        if entry is not None and entry.provisional.kind is LinkKeyKind.INSTALL_CODE:
            self._services.link_keys.join_anew(eui64)
        else:
            self._services.link_keys.forget(eui64)
        self._services.network_keys.forget(eui64)

    def _forget(self, device: Device, now: Instant) -> None:
        device.stop_timers()
        self.forget_keys(device.eui64)
        was = device.standing.value
        self.finding(
            device.eui64, f"forgotten with its keys and counters while {was}: the table is full", now
        )
