"""The MLME: scans, associations, and a parent's side of both (IEEE 802.15.4-2006, 7.1; 05-3474, 3.6.1.4)."""

from __future__ import annotations

from collections import OrderedDict

from coordinator import trace
from coordinator.codec import beacon, mac, mac_commands
from coordinator.codec.cursor import DecodeError
from coordinator.codec.mac_commands import AssociationStatus, Capability
from coordinator.primitives import mlme, nlme
from coordinator.stack import parent
from coordinator.stack.association import Association
from coordinator.stack.indirect import NOT_FETCHED
from coordinator.stack.layers import Layers
from coordinator.stack.neighbors import END_DEVICE_TIMEOUTS, Neighbor, Relationship
from coordinator.stack.node import ReceivedFrame, TransmitStatus
from coordinator.stack.scan import ActiveScan
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.upkeep import Upkeep
from coordinator.types import MILLISECOND, NO_ADDRESS, Duration, Eui64, Instant, NwkAddress

LAST_ADDRESS = 0xFFF7
"""Above it are the reserved and the broadcast addresses."""
BEACON_RETRIES = 4
BEACON_RETRY_SPREAD: Duration = 40 * MILLISECOND
"""Our choice; a scan listens for 138 ms at least (protocol.md 2, bdbScanDuration)."""
APPLICANTS = 256
"""Devices whose association is not decided or not fetched, at most; our choice."""


class Mlme:
    """Beacons, associations and polls. Implements `mac.Management`."""

    def __init__(self, layers: Layers, upkeep: Upkeep) -> None:
        self._layers = layers
        self._upkeep = upkeep
        self.scan = ActiveScan(layers.mac, layers.timers)
        self.association = Association(layers.nib, layers.mac, layers.timers)
        self._applicants: OrderedDict[Eui64, int] = OrderedDict()

    # --- down ---------------------------------------------------------------------------------

    def send_beacon(self, request: mlme.BeaconRequest, now: Instant, ticket: Ticket) -> None:
        """Send one beacon."""
        superframe = beacon.superframe(
            association_permit=request.association_permit, pan_coordinator=request.pan_coordinator
        )
        payload = beacon.encode_zigbee(request.payload)
        octets = beacon.encode(beacon.Beacon(superframe=superframe, payload=payload))
        self._try_beacon(octets, 0, now, ticket)

    def _try_beacon(self, octets: bytes, retry: int, now: Instant, ticket: Ticket) -> None:
        """Every router in range answers a scan at once: who finds no clear channel tries again."""
        layers = self._layers
        if not layers.nib.started:
            return

        def ended(status: TransmitStatus, _pending: bool, at: Instant) -> None:
            if status is TransmitStatus.CHANNEL_ACCESS_FAILURE and retry < BEACON_RETRIES:
                due = Instant(at + layers.entropy.integer(0, BEACON_RETRY_SPREAD))
                layers.timers.set(due, lambda then: self._try_beacon(octets, retry + 1, then, ticket))

        layers.mac.send_beacon(octets, now, ticket, ended)

    def respond(self, request: mlme.AssociateResponse, now: Instant, ticket: Ticket) -> None:
        """Hold an association response for its device. The address is taken, unless it is not fetched."""
        layers, device, address = self._layers, request.device, request.address
        granted = request.status == AssociationStatus.SUCCESS
        octets = mac_commands.encode(mac_commands.AssociationResponse(address=address, status=request.status))
        held_before = layers.nwk.addresses.address_of(device) == address

        def ended(status: TransmitStatus | None, at: Instant) -> None:
            fetched = status is TransmitStatus.SUCCESS
            ticket.conclude(fetched, NOT_FETCHED, at)
            if fetched and granted:
                self._admit(device, address, at)
            elif not fetched and granted and not held_before:
                layers.nwk.addresses.forget(device)
            if not fetched or not granted:
                self._applicants.pop(device, None)

        if granted:
            layers.nwk.learn(device, address)
        layers.mac.hold_command(device, octets, now, ticket, ended)

    def applicant(self, device: Eui64) -> int | None:
        """The capability of a device that asked to associate and has not fetched its response; else None."""
        return self._applicants.get(device)

    def sync(self, now: Instant) -> None:
        """Poll the parent once."""
        nib = self._layers.nib
        if nib.parent is not None:
            self._layers.mac.poll(nib.pan_id, nib.parent, now)

    def stop(self) -> None:
        """Abandon scan and association, and forget who wants to join."""
        self.scan.stop()
        self.association.stop()
        self._applicants.clear()

    # --- up -----------------------------------------------------------------------------------

    def beacon(self, frame: mac.Frame, received: ReceivedFrame, now: Instant) -> None:
        """A beacon: of interest to a scan that runs."""
        try:
            self.scan.hear(frame, received)
        except DecodeError as error:
            self._layers.drop("mac", str(error), frame.source, now)

    def command(self, frame: mac.Frame, command: mac_commands.Command, promised: bool, now: Instant) -> None:
        """A MAC command for us or for all."""
        source = frame.source
        started = self._layers.nib.started
        match command:
            case mac_commands.BeaconRequest() if started:
                self._beacon_requested(now)
            case mac_commands.AssociationRequest() if started and isinstance(source, Eui64):
                self._association_requested(source, command.capability, now)
            case mac_commands.AssociationResponse() if isinstance(source, Eui64):
                self.association.respond(command, source, now)
            case mac_commands.DataRequest() if started and source is not None:
                self._polled(source, promised, now)
            case _:
                self._layers.drop("mac", f"{type(command).__name__} has no use here", source, now)

    def _beacon_requested(self, now: Instant) -> None:
        layers = self._layers
        cause = mlme.BeaconRequestIndication()
        layers.indicate(cause, now)
        permits = layers.nib.permits_joining(now)
        room = layers.nwk.neighbors.has_room(now)
        layers.conductor.answer(
            cause, lambda policy: parent.beacon(policy, layers.nib, permits, room), layers.policy, now
        )

    def _turn_away(self, device: Eui64, now: Instant) -> None:
        """Somebody else's device: it is told so, and neither a behaviour nor the Trust Center hears of it."""
        self._layers.note(trace.TurnedAway(at=now, device=device))
        self._layers.mac.indirect.discard(device, now)
        denied = AssociationStatus.PAN_ACCESS_DENIED
        self.respond(
            mlme.AssociateResponse(device=device, address=NO_ADDRESS, status=denied), now, UNTICKETED
        )

    def _association_requested(self, device: Eui64, capability: int, now: Instant) -> None:
        layers = self._layers
        if not layers.nib.admits(device):
            self._turn_away(device, now)
            return
        cause = mlme.AssociateIndication(device=device, capability=capability)
        layers.indicate(cause, now)
        neighbors = layers.nwk.neighbors
        vacancy = parent.Vacancy(
            permits_joining=layers.nib.permits_joining(now),
            room=neighbors.find_device(device) is not None or neighbors.has_room(now),
            address=self._address_for(device),
        )
        layers.mac.indirect.discard(device, now)
        self._applicants[device] = capability
        if len(self._applicants) > APPLICANTS:
            self._applicants.popitem(last=False)
        layers.conductor.answer(
            cause, lambda policy: parent.association(cause, policy, vacancy), layers.policy, now
        )

    def _address_for(self, device: Eui64) -> NwkAddress:
        """The address this device has already, or a free one by stochastic assignment (3.6.1.7)."""
        layers = self._layers
        addresses, neighbors = layers.nwk.addresses, layers.nwk.neighbors
        known = addresses.address_of(device)
        if known is not None:
            return known
        address = NwkAddress(layers.entropy.integer(1, LAST_ADDRESS))
        while (
            addresses.device_at(address) is not None
            or neighbors.find(address) is not None
            or address == layers.nib.address
        ):
            address = NwkAddress(address % LAST_ADDRESS + 1)
        return address

    def _admit(self, device: Eui64, address: NwkAddress, now: Instant) -> None:
        """The association response was fetched: a new child, not yet authenticated. It begins anew."""
        layers = self._layers
        neighbors = layers.nwk.neighbors
        capability = self._applicants.pop(device, 0)
        if neighbors.find_device(device) is None and neighbors.full:
            stalest = neighbors.stalest(now)
            if stalest is not None:
                layers.part(stalest.device, stalest.address, now)
        layers.network_keys.forget(device)
        layers.aps.forget(address)
        layers.nwk.broadcasts.table.forget(address)
        layers.mac.indirect.discard(address, now)
        layers.nwk.learn(device, address)
        neighbors.add(
            Neighbor(
                device=device,
                address=address,
                is_router=bool(capability & Capability.FULL_FUNCTION_DEVICE),
                receiver_on_when_idle=bool(capability & Capability.RX_ON_WHEN_IDLE),
                relationship=Relationship.UNAUTHENTICATED_CHILD,
                capability=capability,
                last_heard=now,
                timeout=END_DEVICE_TIMEOUTS[layers.policy.current.end_device_timeout],
            )
        )
        layers.indicate(nlme.JoinIndication(device=device, address=address, capability=capability), now)

    def _polled(self, source: NwkAddress | Eui64, promised: bool, now: Instant) -> None:
        """A data request: send what is held, under whichever of its two addresses the device is known."""
        layers = self._layers
        addresses = layers.nwk.addresses
        self._upkeep.polled(source, now)
        if isinstance(source, Eui64):
            device: Eui64 | None = source
            short = addresses.address_of(source)
        else:
            short, device = source, addresses.device_at(source)
        indirect = layers.mac.indirect
        if indirect.polled(source, now) or (short is not None and indirect.polled(short, now)):
            layers.indicate(mlme.PollIndication(source=source, device=device), now)
        elif promised and short is not None:
            layers.mac.send_nothing(short, now)
