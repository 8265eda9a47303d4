"""The APS layer: data and commands with acknowledgement and retransmission, secured, duplicates refused.

Which command may arrive under which key stands in `legality`, beside the handler, not in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from coordinator import trace
from coordinator.codec import aps, aps_commands, nwk
from coordinator.codec.cursor import DecodeError, EncodeError
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.primitives import apsde
from coordinator.security import aps as aps_security
from coordinator.security.aes import InvalidMic
from coordinator.security.counters import CounterExhausted
from coordinator.security.material import LinkKey, LinkKeys
from coordinator.stack.duplicates import Duplicates
from coordinator.stack.legality import illegality
from coordinator.stack.nib import Nib
from coordinator.stack.nwk import NwkLayer
from coordinator.stack.outbox import reason_of
from coordinator.stack.shaping import Shaping
from coordinator.stack.ticket import APS_ACK, UNTICKETED, Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import MILLISECOND, SECOND, Duration, Eui64, Instant, NwkAddress, is_broadcast

ACK_WAIT: Duration = 1600 * MILLISECOND
"""apscAckWaitDuration, about 1.6 s [K]."""
SLEEPY_ACK_WAIT: Duration = 10 * SECOND
"""The same where one of the two sleeps and the parent may hold the frame [NRF]."""
MAX_RETRIES = 3
"""apscMaxFrameRetries."""

DATA_UNICAST = aps.frame_control(aps.FrameType.DATA)
DATA_BROADCAST = aps.frame_control(aps.FrameType.DATA, delivery=aps.DeliveryMode.BROADCAST)
COMMAND = aps.frame_control(aps.FrameType.COMMAND)
COMMAND_BROADCAST = aps.frame_control(aps.FrameType.COMMAND, delivery=aps.DeliveryMode.BROADCAST)
ACK = aps.frame_control(aps.FrameType.ACK)
COMMAND_ACK = aps.frame_control(aps.FrameType.ACK, ack_format=True)
ACKNOWLEDGEMENT = Ticket(carries=APS_ACK)
FRAGMENTATION = 0x03
"""The fragmentation subfield of the extended frame control (2.2.5.1.8)."""

NWK_DATA = nwk.frame_control(nwk.FrameType.DATA, secured=True)
NWK_DATA_UNSECURED = nwk.frame_control(nwk.FrameType.DATA)

DataSink = Callable[[apsde.DataIndication, Instant], None]
CommandSink = Callable[[aps_commands.Command, NwkAddress, Eui64 | None, apsde.Security, Instant], None]
"""Takes a command, its source, the originator where it is known, and how it was protected."""


@dataclass(slots=True)
class Unacknowledged:
    """A unicast that waits for its APS acknowledgement; protected anew each time it is sent."""

    frame: aps.Frame
    link_key: LinkKey | None
    ticket: Ticket
    timer: Timer
    retries: int = 0


class ApsLayer:
    """One node's application support sublayer. `deliver_*` are set once, by the host."""

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        note: trace.Sink,
        nwk_layer: NwkLayer,
        link_keys: LinkKeys,
        shaping: Shaping,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._nwk = nwk_layer
        self._link_keys = link_keys
        self._shaping = shaping
        self._waiting: dict[tuple[NwkAddress, int], Unacknowledged] = {}
        self.duplicates = Duplicates()
        self.deliver_data: DataSink
        self.deliver_command: CommandSink

    # --- down ---------------------------------------------------------------------------------

    def send_data(self, request: apsde.DataRequest, now: Instant, ticket: Ticket) -> None:
        """Send application data; a unicast is repeated until acknowledged when the request says so."""
        broadcast = is_broadcast(request.destination)
        acknowledged = request.acknowledge and not broadcast
        frame = aps.Frame(
            DATA_BROADCAST if broadcast else DATA_UNICAST | (aps.ACK_REQUEST if acknowledged else 0),
            request.destination_endpoint,
            None,
            request.cluster,
            request.profile,
            request.source_endpoint,
            self._nib.next_aps_counter(),
            None,
            None,
            request.asdu,
        )
        self._send(request.destination, frame, None, now, ticket, radius=request.radius)

    def send_command(
        self,
        destination: NwkAddress,
        command: aps_commands.Command,
        now: Instant,
        *,
        link_key: LinkKey | None = None,
        protection: KeyIdentifier | None = None,
        nwk_secured: bool = True,
        ack_request: bool = False,
        ticket: Ticket = UNTICKETED,
    ) -> None:
        """Send an APS command. `link_key` is needed when `protection` is not None.

        Raises EncodeError or CounterExhausted: then nothing was sent.
        """
        frame_control, auxiliary = COMMAND_BROADCAST if is_broadcast(destination) else COMMAND, None
        if ack_request:
            frame_control |= aps.ACK_REQUEST
        if protection is not None and link_key is not None:
            frame_control |= aps.SECURITY
            auxiliary = AuxiliaryHeader(
                control(key_identifier=protection, extended_nonce=True),
                self._link_keys.next_counter(link_key.key),
                self._nib.eui64,
                None,
            )
        frame = aps.Frame(
            frame_control,
            None,
            None,
            None,
            None,
            None,
            self._nib.next_aps_counter(),
            None,
            auxiliary,
            aps_commands.encode(command),
        )
        self._send(destination, frame, link_key, now, ticket, nwk_secured=nwk_secured)

    def _send(
        self,
        destination: NwkAddress,
        frame: aps.Frame,
        link_key: LinkKey | None,
        now: Instant,
        ticket: Ticket,
        *,
        radius: int = 30,
        nwk_secured: bool = True,
    ) -> None:
        """Shape, protect and send a frame; wait for its acknowledgement if it asks for one."""
        if self._shaping.manner_of(ticket).shapers:
            frame, ticket = self._shaping.shape(frame, ticket, now)
        apdu = self._protected(frame, link_key)
        if frame.frame_control & aps.ACK_REQUEST and nwk_secured and not is_broadcast(destination):
            self._await(
                destination, Unacknowledged(frame, link_key, ticket, self._timer(destination, frame, now))
            )
        self._nwk.send(
            destination,
            apdu,
            now,
            frame_control=NWK_DATA if nwk_secured else NWK_DATA_UNSECURED,
            radius=radius,
            ticket=ticket,
        )

    def _protected(self, frame: aps.Frame, link_key: LinkKey | None) -> bytes:
        if frame.security is None or link_key is None:
            return aps.encode(frame)
        identifier = frame.security.key_identifier
        if identifier == KeyIdentifier.NETWORK:
            raise EncodeError("aps: the network key does not protect APS frames here")
        return aps_security.protect(frame, link_key.suite.cipher(identifier), self._nib.eui64)

    # --- acknowledgement ----------------------------------------------------------------------

    def _await(self, destination: NwkAddress, unacknowledged: Unacknowledged) -> None:
        earlier = self._waiting.pop((destination, unacknowledged.frame.counter), None)
        if earlier is not None:
            earlier.timer.cancel()
        self._waiting[destination, unacknowledged.frame.counter] = unacknowledged

    def _timer(self, destination: NwkAddress, frame: aps.Frame, now: Instant) -> Timer:
        peer = self._nwk.neighbors.find(destination)
        awake = self._nib.receiver_on_when_idle and (peer is None or peer.receiver_on_when_idle)
        key = (destination, frame.counter)
        return self._timers.set(
            Instant(now + (ACK_WAIT if awake else SLEEPY_ACK_WAIT)), lambda at: self._retransmit(key, at)
        )

    def _retransmit(self, key: tuple[NwkAddress, int], now: Instant) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            return
        if waiting.retries >= MAX_RETRIES:
            del self._waiting[key]
            self._drop(now, f"no APS acknowledgement of {waiting.retries + 1} transmissions", key[0])
            return
        waiting.retries += 1
        frame, link_key = waiting.frame, waiting.link_key
        try:
            if frame.security is not None and link_key is not None:
                fresh = frame.security._replace(frame_counter=self._link_keys.next_counter(link_key.key))
                frame = frame._replace(security=fresh)
            apdu = self._protected(frame, link_key)
        except (EncodeError, CounterExhausted) as error:
            del self._waiting[key]
            self._drop(now, f"not sent: {reason_of(error)}", key[0])
            return
        waiting.timer = self._timer(key[0], frame, now)
        self._nwk.send(key[0], apdu, now, frame_control=NWK_DATA, ticket=waiting.ticket)

    def _acknowledge(self, source: NwkAddress, frame: aps.Frame, now: Instant) -> None:
        if frame.frame_control & 3 == aps.FrameType.COMMAND:
            ack = aps.Frame(COMMAND_ACK, None, None, None, None, None, frame.counter)
        else:
            ack = aps.Frame(
                ACK,
                frame.source_endpoint,
                None,
                frame.cluster,
                frame.profile,
                frame.destination_endpoint,
                frame.counter,
            )
        self._nwk.send(source, aps.encode(ack), now, frame_control=NWK_DATA, ticket=ACKNOWLEDGEMENT)

    # --- up -----------------------------------------------------------------------------------

    def receive(
        self, carrier: nwk.Frame, apdu: bytes, device: Eui64 | None, secured: bool, now: Instant
    ) -> None:
        """Decode, unprotect, acknowledge, refuse duplicates, and hand up."""
        try:
            frame = aps.decode(apdu)
        except DecodeError as error:
            self._drop(now, str(error), carrier.source)
            return
        kind = frame.frame_control & 3
        if kind == aps.FrameType.INTER_PAN:
            self._drop(now, "inter-PAN", carrier.source)
        elif frame.extended is not None and frame.extended.control & FRAGMENTATION:
            self._drop(now, "fragmented, and reassembly is not supported", carrier.source)
        elif kind == aps.FrameType.COMMAND:
            self._receive_command(carrier, frame, apdu, device, secured, now)
        elif not secured:
            self._drop(now, "unsecured at the NWK layer", carrier.source)
        elif kind == aps.FrameType.ACK:
            waiting = self._waiting.pop((carrier.source, frame.counter), None)
            if waiting is not None:
                waiting.timer.cancel()
        else:
            self._receive_data(carrier, frame, apdu, device, now)

    def _receive_data(
        self, carrier: nwk.Frame, frame: aps.Frame, apdu: bytes, device: Eui64 | None, now: Instant
    ) -> None:
        endpoint = frame.destination_endpoint
        if endpoint is None:
            self._drop(now, "group-addressed, and this node is in no group", carrier.source)
            return
        security, payload = apsde.NWK_ONLY, frame.payload
        if frame.security is not None:
            opened = self._unprotect(apdu, frame, device, True, carrier.source, now)
            if opened is None:
                return
            payload, security = opened
        if self._is_repeated(carrier, frame, now):
            return
        self.deliver_data(
            apsde.DataIndication(
                source=carrier.source,
                device=device,
                destination=carrier.destination,
                destination_endpoint=endpoint,
                profile=frame.profile or 0,
                cluster=frame.cluster or 0,
                source_endpoint=frame.source_endpoint or 0,
                asdu=payload,
                security=security,
            ),
            now,
        )

    def _receive_command(
        self,
        carrier: nwk.Frame,
        frame: aps.Frame,
        apdu: bytes,
        device: Eui64 | None,
        secured: bool,
        now: Instant,
    ) -> None:
        security, payload = apsde.NWK_ONLY if secured else apsde.UNSECURED, frame.payload
        if frame.security is not None:
            opened = self._unprotect(apdu, frame, device, secured, carrier.source, now)
            if opened is None:
                return
            payload, security = opened
            device = frame.security.source or device
        try:
            command = aps_commands.decode(payload)
        except DecodeError as error:
            self._drop(now, str(error), carrier.source)
            return
        illegal = illegality(payload[0], security)
        if illegal is not None:
            self._drop(now, illegal, carrier.source)
        elif not secured or not self._is_repeated(carrier, frame, now):
            self.deliver_command(command, carrier.source, device, security, now)

    def _unprotect(
        self,
        apdu: bytes,
        frame: aps.Frame,
        device: Eui64 | None,
        nwk_secured: bool,
        source: NwkAddress,
        now: Instant,
    ) -> tuple[bytes, apsde.Security] | None:
        auxiliary = frame.security
        assert auxiliary is not None
        partner = auxiliary.source or device
        if partner is None:
            self._drop(now, "APS security from a device whose EUI-64 is unknown", source)
            return None
        identifier = auxiliary.key_identifier
        for candidate in self._link_keys.candidates(partner, identifier):
            try:
                payload = aps_security.unprotect(apdu, frame, candidate.cipher, partner)
            except InvalidMic:
                continue
            key = candidate.link_key
            if not self._link_keys.is_fresh(partner, key.key, auxiliary.frame_counter):
                self._drop(now, "APS frame counter replayed", partner)
                return None
            self._link_keys.accept(partner, key.key, auxiliary.frame_counter)
            return payload, apsde.Security(nwk=nwk_secured, aps=identifier, link_key=key.kind)
        self._drop(now, f"APS MIC does not hold under any {identifier.name} key", partner)
        return None

    def _is_repeated(self, carrier: nwk.Frame, frame: aps.Frame, now: Instant) -> bool:
        """Acknowledge a unicast that asks for it; True when it is one that was here before."""
        if is_broadcast(carrier.destination):
            return False
        if frame.frame_control & aps.ACK_REQUEST:
            self._acknowledge(carrier.source, frame, now)
        if self.duplicates.note(carrier.source, frame, now):
            self._drop(now, "APS duplicate", carrier.source)
            return True
        return False

    # --- tables -------------------------------------------------------------------------------

    def forget(self, address: NwkAddress) -> None:
        """A device begins anew at this address: its counters may, too."""
        self.duplicates.forget(address)
        for waiting in [key for key in self._waiting if key[0] == address]:
            self._waiting.pop(waiting).timer.cancel()

    def clear(self) -> None:
        """Forget all that waits and all that was seen."""
        for waiting in self._waiting.values():
            waiting.timer.cancel()
        self._waiting.clear()
        self.duplicates.clear()

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="aps", reason=reason, source=source))
