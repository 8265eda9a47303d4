"""The NWK layer: frames secured hop by hop, unicast with retries, broadcast once and once only.

Routing through others is its own later work; a unicast goes to a neighbour, or to an end device's
parent. What has no such next hop is dropped with that reason.
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator import trace
from coordinator.codec import nwk, nwk_commands
from coordinator.codec.cursor import DecodeError, EncodeError
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import InvalidMic
from coordinator.security.material import NetworkKeys
from coordinator.stack.broadcast import Broadcaster
from coordinator.stack.indirect import NOT_FETCHED
from coordinator.stack.mac import MacLayer
from coordinator.stack.neighbors import AddressMap, Neighbor, NeighborTable, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.node import TransmitStatus
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timers
from coordinator.types import (
    BROADCAST_ALL,
    BROADCAST_ROUTERS,
    BROADCAST_RX_ON,
    MILLISECOND,
    Duration,
    Entropy,
    Eui64,
    Instant,
    NwkAddress,
    is_broadcast,
)

UNICAST_RETRIES = 3
"""nwkcUnicastRetries [NRF, ZIG]."""
UNICAST_RETRY_DELAY: Duration = 50 * MILLISECOND
NEVER_WENT = (TransmitStatus.ABORTED, TransmitStatus.WITHHELD)
ADDRESSES_PER_NEIGHBOR = 4
"""The address map is this much larger than the neighbor table; our choice."""

NETWORK_KEY_CONTROL = control(key_identifier=KeyIdentifier.NETWORK, extended_nonce=True)

_COMMAND = nwk.frame_control(nwk.FrameType.COMMAND, secured=True, source_ieee=True)

ApduSink = Callable[[nwk.Frame, bytes, Eui64 | None, bool, Instant], None]
"""Takes a frame's header, its APDU, the originator where it is known, and whether it was secured."""

CommandSink = Callable[[nwk.Frame, nwk_commands.Command, Eui64 | None, NwkAddress, Instant], None]
"""Takes a frame's header, its command, the originator where it is known, and the previous hop."""


class NwkLayer:
    """One node's network layer. `deliver_apdu` and `deliver_command` are set once, by the host."""

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        note: trace.Sink,
        entropy: Entropy,
        mac: MacLayer,
        keys: NetworkKeys,
        neighbor_capacity: int,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._mac = mac
        self._keys = keys
        self._initiator = 0 if nib.is_router else nwk.END_DEVICE_INITIATOR
        self.neighbors = neighbors = NeighborTable(neighbor_capacity)
        self.addresses = AddressMap(
            ADDRESSES_PER_NEIGHBOR * neighbor_capacity,
            keeps=lambda device: neighbors.find_device(device) is not None,
        )
        self.broadcasts = Broadcaster(nib, timers, entropy, mac, neighbors, self.protected)
        self.deliver_apdu: ApduSink
        self.deliver_command: CommandSink

    # --- down ---------------------------------------------------------------------------------

    def send(
        self,
        destination: NwkAddress,
        payload: bytes,
        now: Instant,
        *,
        frame_control: int,
        radius: int = 30,
        destination_ieee: Eui64 | None = None,
        source_ieee: Eui64 | None = None,
        ticket: Ticket = UNTICKETED,
    ) -> None:
        """Send `payload` (an APDU or a NWK command). The security bit of `frame_control` decides protection.

        The ticket is concluded when the next hop has it or cannot; a broadcast when it is queued.
        """
        if frame_control & nwk.SECURITY and self._keys.active is None:
            self._give_up("no network key", destination, ticket, now)
            return
        nib = self._nib
        frame = nwk.Frame(
            frame_control | self._initiator,
            destination,
            nib.address,
            radius,
            nib.next_sequence(),
            destination_ieee,
            source_ieee,
            None,
            None,
            (),
            None,
            payload,
        )
        if is_broadcast(destination) and nib.is_router:
            self.broadcasts.originate(frame, now, ticket)
            ticket.conclude(True, "", now)
            return
        if is_broadcast(destination):
            # An end device's broadcast goes to its parent as a MAC unicast (3.6.5).
            self.broadcasts.table.note(frame.source, frame.sequence, nib.address, now)
        self._unicast(frame, now, ticket)

    def command(
        self,
        destination: NwkAddress,
        command: nwk_commands.Command,
        now: Instant,
        *,
        radius: int = 1,
        device: Eui64 | None = None,
        ticket: Ticket = UNTICKETED,
    ) -> None:
        """Send a secured NWK command, our EUI-64 in it, and `device` as the destination's if given."""
        if ticket is UNTICKETED:
            ticket = Ticket(carries=command)
        self.send(
            destination,
            nwk_commands.encode(command),
            now,
            frame_control=_COMMAND if device is None else _COMMAND | nwk.DESTINATION_IEEE,
            radius=radius,
            destination_ieee=device,
            source_ieee=self._nib.eui64,
            ticket=ticket,
        )

    def protected(self, frame: nwk.Frame) -> bytes:
        """The octets of a frame as they go to the next hop; takes a counter value when secured.

        Raises CounterExhausted, and EncodeError when the network key went meanwhile.
        """
        if not frame.frame_control & nwk.SECURITY:
            return nwk.encode(frame)
        active = self._keys.active
        if active is None:
            raise EncodeError("nwk: no network key")
        eui64 = self._nib.eui64
        auxiliary = AuxiliaryHeader(NETWORK_KEY_CONTROL, active.outgoing.next(), eui64, active.sequence)
        return nwk_security.protect(frame._replace(security=auxiliary), active.cipher, eui64)

    def learn(self, device: Eui64, address: NwkAddress) -> None:
        """Note where a device is. Whoever the map has no room for loses its frame counters as well."""
        if address == self._nib.address:
            return
        for displaced in self.addresses.learn(device, address):
            self._keys.forget(displaced)

    def _unicast(self, frame: nwk.Frame, now: Instant, ticket: Ticket) -> None:
        next_hop = self._next_hop(frame.destination)
        if next_hop is None:
            self._give_up("no route", frame.destination, ticket, now)
            return
        neighbor = self.neighbors.find(next_hop)
        if neighbor is not None and not neighbor.receiver_on_when_idle and neighbor.is_child:
            self._mac.hold_data(
                next_hop,
                neighbor.device,
                lambda: self.protected(frame),
                now,
                ticket,
                lambda status, at: ticket.conclude(status is not None, NOT_FETCHED, at),
            )
            return
        attempts = 0

        def attempt(at: Instant) -> None:
            self._mac.send_data(next_hop, lambda: self.protected(frame), at, ticket, ended)

        def ended(status: TransmitStatus, _pending: bool, at: Instant) -> None:
            nonlocal attempts
            attempts += 1
            if status is TransmitStatus.SUCCESS:
                ticket.conclude(True, "", at)
            elif status in NEVER_WENT or attempts > UNICAST_RETRIES or not self._nib.joined:
                ticket.conclude(False, status.value, at)
            else:
                self._timers.set(Instant(at + UNICAST_RETRY_DELAY), attempt)

        attempt(now)

    def _next_hop(self, destination: NwkAddress) -> NwkAddress | None:
        nib = self._nib
        if nib.parent is not None and (destination == nib.parent or not nib.is_router):
            return nib.parent
        return destination if self.neighbors.find(destination) is not None else None

    def _give_up(self, reason: str, destination: NwkAddress, ticket: Ticket, now: Instant) -> None:
        self._drop(now, f"not sent: {reason}", destination)
        ticket.conclude(False, reason, now)

    # --- up -----------------------------------------------------------------------------------

    def receive(self, octets: bytes, previous_hop: NwkAddress, lqi: int, now: Instant) -> None:
        """Decode, unprotect, relay, and hand to the layer it is for."""
        if not self._nib.joined:
            self._drop(now, "a NWK frame, and we have no address yet", previous_hop)
            return
        try:
            frame = nwk.decode(octets)
        except DecodeError as error:
            self._drop(now, str(error), previous_hop)
            return
        device: Eui64 | None = None
        payload = frame.payload
        if frame.security is not None:
            opened = self._unprotect(octets, frame, previous_hop, now)
            if opened is None:
                return
            payload, device = opened
            self._heard(previous_hop, device, frame, lqi, now)
        else:
            refusal = self._refusal(frame)
            if refusal is not None:
                self._drop(now, refusal, previous_hop)
                return
        if frame.source == self._nib.address:
            self._take_own(frame, previous_hop, now)
        elif frame.destination == self._nib.address:
            self._deliver(frame, payload, device, previous_hop, now)
        elif is_broadcast(frame.destination):
            if self.broadcasts.table.note(frame.source, frame.sequence, previous_hop, now):
                self._relay(frame, payload, now)
                if self._is_for_us(frame.destination):
                    self._deliver(frame, payload, device, previous_hop, now)
        else:
            self._drop(now, "not for us and no routing yet", frame.source)

    def _deliver(
        self, frame: nwk.Frame, payload: bytes, device: Eui64 | None, previous_hop: NwkAddress, now: Instant
    ) -> None:
        originator = frame.source_ieee or self.addresses.device_at(frame.source)
        if frame.frame_control & 3 == nwk.FrameType.DATA:
            self.deliver_apdu(frame, payload, originator, device is not None, now)
            return
        try:
            command = nwk_commands.decode(payload)
        except DecodeError as error:
            self._drop(now, str(error), frame.source)
            return
        self.deliver_command(frame, command, originator, previous_hop, now)

    def _refusal(self, frame: nwk.Frame) -> str | None:
        """Why an unsecured frame is dropped. None: it may be the network key for us who have none."""
        kind = frame.frame_control & 3
        if kind == nwk.FrameType.INTER_PAN:
            return "inter-PAN"
        if kind == nwk.FrameType.COMMAND:
            return f"{name_command(frame.payload)} unsecured"
        if self._keys.active is not None:
            return "unsecured on a secured network"
        return "unsecured broadcast" if is_broadcast(frame.destination) else None

    def _take_own(self, frame: nwk.Frame, previous_hop: NwkAddress, now: Instant) -> None:
        """Our own broadcast, passed on by a neighbour: a passive acknowledgement."""
        if is_broadcast(frame.destination) and self.broadcasts.table.find(frame.source, frame.sequence):
            self.broadcasts.table.note(frame.source, frame.sequence, previous_hop, now)
        else:
            self._drop(now, "from our own address", previous_hop)

    def _unprotect(
        self, octets: bytes, frame: nwk.Frame, previous_hop: NwkAddress, now: Instant
    ) -> tuple[bytes, Eui64] | None:
        auxiliary = frame.security
        assert auxiliary is not None
        sequence = auxiliary.key_sequence
        key = self._keys.find(sequence)
        if key is None or sequence is None:
            if sequence is None:
                self._drop(now, "NWK security under another key than the network key", previous_hop)
            else:
                self._drop(now, f"no network key with sequence number {sequence}", previous_hop)
            return None
        source = auxiliary.source or self.addresses.device_at(previous_hop)
        if source is None:
            self._drop(now, "no extended nonce and an unknown sender", previous_hop)
            return None
        if not self._keys.is_fresh(sequence, source, auxiliary.frame_counter):
            self._drop(now, "frame counter replayed", previous_hop)
            return None
        try:
            payload = nwk_security.unprotect(octets, frame, key.cipher, source)
        except InvalidMic:
            self._drop(now, "NWK MIC does not hold", previous_hop)
            return None
        self._keys.accept(sequence, source, auxiliary.frame_counter)
        return payload, source

    def _heard(
        self, previous_hop: NwkAddress, device: Eui64, frame: nwk.Frame, lqi: int, now: Instant
    ) -> None:
        """Learn addresses, of secured frames only, and keep the neighbour fresh."""
        self.learn(device, previous_hop)
        if frame.source_ieee is not None and frame.source != previous_hop:
            self.learn(frame.source_ieee, frame.source)
        neighbor = self.neighbors.find_device(device)
        if neighbor is None:
            self._enter(device, previous_hop, frame, lqi, now)
            return
        if neighbor.address != previous_hop:
            self.neighbors.move(neighbor, previous_hop)
        neighbor.lqi = lqi
        neighbor.last_heard = now
        if neighbor.relationship is Relationship.UNAUTHENTICATED_CHILD:
            neighbor.relationship = Relationship.CHILD

    def _enter(self, device: Eui64, address: NwkAddress, frame: nwk.Frame, lqi: int, now: Instant) -> None:
        """A router on our network that we hear directly. End devices talk to their parent only."""
        if not self._nib.is_router or self.neighbors.full:
            return
        if frame.source == address and frame.frame_control & nwk.END_DEVICE_INITIATOR:
            return
        self.neighbors.add(
            Neighbor(
                device=device,
                address=address,
                is_router=True,
                receiver_on_when_idle=True,
                relationship=Relationship.PARENT if address == self._nib.parent else Relationship.SIBLING,
                lqi=lqi,
                last_heard=now,
            )
        )

    def _relay(self, frame: nwk.Frame, payload: bytes, now: Instant) -> None:
        if not self._nib.started or frame.radius <= 1 or _is_route_request(frame, payload):
            return
        relayed = frame._replace(radius=frame.radius - 1, security=None, payload=payload)
        self.broadcasts.relay(relayed, now)

    def _is_for_us(self, destination: NwkAddress) -> bool:
        if destination == BROADCAST_ALL:
            return True
        if destination == BROADCAST_RX_ON:
            return self._nib.receiver_on_when_idle
        return destination == BROADCAST_ROUTERS and self._nib.is_router

    def clear(self) -> None:
        """Forget neighbours, addresses and broadcasts."""
        self.neighbors.clear()
        self.addresses.clear()
        self.broadcasts.table.clear()

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="nwk", reason=reason, source=source))


def name_command(payload: bytes) -> str:
    """What a NWK command that is not acted on calls itself."""
    try:
        identifier = nwk_commands.CommandId(payload[0])
    except (IndexError, ValueError):
        return "an unknown NWK command"
    return identifier.name.replace("_", " ").title()


def _is_route_request(frame: nwk.Frame, payload: bytes) -> bool:
    """A route request is not relayed as it is: each relay would have to add its link's cost."""
    return frame.frame_control & 3 == nwk.FrameType.COMMAND and payload[:1] == b"\x01"
