"""Joining through association, from the joiner's side (IEEE 802.15.4-2006, 7.5.3.1)."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import mac_commands
from coordinator.primitives import nlme
from coordinator.stack.mac import MAX_FRAME_TOTAL_WAIT, MacLayer
from coordinator.stack.nib import Nib
from coordinator.stack.node import TransmitStatus
from coordinator.stack.timers import Timer, Timers
from coordinator.types import NO_ADDRESS, SYMBOL, Duration, Eui64, ExtendedPanId, Instant, NwkAddress

RESPONSE_WAIT: Duration = 32 * 960 * SYMBOL
"""macResponseWaitTime: 491.52 ms between the acknowledged request and the poll."""

Confirm = Callable[[nlme.JoinConfirm, Instant], None]

STATUSES: dict[int, nlme.JoinStatus] = {
    mac_commands.AssociationStatus.SUCCESS: nlme.JoinStatus.SUCCESS,
    mac_commands.AssociationStatus.PAN_AT_CAPACITY: nlme.JoinStatus.PAN_AT_CAPACITY,
}
"""Everything else is a denial to the joiner."""


class Association:
    """Request, wait, poll, response. One at a time; what it learns goes into the NIB."""

    def __init__(self, nib: Nib, mac_layer: MacLayer, timers: Timers) -> None:
        self._nib = nib
        self._mac = mac_layer
        self._timers = timers
        self._request: nlme.JoinRequest | None = None
        self._confirm: Confirm | None = None
        self._timer: Timer | None = None

    def start(self, request: nlme.JoinRequest, now: Instant, confirm: Confirm) -> None:
        """Begin to associate with the router that sent this beacon."""
        self.stop()
        self._request = request
        self._confirm = confirm
        network = request.network
        self._nib.channel = network.channel
        self._nib.pan_id = network.pan_id
        self._nib.address = NO_ADDRESS
        self._mac.retune()
        self._mac.send_association_request(
            network.pan_id, network.address, request.capability, now, self._requested
        )

    def stop(self) -> None:
        """Abandon it, telling nobody."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._request = self._confirm = None

    def respond(self, response: mac_commands.AssociationResponse, parent: Eui64, now: Instant) -> None:
        """The response arrived; unexpected ones are ignored."""
        request = self._request
        if request is None:
            return
        status = STATUSES.get(response.status, nlme.JoinStatus.PAN_ACCESS_DENIED)
        if status is nlme.JoinStatus.SUCCESS:
            nib, network = self._nib, request.network
            nib.address = response.address
            nib.parent = network.address
            nib.parent_device = parent
            nib.extended_pan_id = ExtendedPanId(network.payload.extended_pan_id)
            nib.update_id = network.payload.update_id
            nib.depth = network.payload.depth + 1
            self._mac.retune()
        self._end(status, response.address, now)

    def _requested(self, status: TransmitStatus, _pending: bool, now: Instant) -> None:
        if self._request is None:
            return
        if status is not TransmitStatus.SUCCESS:
            self._end(nlme.JoinStatus.NO_ACK, NO_ADDRESS, now)
            return
        self._timer = self._timers.set(Instant(now + RESPONSE_WAIT), self._poll)

    def _poll(self, now: Instant) -> None:
        if self._request is not None:
            network = self._request.network
            self._mac.poll(network.pan_id, network.address, now, self._polled)

    def _polled(self, status: TransmitStatus, pending: bool, now: Instant) -> None:
        if self._request is None:
            return
        if status is not TransmitStatus.SUCCESS or not pending:
            self._end(nlme.JoinStatus.NO_DATA, NO_ADDRESS, now)
            return
        self._timer = self._timers.set(
            Instant(now + MAX_FRAME_TOTAL_WAIT), lambda at: self._end(nlme.JoinStatus.NO_DATA, NO_ADDRESS, at)
        )

    def _end(self, status: nlme.JoinStatus, address: NwkAddress, now: Instant) -> None:
        confirm = self._confirm
        self.stop()
        if confirm is not None:
            confirm(nlme.JoinConfirm(status=status, address=address), now)
