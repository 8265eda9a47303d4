"""From what the layers hear to indications, and the answers that are the stack's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from coordinator import trace
from coordinator.codec import aps_commands, mac, mac_commands, nwk, nwk_commands, zdp
from coordinator.codec.cursor import DecodeError
from coordinator.primitives import Indication, apsde, mlme, nlme, zdo
from coordinator.stack import parent
from coordinator.stack.conductor import Standing
from coordinator.stack.downward import NWK_COMMAND
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Neighbor, Relationship
from coordinator.stack.node import ReceivedFrame
from coordinator.stack.policy import StackPolicy
from coordinator.stack.zdo import Describe, respond
from coordinator.types import DeviceType, Eui64, Instant, NwkAddress, is_broadcast

if TYPE_CHECKING:
    from coordinator.stack.host import HostStack

KEEPALIVE_BY_POLL = 0x01
"""Parent information: MAC data poll keepalive is supported (05-3474 R21, 3.4.12)."""


class Upward:
    """The upper side of MAC, NWK and APS."""

    def __init__(
        self,
        host: HostStack,
        policy: Standing[StackPolicy],
        endpoints: tuple[zdp.SimpleDescriptor, ...],
        indicate: Callable[[Indication, Instant], None],
    ) -> None:
        self._host = host
        self._policy = policy
        self._endpoints = endpoints
        self._indicate = indicate
        self._capabilities: dict[Eui64, int] = {}
        host.mac.upper = self
        host.nwk.upper = self
        host.aps.upper = _ApsUpper(self, host)

    # --- MAC ----------------------------------------------------------------------------------

    def data(self, msdu: bytes, source: NwkAddress, destination: NwkAddress, lqi: int, now: Instant) -> None:
        """A MAC data frame for us or for all."""
        if self._host.nib.joined:
            self._host.nwk.receive(msdu, source, destination, lqi, now)

    def beacon(self, frame: mac.Frame, received: ReceivedFrame, now: Instant) -> None:
        """A beacon: of interest to a scan that runs."""
        try:
            self._host.scan.hear(frame, received)
        except DecodeError as error:
            self._drop(now, "mac", str(error), frame.source)

    def command(self, frame: mac.Frame, command: mac_commands.Command, now: Instant) -> None:
        """A MAC command."""
        match command:
            case mac_commands.BeaconRequest():
                self._beacon_requested(now)
            case mac_commands.AssociationRequest() if isinstance(frame.source, Eui64):
                self._association_requested(frame.source, command.capability, now)
            case mac_commands.AssociationResponse() if isinstance(frame.source, Eui64):
                self._host.association.respond(command, frame.source, now)
            case mac_commands.DataRequest() if frame.source is not None:
                self._polled(frame.source, now)
            case _:
                self._drop(now, "mac", f"{type(command).__name__} has no use here", frame.source)

    def _beacon_requested(self, now: Instant) -> None:
        host = self._host
        if not host.nib.started:
            return
        cause = mlme.BeaconRequestIndication()
        self._indicate(cause, now)
        permits = host.nib.permits_joining(now)
        host.conductor.answer(
            cause, lambda policy: parent.beacon(policy, host.nib, permits), self._policy, now
        )

    def _association_requested(self, device: Eui64, capability: int, now: Instant) -> None:
        host = self._host
        if not host.nib.started:
            return
        cause = mlme.AssociateIndication(device=device, capability=capability)
        self._indicate(cause, now)
        self._capabilities[device] = capability
        vacancy = parent.Vacancy(
            permits_joining=host.nib.permits_joining(now),
            room=not host.nwk.neighbors.full or host.nwk.neighbors.find_device(device) is not None,
            address=self._address_for(device),
        )
        host.mac.indirect.discard(device)
        host.conductor.answer(
            cause, lambda policy: parent.association(cause, policy, vacancy), self._policy, now
        )

    def _address_for(self, device: Eui64) -> NwkAddress:
        """The address this device has already, or a free one by stochastic assignment (3.6.1.7)."""
        host = self._host
        known = host.nwk.addresses.address_of(device)
        if known is not None:
            return known
        while True:
            address = NwkAddress(host.entropy.integer(0x0001, 0xFFF7))
            if host.nwk.addresses.device_at(address) is None and host.nwk.neighbors.find(address) is None:
                return address

    def associated(self, device: Eui64, address: NwkAddress, now: Instant) -> None:
        """The association response was fetched: a new child, not yet authenticated."""
        host = self._host
        capability = self._capabilities.pop(device, 0)
        host.network_keys.forget(device)
        host.aps.forget(address)
        host.nwk.addresses.learn(device, address)
        host.nwk.neighbors.add(
            Neighbor(
                device=device,
                address=address,
                is_router=bool(capability & mac_commands.Capability.FULL_FUNCTION_DEVICE),
                receiver_on_when_idle=bool(capability & mac_commands.Capability.RX_ON_WHEN_IDLE),
                relationship=Relationship.UNAUTHENTICATED_CHILD,
                capability=capability,
                last_heard=now,
                timeout=END_DEVICE_TIMEOUTS[self._policy.current.end_device_timeout],
            )
        )
        self._indicate(nlme.JoinIndication(device=device, address=address, capability=capability), now)

    def _polled(self, source: NwkAddress | Eui64, now: Instant) -> None:
        host = self._host
        addresses = host.nwk.addresses
        short = source if not isinstance(source, Eui64) else addresses.address_of(source)
        device = source if isinstance(source, Eui64) else addresses.device_at(source)
        host.upkeep.polled(source, now)
        if host.mac.indirect.polled(source, now):
            self._indicate(mlme.PollIndication(source=source, device=device), now)
        elif isinstance(source, Eui64) and short is not None:
            host.mac.indirect.polled(NwkAddress(short), now)

    # --- NWK ----------------------------------------------------------------------------------

    def aps(
        self, frame: nwk.Frame, apdu: bytes, device: Eui64 | None, secured: bool, now: Instant
    ) -> None:
        """An APDU for us."""
        if not secured and (self._host.nib.started or self._host.network_keys.active is not None):
            self._drop(now, "nwk", "unsecured on a secured network", frame.source)
            return
        self._host.aps.receive(frame, apdu, device, secured, now)

    def nwk_command(
        self, frame: nwk.Frame, command: nwk_commands.Command, device: Eui64 | None, secured: bool, now: Instant
    ) -> None:
        """A NWK command for us or for all."""
        host = self._host
        if not secured:
            self._drop(now, "nwk", f"{type(command).__name__} unsecured", frame.source)
            return
        match command:
            case nwk_commands.LinkStatus():
                host.upkeep.heard(frame.source, command)
            case nwk_commands.Leave():
                self._leave(frame, command, device, now)
            case nwk_commands.EndDeviceTimeoutRequest() if device is not None:
                self._end_device_timeout(device, frame.source, command, now)
            case nwk_commands.EndDeviceTimeoutResponse():
                pass
            case _:
                self._drop(now, "nwk", f"{type(command).__name__} has no use here", frame.source)

    def _leave(
        self, frame: nwk.Frame, command: nwk_commands.Leave, device: Eui64 | None, now: Instant
    ) -> None:
        host = self._host
        if not command.request:
            if device is not None:
                self._forget(device, frame.source)
                self._indicate(
                    nlme.LeaveIndication(device=device, address=frame.source, rejoin=command.rejoin), now
                )
            return
        if host.nib.device_type is DeviceType.COORDINATOR:
            self._drop(now, "nwk", "a coordinator does not obey a leave request", frame.source)
            return
        self._indicate(
            nlme.LeaveIndication(device=None, address=host.nib.address, rejoin=command.rejoin), now
        )
        host.request(
            nlme.LeaveRequest(device=None, address=host.nib.address, rejoin=command.rejoin), now
        )

    def _end_device_timeout(
        self, device: Eui64, address: NwkAddress, request: nwk_commands.EndDeviceTimeoutRequest, now: Instant
    ) -> None:
        host = self._host
        neighbor = host.nwk.neighbors.find_device(device)
        valid = neighbor is not None and request.timeout < len(END_DEVICE_TIMEOUTS)
        if neighbor is not None and valid:
            neighbor.timeout = END_DEVICE_TIMEOUTS[request.timeout]
        response = nwk_commands.EndDeviceTimeoutResponse(
            status=0 if valid else 1, parent_information=KEEPALIVE_BY_POLL
        )
        host.nwk.send(
            address,
            nwk_commands.encode(response),
            now,
            frame_control=NWK_COMMAND,
            radius=1,
            source_ieee=host.eui64,
        )

    def gone(self, neighbor: Neighbor) -> None:
        """A neighbour aged out: nothing waits for it any more."""
        self._forget(neighbor.device, neighbor.address)

    def _forget(self, device: Eui64, address: NwkAddress) -> None:
        host = self._host
        host.nwk.neighbors.remove(device)
        host.mac.indirect.discard(address)
        host.network_keys.forget(device)
        host.aps.forget(address)

    # --- APS ----------------------------------------------------------------------------------

    def zdp(self, indication: apsde.DataIndication, now: Instant) -> None:
        """ZDP: tell the application, then answer if it is a request."""
        host = self._host
        try:
            message = zdp.decode(indication.cluster, indication.asdu)
        except DecodeError as error:
            self._drop(now, "zdp", str(error), indication.source)
            return
        cause = zdo.CommandIndication(
            source=indication.source,
            device=indication.device,
            broadcast=is_broadcast(indication.destination),
            sequence=message.sequence,
            command=message.command,
            security=indication.security,
        )
        if isinstance(message.command, zdp.DeviceAnnounce):
            host.nwk.addresses.learn(message.command.ieee, message.command.address)
        self._indicate(cause, now)
        node = Describe(
            nib=host.nib,
            endpoints=self._endpoints,
            neighbors=host.nwk.neighbors,
            permits_joining=host.nib.permits_joining(now),
        )
        host.conductor.answer(cause, lambda policy: respond(cause, policy, node), self._policy, now)

    def _drop(self, now: Instant, layer: str, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._host.note(trace.Dropped(at=now, layer=layer, reason=reason, source=source))


class _ApsUpper:
    """The APS layer's view of what is above it."""

    def __init__(self, upward: Upward, host: HostStack) -> None:
        self._upward = upward
        self._host = host

    def data(self, indication: apsde.DataIndication, now: Instant) -> None:
        if indication.profile == 0 and indication.destination_endpoint == 0:
            self._upward.zdp(indication, now)
        else:
            self._host.indicate(indication, now)

    def command(
        self,
        command: aps_commands.Command,
        source: NwkAddress,
        device: Eui64 | None,
        security: apsde.Security,
        now: Instant,
    ) -> None:
        self._host.apsme.receive(command, source, device, security, now)
