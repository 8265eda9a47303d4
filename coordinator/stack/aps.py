"""The APS layer: data with acknowledgement and retransmission, duplicates refused, commands secured.

Which command may arrive under which key stands in `LEGAL_PROTECTION`, beside the handler, not in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordinator import trace
from coordinator.codec import aps, aps_commands, nwk
from coordinator.codec.aps_commands import CommandId
from coordinator.codec.cursor import DecodeError
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.primitives import apsde
from coordinator.security import aps as aps_security
from coordinator.security.aes import InvalidMic
from coordinator.security.material import LinkKey, LinkKeys
from coordinator.stack.nib import Nib
from coordinator.stack.nwk import Conclusion, NwkLayer
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import MILLISECOND, SECOND, Duration, Eui64, Instant, NwkAddress, is_broadcast

ACK_WAIT: Duration = 1600 * MILLISECOND
"""apscAckWaitDuration, about 1.6 s [K]."""
MAX_RETRIES = 3
"""apscMaxFrameRetries."""
DUPLICATE_TIME: Duration = 8 * SECOND
DUPLICATE_CAPACITY = 256

Shape = Callable[[aps.Frame], aps.Frame]

_NONE = frozenset({None})
_DATA = frozenset({KeyIdentifier.DATA})
LEGAL_PROTECTION: dict[int, frozenset[KeyIdentifier | None]] = {
    CommandId.TRANSPORT_KEY: frozenset({None, KeyIdentifier.KEY_TRANSPORT, KeyIdentifier.KEY_LOAD}),
    CommandId.UPDATE_DEVICE: _NONE | _DATA,
    CommandId.REMOVE_DEVICE: _NONE | _DATA,
    CommandId.REQUEST_KEY: _DATA,
    CommandId.SWITCH_KEY: _NONE | _DATA,
    CommandId.TUNNEL: _NONE,
    CommandId.VERIFY_KEY: _NONE | _DATA,
    CommandId.CONFIRM_KEY: _NONE | _DATA,
}
"""Protocol page 1.5. An unsecured Transport-Key or Confirm-Key passes here: the joiner judges it."""

DATA_UNICAST = aps.frame_control(aps.FrameType.DATA)
DATA_BROADCAST = aps.frame_control(aps.FrameType.DATA, delivery=aps.DeliveryMode.BROADCAST)
COMMAND = aps.frame_control(aps.FrameType.COMMAND)
ACK = aps.frame_control(aps.FrameType.ACK)
COMMAND_ACK = aps.frame_control(aps.FrameType.ACK, ack_format=True)

NWK_DATA = nwk.frame_control(nwk.FrameType.DATA, secured=True)
NWK_DATA_UNSECURED = nwk.frame_control(nwk.FrameType.DATA)


class Upper(Protocol):
    """What the APS layer hands upwards."""

    def data(self, indication: apsde.DataIndication, now: Instant) -> None: ...
    def command(
        self,
        command: aps_commands.Command,
        source: NwkAddress,
        device: Eui64 | None,
        security: apsde.Security,
        now: Instant,
    ) -> None: ...


@dataclass(slots=True)
class Unacknowledged:
    """A unicast that waits for its APS acknowledgement."""

    apdu: bytes
    ticket: Ticket
    attempts: int
    timer: Timer


class ApsLayer:
    """One node's application support sublayer."""

    def __init__(
        self, nib: Nib, timers: Timers, note: trace.Sink, nwk_layer: NwkLayer, link_keys: LinkKeys
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._nwk = nwk_layer
        self._link_keys = link_keys
        self._waiting: dict[tuple[NwkAddress, int], Unacknowledged] = {}
        self._seen: OrderedDict[tuple[NwkAddress, int], Instant] = OrderedDict()
        self.shapes: Sequence[Shape] = ()
        self.upper: Upper | None = None

    # --- down ---------------------------------------------------------------------------------

    def send_data(
        self, request: apsde.DataRequest, now: Instant, ticket: Ticket, conclude: Conclusion | None
    ) -> None:
        """Send application data; a unicast is repeated until acknowledged when the request says so."""
        broadcast = is_broadcast(request.destination)
        acknowledged = request.acknowledge and not broadcast
        counter = self._nib.next_aps_counter()
        frame = aps.Frame(
            DATA_BROADCAST if broadcast else DATA_UNICAST | (aps.ACK_REQUEST if acknowledged else 0),
            request.destination_endpoint,
            None,
            request.cluster,
            request.profile,
            request.source_endpoint,
            counter,
            None,
            None,
            request.asdu,
        )
        for shape in self.shapes:
            frame = shape(frame)
        apdu = aps.encode(frame)
        if acknowledged:
            key = (request.destination, counter)
            timer = self._timers.set(Instant(now + ACK_WAIT), lambda at: self._retransmit(key, at))
            self._waiting[key] = Unacknowledged(apdu, ticket, 0, timer)
        self._nwk.send(
            request.destination,
            apdu,
            now,
            frame_control=NWK_DATA,
            radius=request.radius,
            ticket=ticket,
            conclude=conclude,
        )

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
        conclude: Conclusion | None = None,
    ) -> None:
        """Send an APS command. `link_key` is needed when `protection` is not None."""
        frame = aps.Frame(
            COMMAND | (aps.ACK_REQUEST if ack_request else 0),
            None,
            None,
            None,
            None,
            None,
            self._nib.next_aps_counter(),
            None,
            None,
            aps_commands.encode(command),
        )
        if protection is not None and link_key is not None:
            auxiliary = AuxiliaryHeader(
                control(key_identifier=protection, extended_nonce=True),
                self._link_keys.next_counter(link_key.key),
                self._nib.eui64,
                None,
            )
            frame = frame._replace(frame_control=frame.frame_control | aps.SECURITY, security=auxiliary)
        for shape in self.shapes:
            frame = shape(frame)
        self._nwk.send(
            destination,
            self._protected(frame, link_key),
            now,
            frame_control=NWK_DATA if nwk_secured else NWK_DATA_UNSECURED,
            ticket=ticket,
            conclude=conclude,
        )

    def _protected(self, frame: aps.Frame, link_key: LinkKey | None) -> bytes:
        if frame.security is None or link_key is None:
            return aps.encode(frame)
        cipher = link_key.suite.cipher(frame.security.key_identifier)
        return aps_security.protect(frame, cipher, self._nib.eui64)

    def _retransmit(self, key: tuple[NwkAddress, int], now: Instant) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            return
        waiting.attempts += 1
        if waiting.attempts > MAX_RETRIES or not self._nib.joined:
            del self._waiting[key]
            return
        waiting.timer = self._timers.set(Instant(now + ACK_WAIT), lambda at: self._retransmit(key, at))
        self._nwk.send(key[0], waiting.apdu, now, frame_control=NWK_DATA, ticket=waiting.ticket)

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
        if kind == aps.FrameType.COMMAND:
            self._receive_command(carrier, frame, apdu, device, secured, now)
        elif not secured:
            self._drop(now, "unsecured at the NWK layer", carrier.source)
        elif kind == aps.FrameType.ACK:
            waiting = self._waiting.pop((carrier.source, frame.counter), None)
            if waiting is not None:
                waiting.timer.cancel()
        elif kind == aps.FrameType.DATA:
            self._receive_data(carrier, frame, apdu, device, now)
        else:
            self._drop(now, "inter-PAN", carrier.source)

    def _receive_data(
        self, carrier: nwk.Frame, frame: aps.Frame, apdu: bytes, device: Eui64 | None, now: Instant
    ) -> None:
        broadcast = is_broadcast(carrier.destination)
        if frame.frame_control & aps.ACK_REQUEST and not broadcast:
            self._acknowledge(carrier.source, frame, now)
        if not broadcast and self._is_duplicate(carrier.source, frame.counter, now):
            self._drop(now, "APS duplicate", carrier.source)
            return
        if frame.extended is not None and frame.extended.control & 3:
            self._drop(now, "fragmented, and reassembly is not supported", carrier.source)
            return
        security = apsde.NWK_ONLY
        payload = frame.payload
        if frame.security is not None:
            opened = self._unprotect(apdu, frame, device, True, now)
            if opened is None:
                return
            payload, security = opened
        upper = self.upper
        assert upper is not None
        upper.data(
            apsde.DataIndication(
                source=carrier.source,
                device=device,
                destination=carrier.destination,
                destination_endpoint=frame.destination_endpoint or 0,
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
        security = apsde.NWK_ONLY if secured else apsde.UNSECURED
        payload = frame.payload
        if frame.security is not None:
            opened = self._unprotect(apdu, frame, device, secured, now)
            if opened is None:
                return
            payload, security = opened
            device = frame.security.source or device
        try:
            command = aps_commands.decode(payload)
        except DecodeError as error:
            self._drop(now, str(error), carrier.source)
            return
        identifier = payload[0]
        if not secured and identifier != CommandId.TRANSPORT_KEY:
            self._drop(now, f"APS command 0x{identifier:02x} unsecured at the NWK layer", carrier.source)
            return
        legal = LEGAL_PROTECTION.get(identifier)
        if legal is None:
            self._drop(now, f"APS command 0x{identifier:02x} has no place here", carrier.source)
            return
        if security.aps not in legal:
            how = "without APS security" if security.aps is None else f"under the {security.aps.name} key"
            self._drop(now, f"APS command 0x{identifier:02x} {how}", carrier.source)
            return
        if frame.frame_control & aps.ACK_REQUEST and secured:
            self._acknowledge(carrier.source, frame, now)
        upper = self.upper
        assert upper is not None
        upper.command(command, carrier.source, device, security, now)

    def _unprotect(
        self, apdu: bytes, frame: aps.Frame, device: Eui64 | None, nwk_secured: bool, now: Instant
    ) -> tuple[bytes, apsde.Security] | None:
        auxiliary = frame.security
        assert auxiliary is not None
        partner = auxiliary.source or device
        if partner is None:
            self._drop(now, "APS security from a device whose EUI-64 is unknown", None)
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
        self._nwk.send(source, aps.encode(ack), now, frame_control=NWK_DATA)

    def _is_duplicate(self, source: NwkAddress, counter: int, now: Instant) -> bool:
        seen = self._seen
        while seen and (len(seen) > DUPLICATE_CAPACITY or next(iter(seen.values())) <= now):
            seen.popitem(last=False)
        if (source, counter) in seen:
            return True
        seen[(source, counter)] = Instant(now + DUPLICATE_TIME)
        return False

    def forget(self, address: NwkAddress) -> None:
        """A device begins anew at this address: its counters may, too."""
        for key in [key for key in self._seen if key[0] == address]:
            del self._seen[key]
        for key in [key for key in self._waiting if key[0] == address]:
            self._waiting.pop(key).timer.cancel()

    def clear(self) -> None:
        """Forget all that waits and all that was seen."""
        for waiting in self._waiting.values():
            waiting.timer.cancel()
        self._waiting.clear()
        self._seen.clear()

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="aps", reason=reason, source=source))
