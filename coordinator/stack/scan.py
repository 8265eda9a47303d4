"""Active scan (IEEE 802.15.4-2006, 7.5.2.1.2; NLME-NETWORK-DISCOVERY of 05-3474, 3.6.1.3)."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import beacon, mac
from coordinator.codec.cursor import DecodeError
from coordinator.primitives import nlme
from coordinator.stack.mac import MacLayer
from coordinator.stack.node import ReceivedFrame
from coordinator.stack.timers import Timer, Timers
from coordinator.types import BROADCAST_PAN, NO_ADDRESS, Channel, Eui64, Instant

Confirm = Callable[[nlme.NetworkDiscoveryConfirm, Instant], None]


class ActiveScan:
    """One beacon request a channel, then ears open for the dwell time. One scan at a time."""

    def __init__(self, mac_layer: MacLayer, timers: Timers) -> None:
        self._mac = mac_layer
        self._timers = timers
        self._remaining: list[Channel] = []
        self._found: list[nlme.NetworkDescriptor] = []
        self._request: nlme.NetworkDiscoveryRequest | None = None
        self._confirm: Confirm | None = None
        self._timer: Timer | None = None
        self.channel: Channel | None = None

    def start(self, request: nlme.NetworkDiscoveryRequest, now: Instant, confirm: Confirm) -> None:
        """Begin; a scan that runs is abandoned."""
        self.stop()
        self._request = request
        self._confirm = confirm
        self._remaining = list(reversed(request.channels))
        self._found = []
        self._next(now)

    def stop(self) -> None:
        """Abandon the scan, telling nobody."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._request = self._confirm = self.channel = None

    def hear(self, frame: mac.Frame, received: ReceivedFrame) -> None:
        """A beacon arrived; outside a scan it is of no interest. Raises DecodeError."""
        if self._request is None or received.channel != self.channel:
            return
        heard = beacon.decode(frame.payload)
        payload = beacon.decode_zigbee(heard.payload)
        if frame.source_pan is None or frame.source is None or isinstance(frame.source, Eui64):
            raise DecodeError("beacon", 0, "a Zigbee beacon comes from a short address")
        self._found.append(
            nlme.NetworkDescriptor(
                channel=received.channel,
                pan_id=frame.source_pan,
                address=frame.source,
                association_permit=heard.association_permit,
                payload=payload,
                lqi=received.lqi,
            )
        )

    def _next(self, now: Instant) -> None:
        request, confirm = self._request, self._confirm
        if request is None or confirm is None:
            return
        if not self._remaining:
            found = nlme.NetworkDiscoveryConfirm(networks=tuple(self._found))
            self.stop()
            self._mac.retune()
            confirm(found, now)
            return
        self.channel = self._remaining.pop()
        self._mac.tune(self.channel, BROADCAST_PAN, NO_ADDRESS)
        self._mac.send_beacon_request(now)
        self._timer = self._timers.set(Instant(now + request.dwell), self._next)
