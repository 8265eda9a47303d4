"""The MAC sublayer above the radio: frames built, frames filtered, data polled for and held.

The radio does what must happen in microseconds (CSMA, ACK, retries, address filter); this layer
does the rest of IEEE 802.15.4-2006 that a Zigbee node needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from coordinator import trace
from coordinator.codec import mac, mac_commands
from coordinator.codec.cursor import DecodeError
from coordinator.stack.indirect import Ended, IndirectQueue
from coordinator.stack.nib import Nib
from coordinator.stack.node import Action, ReceivedFrame, ReceiverOn, TransmitStatus, Tune
from coordinator.stack.outbox import Done, Outbox
from coordinator.stack.ticket import UNTICKETED, Outcome, Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import (
    BROADCAST_PAN,
    MILLISECOND,
    NO_ADDRESS,
    Channel,
    Duration,
    Eui64,
    Instant,
    NwkAddress,
    PanId,
)

MAX_FRAME_TOTAL_WAIT: Duration = 31_776
"""macMaxFrameTotalWaitTime of IEEE 802.15.4-2006: 1986 symbols; the 2003 edition's is shorter."""

DUPLICATE_WINDOW: Duration = 250 * MILLISECOND
"""A repeated sequence number within this is a retransmission whose ACK was lost."""

COMMAND_TO_DEVICE = mac.frame_control(
    mac.FrameType.COMMAND,
    ack_request=True,
    pan_id_compression=True,
    destination_mode=mac.AddressMode.EXTENDED,
    source_mode=mac.AddressMode.EXTENDED,
)
ASSOCIATION_REQUEST = mac.frame_control(
    mac.FrameType.COMMAND,
    ack_request=True,
    destination_mode=mac.AddressMode.SHORT,
    source_mode=mac.AddressMode.EXTENDED,
)
POLL_EXTENDED = mac.frame_control(
    mac.FrameType.COMMAND,
    ack_request=True,
    pan_id_compression=True,
    destination_mode=mac.AddressMode.SHORT,
    source_mode=mac.AddressMode.EXTENDED,
)
POLL_SHORT = mac.frame_control(
    mac.FrameType.COMMAND,
    ack_request=True,
    pan_id_compression=True,
    destination_mode=mac.AddressMode.SHORT,
    source_mode=mac.AddressMode.SHORT,
)
BEACON_REQUEST = mac.frame_control(mac.FrameType.COMMAND, destination_mode=mac.AddressMode.SHORT)
BEACON = mac.frame_control(mac.FrameType.BEACON, source_mode=mac.AddressMode.SHORT)
DATA_REQUEST_OCTETS = mac_commands.encode(mac_commands.DataRequest())
BEACON_REQUEST_OCTETS = mac_commands.encode(mac_commands.BeaconRequest())


class Upper(Protocol):
    """What the MAC hands upwards."""

    def data(self, msdu: bytes, source: NwkAddress, destination: NwkAddress, lqi: int, now: Instant) -> None: ...
    def beacon(self, frame: mac.Frame, received: ReceivedFrame, now: Instant) -> None: ...
    def command(self, frame: mac.Frame, command: mac_commands.Command, now: Instant) -> None: ...


class MacLayer:
    """One node's MAC. `send_*` builds its frame when the radio is free for it."""

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        note: trace.Sink,
        actions: list[Action],
        persistence: Duration,
        mangle: Callable[[bytes], bytes] | None,
        first_sequence: int,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._actions = actions
        self.outbox = Outbox(actions, note, mangle)
        self.indirect = IndirectQueue(self.outbox, timers, actions, persistence)
        self._sequence = first_sequence
        self._last: dict[NwkAddress | Eui64, tuple[int, Instant]] = {}
        self._listening: Timer | None = None
        self.upper: Upper | None = None

    # --- down ---------------------------------------------------------------------------------

    def tune(self, channel: Channel, pan_id: PanId, address: NwkAddress) -> None:
        """Set channel and address filter."""
        self._actions.append(
            Tune(channel=channel, pan_id=pan_id, address=address, extended_address=self._nib.eui64)
        )

    def retune(self) -> None:
        """Set channel and filter to what the NIB says."""
        self.tune(self._nib.channel, self._nib.pan_id, self._nib.address)

    def send_data(
        self,
        next_hop: NwkAddress,
        msdu: Callable[[], bytes],
        now: Instant,
        ticket: Ticket = UNTICKETED,
        outcome: Outcome | None = None,
    ) -> None:
        """Send a data frame to a neighbour, or to all when `next_hop` is 0xFFFF (then without ACK)."""
        acknowledged = next_hop != NO_ADDRESS

        def build() -> bytes:
            return self._data(next_hop, msdu(), acknowledged, False)

        done: Done | None = None
        if outcome is not None:

            def done(status: TransmitStatus, _pending: bool, at: Instant) -> None:
                outcome(status, at)

        self.outbox.put(build, now, done=done, ticket=ticket)

    def hold_data(
        self, child: NwkAddress, msdu: Callable[[], bytes], now: Instant, ticket: Ticket, ended: Ended | None
    ) -> None:
        """Hold a data frame until the sleepy `child` polls."""
        self.indirect.put(child, lambda more: self._data(child, msdu(), True, more), now, ticket, ended)

    def hold_command(
        self, device: Eui64, command: mac_commands.Command, now: Instant, ticket: Ticket, ended: Ended | None
    ) -> None:
        """Hold a command, addressed by EUI-64, until its device polls (an association response)."""
        payload = mac_commands.encode(command)

        def build(more: bool) -> bytes:
            control = COMMAND_TO_DEVICE | (mac.FRAME_PENDING if more else 0)
            return self._encode(control, self._nib.pan_id, device, None, self._nib.eui64, payload)

        self.indirect.put(device, build, now, ticket, ended)

    def send_beacon(self, payload: bytes, now: Instant, ticket: Ticket) -> None:
        """Send a beacon whose MAC payload is `payload`."""
        self.outbox.put(
            lambda: self._encode(BEACON, None, None, self._nib.pan_id, self._nib.address, payload), now, ticket=ticket
        )

    def send_beacon_request(self, now: Instant) -> None:
        """Ask everybody on the channel for a beacon."""
        self.outbox.put(
            lambda: self._encode(BEACON_REQUEST, BROADCAST_PAN, NO_ADDRESS, None, None, BEACON_REQUEST_OCTETS), now
        )

    def send_association_request(
        self, pan_id: PanId, parent: NwkAddress, capability: int, now: Instant, done: Done
    ) -> None:
        """Ask `parent` for association."""
        payload = mac_commands.encode(mac_commands.AssociationRequest(capability=capability))
        self.outbox.put(
            lambda: self._encode(ASSOCIATION_REQUEST, pan_id, parent, BROADCAST_PAN, self._nib.eui64, payload),
            now,
            done=done,
        )

    def poll(self, pan_id: PanId, parent: NwkAddress, now: Instant, done: Done | None = None) -> None:
        """Ask `parent` for what it holds; listen as long as its ACK says there is something."""
        extended = self._nib.address == NO_ADDRESS

        def build() -> bytes:
            source = self._nib.eui64 if extended else self._nib.address
            control = POLL_EXTENDED if extended else POLL_SHORT
            return self._encode(control, pan_id, parent, None, source, DATA_REQUEST_OCTETS)

        def polled(status: TransmitStatus, pending: bool, at: Instant) -> None:
            if pending:
                self._listen_until(Instant(at + MAX_FRAME_TOTAL_WAIT))
            else:
                self._rest()
            if done is not None:
                done(status, pending, at)

        if not self._nib.receiver_on_when_idle:
            self._actions.append(ReceiverOn(on=True))
        self.outbox.put(build, now, done=polled)

    def _data(self, destination: NwkAddress, msdu: bytes, acknowledged: bool, more: bool) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFF
        return mac.encode(
            mac.data(
                sequence=self._sequence,
                pan_id=self._nib.pan_id,
                destination=destination,
                source=self._nib.address,
                payload=msdu,
                ack_request=acknowledged,
                frame_pending=more,
            )
        )

    def _encode(
        self,
        control: int,
        destination_pan: PanId | None,
        destination: NwkAddress | Eui64 | None,
        source_pan: PanId | None,
        source: NwkAddress | Eui64 | None,
        payload: bytes,
    ) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFF
        frame = mac.Frame(control, self._sequence, destination_pan, destination, source_pan, source, payload)
        return mac.encode(frame)

    # --- the receiver of a sleepy device --------------------------------------------------------

    def _listen_until(self, until: Instant) -> None:
        if self._nib.receiver_on_when_idle:
            return
        if self._listening is not None:
            self._listening.cancel()
        self._listening = self._timers.set(until, lambda _now: self._rest())

    def _rest(self) -> None:
        if not self._nib.receiver_on_when_idle and self._nib.joined:
            self._actions.append(ReceiverOn(on=False))

    # --- up -----------------------------------------------------------------------------------

    def receive(self, received: ReceivedFrame, now: Instant) -> None:
        """Decode, filter, and hand to the layer it is for."""
        upper = self.upper
        assert upper is not None
        try:
            frame = mac.decode(received.psdu)
        except DecodeError as error:
            self._drop(now, str(error), None)
            return
        kind = frame.frame_control & 7
        if kind == mac.FrameType.ACK:
            return
        if kind == mac.FrameType.BEACON:
            upper.beacon(frame, received, now)
            return
        source = frame.source
        if source is not None and self._is_duplicate(source, frame.sequence, now):
            self._drop(now, "duplicate sequence number", source)
            return
        if kind == mac.FrameType.DATA:
            self._receive_data(frame, received, now)
        else:
            self._receive_command(frame, now)

    def _receive_data(self, frame: mac.Frame, received: ReceivedFrame, now: Instant) -> None:
        upper = self.upper
        assert upper is not None
        source, destination = frame.source, frame.destination
        if source is None or destination is None or isinstance(source, Eui64) or isinstance(destination, Eui64):
            self._drop(now, "a Zigbee data frame has two short addresses", source)
            return
        if frame.destination_pan != self._nib.pan_id:
            self._drop(now, "another PAN", source)
            return
        if not self._nib.receiver_on_when_idle and frame.frame_pending and self._nib.parent is not None:
            self.poll(self._nib.pan_id, self._nib.parent, now)
        elif not self._nib.receiver_on_when_idle:
            self._rest()
        if frame.payload:
            upper.data(frame.payload, source, destination, received.lqi, now)

    def _receive_command(self, frame: mac.Frame, now: Instant) -> None:
        upper = self.upper
        assert upper is not None
        if frame.security_enabled:
            self._drop(now, "MAC security is not used by Zigbee", frame.source)
            return
        try:
            command = mac_commands.decode(frame.payload)
        except DecodeError as error:
            self._drop(now, str(error), frame.source)
            return
        upper.command(frame, command, now)

    def _is_duplicate(self, source: NwkAddress | Eui64, sequence: int, now: Instant) -> bool:
        last = self._last.get(source)
        if last is not None:
            if last[0] == sequence and now - last[1] < DUPLICATE_WINDOW:
                return True
            self._last[source] = (sequence, now)
            return False
        if len(self._last) >= 256:
            del self._last[next(iter(self._last))]
        self._last[source] = (sequence, now)
        return False

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="mac", reason=reason, source=source))
