"""Whether a joiner is still there: asked once, shortly before its observation window closes.

Many devices that are alive say nothing for minutes, so their silence alone proves nothing. The question
is an IEEE_addr_req for the device's own address, the least there is to ask: the MAC acknowledgement of
it, or its answer, shows that somebody is there. It is the session's doing, and no answer to anything: no
behaviour sees it. A sleeper is not asked: its polls are heard anyway.
"""

from __future__ import annotations

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.mac_commands import Capability
from coordinator.primitives import mlme, zdo
from coordinator.stack.application import Services
from coordinator.stack.timers import Timer
from coordinator.trust_center.device import Device, Devices, Standing
from coordinator.types import SECOND, Duration, Eui64, Instant

LEAD: Duration = 2 * SECOND
"""Asked this long before the window closes: four NWK attempts, each repeated by the MAC, and fifty questions
in a row are through in less."""
ASKED = (Standing.AUTHENTICATED, Standing.OFFERED, Standing.VERIFIED, Standing.RENEWING)
"""Who is asked: who uses the network key, and was not told to leave."""


class Presence:
    """Feed it the Trust Center's records. `observe` holds for windows that open from now on.

    A window opens with a device's first association request and closes `observe` later. `together`: there
    is one window for all, which each new device prolongs.
    """

    def __init__(self, services: Services, devices: Devices, observe: Duration, *, together: bool) -> None:
        self._services = services
        self._devices = devices
        self.observe = observe
        self._together = together
        self._due: dict[Eui64, Timer] = {}

    def note(self, record: trace.Record) -> None:
        """Watch for association requests of devices that are not waited for yet."""
        if type(record) is not trace.Indicated or type(record.indication) is not mlme.AssociateIndication:
            return  # nearly all records
        device = record.indication.device
        if device in self._due or self.observe <= LEAD:
            return
        due = Instant(record.at + self.observe - LEAD)
        again = (*self._due, device) if self._together else (device,)
        for each in again:
            earlier = self._due.get(each)
            if earlier is not None:
                earlier.cancel()
            self._due[each] = self._services.timers.set(due, lambda at, each=each: self._ask(each, at))  # type: ignore[misc]

    def _ask(self, eui64: Eui64, now: Instant) -> None:
        del self._due[eui64]
        device = self._devices.find(eui64)
        if device is not None and device.standing in ASKED and not _sleeps(device):
            command = zdp.IeeeAddressRequest(address=device.address)
            request = zdo.CommandRequest(destination=device.address, command=command, acknowledge=False)
            self._services.request(request, now)


def _sleeps(device: Device) -> bool:
    return not device.capability & Capability.RX_ON_WHEN_IDLE
