"""From a request primitive to the layer that carries it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from coordinator.codec import beacon, mac_commands, nwk, nwk_commands, zdp
from coordinator.primitives import Indication, Request, apsde, apsme, mlme, nlme, zdo
from coordinator.stack.neighbors import Neighbor, Relationship
from coordinator.stack.nib import FOREVER, NO_EXTENDED_PAN_ID
from coordinator.stack.node import TransmitStatus
from coordinator.stack.nwk import Conclusion
from coordinator.stack.ticket import Ticket
from coordinator.types import BROADCAST_RX_ON, SECOND, DeviceType, Eui64, Instant, NwkAddress

if TYPE_CHECKING:
    from coordinator.stack.host import HostStack

NWK_COMMAND = nwk.frame_control(nwk.FrameType.COMMAND, secured=True, source_ieee=True)
NWK_COMMAND_TO_DEVICE = nwk.frame_control(
    nwk.FrameType.COMMAND, secured=True, source_ieee=True, destination_ieee=True
)


class Downward:
    """One method a request; the stack's own share of it is here, the frames are the layers'."""

    def __init__(self, host: HostStack, indicate: Callable[[Indication, Instant], None]) -> None:
        self._host = host
        self._indicate = indicate

    def perform(self, request: Request, now: Instant, ticket: Ticket, conclude: Conclusion) -> None:
        """Carry the request out. `conclude` is called for what is sent to somebody."""
        host = self._host
        match request:
            case (
                apsme.TransportKeyRequest()
                | apsme.RemoveDeviceRequest()
                | apsme.RequestKeyRequest()
                | apsme.VerifyKeyRequest()
                | apsme.ConfirmKeyRequest()
            ):
                host.apsme.perform(request, now, ticket, conclude)
            case zdo.CommandRequest():
                self._zdp(request, now, ticket, conclude)
            case apsde.DataRequest():
                host.aps.send_data(request, now, ticket, conclude)
            case mlme.BeaconRequest():
                self._beacon(request, now, ticket)
            case mlme.AssociateResponse():
                self._associate_response(request, now, ticket, conclude)
            case nlme.LeaveRequest():
                self._leave(request, now, ticket, conclude)
            case nlme.PermitJoiningRequest():
                self._permit(request, now)
            case nlme.NetworkDiscoveryRequest():
                host.scan.start(request, now, self._indicate)
            case nlme.JoinRequest():
                self._join(request, now)
            case nlme.ResetRequest():
                self.reset(now)
            case nlme.StartRouterRequest():
                host.nib.started = host.nib.is_router
                if host.nib.started:
                    host.upkeep.start(now)
            case nlme.SyncRequest():
                if host.nib.parent is not None:
                    host.mac.poll(host.nib.pan_id, host.nib.parent, now)
            case _:
                assert_never(request)

    def reset(self, now: Instant) -> None:
        """Drop network, neighbours and everything that waits; counters stay."""
        host = self._host
        host.scan.stop()
        host.association.stop()
        host.upkeep.stop()
        host.mac.outbox.flush()
        host.mac.indirect.clear()
        host.aps.clear()
        host.nwk.neighbors.clear()
        host.nwk.addresses.clear()
        host.nwk.broadcasts.clear()
        host.nib.leave_network()
        host.mac.retune()

    def _zdp(self, request: zdo.CommandRequest, now: Instant, ticket: Ticket, conclude: Conclusion) -> None:
        host = self._host
        sequence = host.nib.next_zdp_sequence() if request.sequence is None else request.sequence
        message = zdp.Message(sequence=sequence, command=request.command)
        data = apsde.DataRequest(
            destination=request.destination,
            destination_endpoint=0,
            profile=0,
            cluster=zdp.cluster_of(request.command),
            source_endpoint=0,
            asdu=zdp.encode(message),
            acknowledge=request.acknowledge,
        )
        host.aps.send_data(data, now, ticket, conclude)
        if (
            isinstance(request.command, zdp.DeviceAnnounce)
            and host.nib.device_type is DeviceType.END_DEVICE
            and host.nib.parent is not None
        ):
            self._request_timeout(host.nib.parent, now)

    def _request_timeout(self, parent: NwkAddress, now: Instant) -> None:
        """An end device tells its parent how long it may be silent (R21, 3.4.11)."""
        host = self._host
        index = host.policy.end_device_timeout
        host.nwk.send(
            parent,
            nwk_commands.encode(nwk_commands.EndDeviceTimeoutRequest(timeout=index)),
            now,
            frame_control=NWK_COMMAND,
            radius=1,
            source_ieee=host.eui64,
        )

    def _beacon(self, request: mlme.BeaconRequest, now: Instant, ticket: Ticket) -> None:
        payload = beacon.encode(
            beacon.Beacon(
                superframe=beacon.superframe(
                    association_permit=request.association_permit, pan_coordinator=request.pan_coordinator
                ),
                payload=beacon.encode_zigbee(request.payload),
            )
        )
        self._host.mac.send_beacon(payload, now, ticket)

    def _associate_response(
        self, request: mlme.AssociateResponse, now: Instant, ticket: Ticket, conclude: Conclusion
    ) -> None:
        command = mac_commands.AssociationResponse(address=request.address, status=request.status)
        if request.status == mac_commands.AssociationStatus.SUCCESS:
            self._host.nwk.addresses.learn(request.device, request.address)

        def ended(status: TransmitStatus | None, at: Instant) -> None:
            fetched = status is TransmitStatus.SUCCESS
            conclude(fetched, "" if fetched else "not fetched in time", at)
            if fetched and request.status == mac_commands.AssociationStatus.SUCCESS:
                self._host.upward.associated(request.device, request.address, at)

        self._host.mac.hold_command(request.device, command, now, ticket, ended)

    def _leave(
        self, request: nlme.LeaveRequest, now: Instant, ticket: Ticket, conclude: Conclusion
    ) -> None:
        host = self._host
        if request.device is None:
            self._leave_ourselves(request, now, ticket, conclude)
            return
        options = nwk_commands.leave_options(
            rejoin=request.rejoin, request=True, remove_children=request.remove_children
        )
        host.nwk.send(
            request.address,
            nwk_commands.encode(nwk_commands.Leave(options=options)),
            now,
            frame_control=NWK_COMMAND_TO_DEVICE,
            radius=1,
            destination_ieee=request.device,
            source_ieee=host.eui64,
            ticket=ticket,
            conclude=conclude,
        )

    def _leave_ourselves(
        self, request: nlme.LeaveRequest, now: Instant, ticket: Ticket, conclude: Conclusion
    ) -> None:
        """Say so with a broadcast of radius 1, then forget the network (3.6.1.10.1)."""
        host = self._host
        options = nwk_commands.leave_options(
            rejoin=request.rejoin, remove_children=request.remove_children
        )

        def forget(_delivered: bool, _reason: str, at: Instant) -> None:
            conclude(True, "", at)
            host.timers.set(Instant(at + LEAVE_AIR_TIME), self.reset)

        host.nwk.send(
            BROADCAST_RX_ON,
            nwk_commands.encode(nwk_commands.Leave(options=options)),
            now,
            frame_control=NWK_COMMAND,
            radius=1,
            source_ieee=host.eui64,
            ticket=ticket,
            conclude=forget,
        )

    def _permit(self, request: nlme.PermitJoiningRequest, now: Instant) -> None:
        nib = self._host.nib
        if request.seconds == 0xFF:
            nib.permit_until = FOREVER
        else:
            nib.permit_until = Instant(now + request.seconds * SECOND)

    def _join(self, request: nlme.JoinRequest, now: Instant) -> None:
        host = self._host
        host.nib.capability = request.capability

        def confirm(result: nlme.JoinConfirm, at: Instant) -> None:
            nib = host.nib
            if result.status is nlme.JoinStatus.SUCCESS and nib.parent_device is not None:
                host.nwk.neighbors.add(parent_neighbor(nib.parent_device, request.network.address, at))
                host.nwk.addresses.learn(nib.parent_device, request.network.address)
            elif nib.extended_pan_id == NO_EXTENDED_PAN_ID:
                nib.leave_network()
                host.mac.retune()
            self._indicate(result, at)

        host.association.start(request, now, confirm)


LEAVE_AIR_TIME = SECOND // 10
"""Long enough for the leave to get out of the transmit queue before the queue is dropped; our choice."""


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
