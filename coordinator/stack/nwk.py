"""The NWK layer: frames secured hop by hop, unicast with retries, broadcast once and once only.

Routing through others is its own later work; a unicast goes to a neighbour, or to an end device's
parent. What has no such next hop is dropped with that reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coordinator import trace
from coordinator.codec import nwk, nwk_commands
from coordinator.codec.cursor import DecodeError
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import InvalidMic
from coordinator.security.material import NetworkKeys
from coordinator.stack.broadcast import MAX_JITTER, MAX_RETRIES, PASSIVE_ACK_TIMEOUT, BroadcastTable
from coordinator.stack.mac import MacLayer
from coordinator.stack.neighbors import AddressMap, Neighbor, NeighborTable, Relationship
from coordinator.stack.nib import Nib
from coordinator.stack.node import TransmitStatus
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timers
from coordinator.types import (
    BROADCAST_ALL,
    MILLISECOND,
    NO_ADDRESS,
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

NETWORK_KEY_CONTROL = control(key_identifier=KeyIdentifier.NETWORK, extended_nonce=True)

Conclusion = Callable[[bool, str, Instant], None]
"""Told whether the next hop acknowledged, and if not, why."""


class Upper(Protocol):
    """What the NWK layer hands upwards."""

    def aps(
        self, frame: nwk.Frame, apdu: bytes, device: Eui64 | None, secured: bool, now: Instant
    ) -> None: ...
    def nwk_command(
        self, frame: nwk.Frame, command: nwk_commands.Command, device: Eui64 | None, secured: bool, now: Instant
    ) -> None: ...


class NwkLayer:
    """One node's network layer."""

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        note: trace.Sink,
        entropy: Entropy,
        mac: MacLayer,
        keys: NetworkKeys,
        neighbors: NeighborTable,
        addresses: AddressMap,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._entropy = entropy
        self._mac = mac
        self._keys = keys
        self.neighbors = neighbors
        self.addresses = addresses
        self.broadcasts = BroadcastTable()
        self.upper: Upper | None = None

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
        conclude: Conclusion | None = None,
    ) -> None:
        """Send `payload` (an APDU or a NWK command). The security bit of `frame_control` decides protection."""
        nib = self._nib
        sequence = nib.next_sequence()
        if not nib.receiver_on_when_idle or not nib.is_router:
            frame_control |= nwk.END_DEVICE_INITIATOR
        frame = nwk.Frame(
            frame_control,
            destination,
            nib.address,
            radius,
            sequence,
            destination_ieee,
            source_ieee,
            None,
            None,
            (),
            None,
            payload,
        )
        if frame_control & nwk.SECURITY and self._keys.active is None:
            if conclude is not None:
                conclude(False, "no network key", now)
            return
        if is_broadcast(destination):
            self._broadcast(frame, now, ticket, conclude)
        else:
            self._unicast(frame, now, ticket, conclude)

    def protected(self, frame: nwk.Frame) -> bytes:
        """The octets of a frame as they go to the next hop; takes a counter value when secured."""
        if not frame.frame_control & nwk.SECURITY:
            return nwk.encode(frame)
        active = self._keys.active
        assert active is not None
        auxiliary = AuxiliaryHeader(
            NETWORK_KEY_CONTROL, self._keys.next_counter(), self._nib.eui64, active.sequence
        )
        return nwk_security.protect(frame._replace(security=auxiliary), active.cipher, self._nib.eui64)

    def _unicast(self, frame: nwk.Frame, now: Instant, ticket: Ticket, conclude: Conclusion | None) -> None:
        next_hop = self._next_hop(frame.destination)
        if next_hop is None:
            if conclude is not None:
                conclude(False, "no route", now)
            self._note(trace.Dropped(at=now, layer="nwk", reason="no route", source=frame.destination))
            return
        neighbor = self.neighbors.find(next_hop)
        if neighbor is not None and not neighbor.receiver_on_when_idle and neighbor.is_child:
            self._mac.hold_data(
                next_hop,
                lambda: self.protected(frame),
                now,
                ticket,
                lambda status, at: _conclude(conclude, status is not None, "not fetched in time", at),
            )
            return
        attempts = 0

        def attempt(at: Instant) -> None:
            self._mac.send_data(next_hop, lambda: self.protected(frame), at, ticket, ended)

        def ended(status: TransmitStatus, at: Instant) -> None:
            nonlocal attempts
            attempts += 1
            if status is TransmitStatus.SUCCESS or attempts > UNICAST_RETRIES or not self._nib.joined:
                _conclude(conclude, status is TransmitStatus.SUCCESS, status.value, at)
            else:
                self._timers.set(Instant(at + UNICAST_RETRY_DELAY), attempt)

        attempt(now)

    def _next_hop(self, destination: NwkAddress) -> NwkAddress | None:
        if self._nib.parent is not None and (not self._nib.is_router or destination == self._nib.parent):
            return self._nib.parent
        return destination if self.neighbors.find(destination) is not None else None

    def _broadcast(
        self, frame: nwk.Frame, now: Instant, ticket: Ticket, conclude: Conclusion | None
    ) -> None:
        self.broadcasts.note(frame.source, frame.sequence, self._nib.address, now)
        if not self._nib.is_router and self._nib.parent is not None:
            # An end device's broadcast goes to its parent as a MAC unicast (3.6.5).
            parent = self._nib.parent
            self._mac.send_data(parent, lambda: self.protected(frame), now, ticket)
        else:
            self._transmit_broadcast(frame, 0, now, ticket)
        _conclude(conclude, True, "", now)

    def _transmit_broadcast(self, frame: nwk.Frame, retry: int, now: Instant, ticket: Ticket) -> None:
        if frame.frame_control & nwk.SECURITY and self._keys.active is None:
            return
        self._mac.send_data(NO_ADDRESS, lambda: self.protected(frame), now, ticket)
        if frame.destination == BROADCAST_ALL and retry == 0:
            self._copy_to_sleepers(frame, now, ticket)
        if frame.radius > 1 and retry < MAX_RETRIES:
            self._timers.set(
                Instant(now + PASSIVE_ACK_TIMEOUT), lambda at: self._check_passive(frame, retry + 1, at, ticket)
            )

    def _check_passive(self, frame: nwk.Frame, retry: int, now: Instant, ticket: Ticket) -> None:
        if not self._nib.joined:
            return
        heard = self.broadcasts.relayed_by(frame.source, frame.sequence)
        routers = {
            neighbor.address
            for neighbor in self.neighbors
            if neighbor.is_router and neighbor.relationship is not Relationship.UNAUTHENTICATED_CHILD
        }
        if heard and not routers <= heard:
            self._transmit_broadcast(frame, retry, now, ticket)

    def _copy_to_sleepers(self, frame: nwk.Frame, now: Instant, ticket: Ticket) -> None:
        for neighbor in self.neighbors:
            if neighbor.is_child and not neighbor.receiver_on_when_idle and neighbor.address != frame.source:
                self._mac.hold_data(neighbor.address, lambda: self.protected(frame), now, ticket, None)

    # --- up -----------------------------------------------------------------------------------

    def receive(
        self, octets: bytes, mac_source: NwkAddress, _mac_destination: NwkAddress, lqi: int, now: Instant
    ) -> None:
        """Decode, unprotect, relay, and hand to the layer it is for."""
        try:
            frame = nwk.decode(octets)
        except DecodeError as error:
            self._drop(now, str(error), mac_source)
            return
        if frame.frame_control & 3 == nwk.FrameType.INTER_PAN:
            self._drop(now, "inter-PAN", mac_source)
            return
        if frame.source == self._nib.address:
            # Our own broadcast, passed on by a neighbour: a passive acknowledgement.
            self.broadcasts.note(frame.source, frame.sequence, mac_source, now)
            return
        device: Eui64 | None = None
        payload = frame.payload
        if frame.security is not None:
            opened = self._unprotect(octets, frame, mac_source, now)
            if opened is None:
                return
            payload, device = opened
        self._heard(mac_source, device, frame, lqi, now)
        if is_broadcast(frame.destination):
            if not self.broadcasts.note(frame.source, frame.sequence, mac_source, now):
                return
            self._relay(frame, payload, now)
            if not self._is_for_us(frame.destination):
                return
        elif frame.destination != self._nib.address:
            self._drop(now, "not for us and no routing yet", frame.source)
            return
        self._deliver(frame, payload, device, now)

    def _deliver(self, frame: nwk.Frame, payload: bytes, device: Eui64 | None, now: Instant) -> None:
        upper = self.upper
        assert upper is not None
        originator = frame.source_ieee
        if originator is None:
            known = self.addresses.device_at(frame.source)
            originator = known if known is not None else device
        secured = frame.security is not None
        if frame.frame_control & 3 == nwk.FrameType.DATA:
            upper.aps(frame, payload, originator, secured, now)
            return
        try:
            command = nwk_commands.decode(payload)
        except DecodeError as error:
            self._drop(now, str(error), frame.source)
            return
        upper.nwk_command(frame, command, originator, secured, now)

    def _unprotect(
        self, octets: bytes, frame: nwk.Frame, mac_source: NwkAddress, now: Instant
    ) -> tuple[bytes, Eui64] | None:
        auxiliary = frame.security
        assert auxiliary is not None
        key = self._keys.find(auxiliary.key_sequence)
        if key is None or auxiliary.key_sequence is None:
            self._drop(now, f"no network key with sequence number {auxiliary.key_sequence}", mac_source)
            return None
        source = auxiliary.source or self.addresses.device_at(mac_source)
        if source is None:
            self._drop(now, "no extended nonce and an unknown sender", mac_source)
            return None
        if not self._keys.is_fresh(auxiliary.key_sequence, source, auxiliary.frame_counter):
            self._drop(now, "frame counter replayed", mac_source)
            return None
        try:
            payload = nwk_security.unprotect(octets, frame, key.cipher, source)
        except InvalidMic:
            self._drop(now, "NWK MIC does not hold", mac_source)
            return None
        self._keys.accept(auxiliary.key_sequence, source, auxiliary.frame_counter)
        return payload, source

    def _heard(
        self, mac_source: NwkAddress, device: Eui64 | None, frame: nwk.Frame, lqi: int, now: Instant
    ) -> None:
        """Believe addresses only of secured frames, and keep the neighbour fresh."""
        if device is None:
            return
        originator = frame.source_ieee or (device if frame.source == mac_source else None)
        if originator is not None:
            self.addresses.learn(originator, frame.source)
        neighbor = self.neighbors.find_device(device)
        if neighbor is None:
            if self._nib.is_router and not self.neighbors.full and frame.source == mac_source:
                self._enter(device, mac_source, frame, lqi, now)
            return
        neighbor.lqi = lqi
        neighbor.last_heard = now
        if neighbor.relationship is Relationship.UNAUTHENTICATED_CHILD:
            neighbor.relationship = Relationship.CHILD

    def _enter(
        self, device: Eui64, address: NwkAddress, frame: nwk.Frame, lqi: int, now: Instant
    ) -> None:
        # Somebody on our network whose frames we hear directly. End devices talk to their parent only.
        if frame.frame_control & nwk.END_DEVICE_INITIATOR:
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
        if not self._nib.started or frame.radius <= 1:
            return
        relayed = frame._replace(radius=frame.radius - 1, security=None, payload=payload)
        jitter = self._entropy.integer(0, MAX_JITTER)

        def relay(at: Instant) -> None:
            self.broadcasts.note(frame.source, frame.sequence, self._nib.address, at)
            self._transmit_broadcast(relayed, 0, at, UNTICKETED)

        self._timers.set(Instant(now + jitter), relay)

    def _is_for_us(self, destination: NwkAddress) -> bool:
        if destination == 0xFFFC:
            return self._nib.is_router
        return destination == BROADCAST_ALL or (destination == 0xFFFD and self._nib.receiver_on_when_idle)

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="nwk", reason=reason, source=source))


def _conclude(conclude: Conclusion | None, delivered: bool, reason: str, at: Instant) -> None:
    if conclude is not None:
        conclude(delivered, "" if delivered else reason, at)


