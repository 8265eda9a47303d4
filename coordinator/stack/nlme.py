"""The NLME: joining, leaving, resetting, and the NWK commands that manage a network (05-3474, 3.2.2, 3.4)."""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import nwk, nwk_commands
from coordinator.primitives import Request, nlme
from coordinator.stack import routing
from coordinator.stack.layers import Layers
from coordinator.stack.mlme import Mlme
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Neighbor, Relationship
from coordinator.stack.nib import FOREVER, NO_EXTENDED_PAN_ID
from coordinator.stack.ticket import Ticket
from coordinator.stack.timers import Timer
from coordinator.stack.upkeep import Upkeep
from coordinator.types import BROADCAST_RX_ON, SECOND, DeviceType, Duration, Eui64, Instant, NwkAddress

LEAVE_AIR_TIME: Duration = SECOND // 10
"""Long enough for the leave to get out of the transmit queue before the queue is dropped; our choice."""

KEEPALIVE_BY_POLL = 0x01
"""Parent information: MAC data poll keepalive is supported (05-3474 R21, 3.4.12)."""
TIMEOUT_ACCEPTED = 0x00
INCORRECT_VALUE = 0x01
"""End Device Timeout Response status (05-3474 R21, 3.4.12)."""
FIRST_REVISION_WITH_TIMEOUT = 21
"""End Device Timeout came with R21 (protocol.md 1.7)."""
PERMANENT = 0xFF
"""The permit duration that ends only when told to."""


class Nlme:
    """Network management. `request` performs what the stack decides by itself."""

    def __init__(
        self, layers: Layers, mlme: Mlme, upkeep: Upkeep, request: Callable[[Request, Instant], None]
    ) -> None:
        self._layers = layers
        self._mlme = mlme
        self._upkeep = upkeep
        self._request = request
        self._departure: Timer | None = None

    # --- down: networks -----------------------------------------------------------------------

    def discover(self, request: nlme.NetworkDiscoveryRequest, now: Instant) -> None:
        """Scan for networks."""
        self._depart_now(now)
        self._mlme.scan.start(request, now, self._layers.indicate)

    def join(self, request: nlme.JoinRequest, now: Instant) -> None:
        """Join by association."""
        self._depart_now(now)
        layers = self._layers
        layers.nib.capability = request.capability

        def confirm(result: nlme.JoinConfirm, at: Instant) -> None:
            nib = layers.nib
            if result.status is nlme.JoinStatus.SUCCESS and nib.parent_device is not None:
                layers.nwk.neighbors.add(parent_neighbor(nib.parent_device, request.network.address, at))
                layers.nwk.learn(nib.parent_device, request.network.address)
            elif nib.extended_pan_id == NO_EXTENDED_PAN_ID:
                nib.leave_network()
                layers.mac.retune()
            layers.indicate(result, at)

        self._mlme.association.start(request, now, confirm)

    def start_router(self, now: Instant) -> None:
        """Begin to relay, to answer beacon requests and to send link status. End devices do not."""
        nib = self._layers.nib
        nib.started = nib.is_router
        if nib.started:
            self._upkeep.start(now)

    def reset(self, now: Instant) -> None:
        """Forget network, keys, neighbours and everything that waits; counters stay."""
        layers = self._layers
        nib = layers.nib
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        self._mlme.stop()
        self._upkeep.stop()
        if nib.trust_center is not None:
            layers.link_keys.join_anew(nib.trust_center)
        layers.network_keys.active = None
        nib.leave_network()
        layers.aps.clear()
        layers.nwk.clear()
        layers.mac.reset(now)

    def permit(self, request: nlme.PermitJoiningRequest, now: Instant) -> None:
        """Open or close joining."""
        forever = request.seconds == PERMANENT
        self._layers.nib.permit_until = FOREVER if forever else Instant(now + request.seconds * SECOND)

    def activate_key(self, request: nlme.SetActiveKeyRequest, now: Instant) -> None:
        """Protect with another network key from now on; the one before goes on opening frames."""
        if self._layers.network_keys.activate(request.sequence) is None:
            self._layers.drop("nwk", f"no network key with sequence number {request.sequence}", None, now)

    # --- down: leaving ------------------------------------------------------------------------

    def leave(self, request: nlme.LeaveRequest, now: Instant, ticket: Ticket) -> None:
        """Tell a neighbour to leave, or leave ourselves."""
        ours = request.device is None
        options = nwk_commands.leave_options(
            rejoin=request.rejoin, request=not ours, remove_children=request.remove_children
        )
        self._layers.nwk.command(
            BROADCAST_RX_ON if ours else request.address,
            nwk_commands.Leave(options=options),
            now,
            device=request.device,
            ticket=ticket,
        )
        if ours:
            # Having said so with a broadcast of radius 1, forget the network (3.6.1.10.1).
            if self._departure is not None:
                self._departure.cancel()
            self._departure = self._layers.timers.set(Instant(now + LEAVE_AIR_TIME), self.reset)

    def _depart_now(self, now: Instant) -> None:
        """What begins anew need not wait for the end of what is left."""
        if self._departure is not None:
            self.reset(now)

    # --- down: end devices --------------------------------------------------------------------

    def announced(self, now: Instant) -> None:
        """We announced ourselves: an end device tells its parent how long it may be silent (R21, 3.4.11)."""
        layers = self._layers
        nib, policy = layers.nib, layers.policy.current
        if nib.is_router or nib.parent is None or (policy.stack_revision or 0) < FIRST_REVISION_WITH_TIMEOUT:
            return
        request = nwk_commands.EndDeviceTimeoutRequest(timeout=policy.end_device_timeout)
        layers.nwk.command(nib.parent, request, now)

    # --- up -----------------------------------------------------------------------------------

    def receive(
        self,
        frame: nwk.Frame,
        command: nwk_commands.Command,
        device: Eui64 | None,
        previous_hop: NwkAddress,
        now: Instant,
    ) -> None:
        """A secured NWK command for us or for all."""
        match command:
            case nwk_commands.LinkStatus():
                self._upkeep.heard(frame.source, command)
            case nwk_commands.Leave(request=True):
                self._told_to_leave(frame, command, now)
            case nwk_commands.Leave() if device is not None:
                self._layers.part(device, frame.source, now)
                self._layers.indicate(
                    nlme.LeaveIndication(device=device, address=frame.source, rejoin=command.rejoin), now
                )
            case nwk_commands.EndDeviceTimeoutRequest():
                self._timeout_requested(frame.source, command, now)
            case nwk_commands.EndDeviceTimeoutResponse(status=0):
                pass  # granted: the parent keeps us as long as we poll
            case nwk_commands.RouteRequest():
                self._route_requested(frame.source, command, device, previous_hop, now)
            case nwk_commands.NetworkStatus():
                reason = (
                    f"Network Status 0x{command.status:02x} about 0x{command.target:04x}: no routes are kept"
                )
                self._layers.drop("nwk", reason, frame.source, now)
            case nwk_commands.RejoinRequest():
                self._layers.drop("nwk", "Rejoin Request: rejoining is not served yet", frame.source, now)
            case _:
                self._layers.drop("nwk", f"{type(command).__name__} has no use here", frame.source, now)

    def _route_requested(
        self,
        source: NwkAddress,
        request: nwk_commands.RouteRequest,
        originator: Eui64 | None,
        previous_hop: NwkAddress,
        now: Instant,
    ) -> None:
        layers = self._layers
        answer = routing.reply(request, source, originator, layers.nib, layers.nwk.neighbors)
        if answer is not None and layers.nib.started:
            layers.nwk.command(previous_hop, answer, now, radius=routing.REPLY_RADIUS)

    def _told_to_leave(self, frame: nwk.Frame, command: nwk_commands.Leave, now: Instant) -> None:
        nib = self._layers.nib
        if nib.device_type is DeviceType.COORDINATOR:
            self._layers.drop("nwk", "a coordinator does not obey a leave request", frame.source, now)
        elif frame.destination != nib.address:
            self._layers.drop("nwk", "a leave request is for one device", frame.source, now)
        else:
            self._layers.indicate(
                nlme.LeaveIndication(device=None, address=nib.address, rejoin=command.rejoin), now
            )
            self._request(
                nlme.LeaveRequest(
                    device=None,
                    address=nib.address,
                    rejoin=command.rejoin,
                    remove_children=command.remove_children,
                ),
                now,
            )

    def _timeout_requested(
        self, address: NwkAddress, request: nwk_commands.EndDeviceTimeoutRequest, now: Instant
    ) -> None:
        neighbor = self._layers.nwk.neighbors.find(address)
        if neighbor is None or not neighbor.is_child or neighbor.is_router:
            self._layers.drop("nwk", "End Device Timeout Request of no child of ours", address, now)
            return
        valid = request.timeout < len(END_DEVICE_TIMEOUTS)
        if valid:
            neighbor.timeout = END_DEVICE_TIMEOUTS[request.timeout]
        response = nwk_commands.EndDeviceTimeoutResponse(
            status=TIMEOUT_ACCEPTED if valid else INCORRECT_VALUE, parent_information=KEEPALIVE_BY_POLL
        )
        self._layers.nwk.command(address, response, now)


def parent_neighbor(device: Eui64, address: NwkAddress, now: Instant) -> Neighbor:
    """The neighbor table entry of the router we associated with."""
    return Neighbor(
        device=device,
        address=address,
        is_router=True,
        receiver_on_when_idle=True,
        relationship=Relationship.PARENT,
        last_heard=now,
    )
