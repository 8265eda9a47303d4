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
from coordinator.stack.frame_faults import FrameFaults
from coordinator.stack.indirect import Ended, IndirectQueue
from coordinator.stack.nib import Nib
from coordinator.stack.node import Action, ReceivedFrame, ReceiverOn, TransmitStatus, Tune
from coordinator.stack.outbox import Done, Outbox
from coordinator.stack.shaping import Shaping
from coordinator.stack.ticket import UNTICKETED, Ticket
from coordinator.stack.timers import Timer, Timers
from coordinator.types import (
    BROADCAST_PAN,
    COORDINATOR,
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
"""A repeated sequence number within this is a retransmission whose ACK was lost. All attempts of one
frame, backoffs included, fit in it; our choice."""
DUPLICATE_CAPACITY = 256

DATA = mac.frame_control(
    mac.FrameType.DATA,
    ack_request=True,
    pan_id_compression=True,
    destination_mode=mac.AddressMode.SHORT,
    source_mode=mac.AddressMode.SHORT,
)
DATA_TO_ALL = DATA & ~mac.ACK_REQUEST
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

Msdu = Callable[[], bytes]
"""Makes the payload when its frame leaves; raises what `outbox.Build` may raise."""

DataSink = Callable[[bytes, NwkAddress, int, Instant], None]
"""Takes an MSDU, its MAC source, the LQI and when."""


class Management(Protocol):
    """Who takes beacons and MAC commands. `promised`: our ACK said that a frame would follow."""

    def beacon(self, frame: mac.Frame, received: ReceivedFrame, now: Instant) -> None: ...
    def command(
        self, frame: mac.Frame, command: mac_commands.Command, promised: bool, now: Instant
    ) -> None: ...


class MacLayer:
    """One node's MAC. `send_*` builds its frame when the radio is free for it.

    `deliver_data` and `management` are set once, by the host.
    """

    def __init__(
        self,
        nib: Nib,
        timers: Timers,
        note: trace.Sink,
        actions: list[Action],
        shaping: Shaping,
        faults: FrameFaults,
        persistence: Duration,
        first_sequence: int,
    ) -> None:
        self._nib = nib
        self._timers = timers
        self._note = note
        self._actions = actions
        self.outbox = Outbox(actions, note, timers, shaping, faults)
        self.indirect = IndirectQueue(self.outbox, timers, actions, persistence)
        self._sequence = first_sequence
        self._last: dict[NwkAddress | Eui64, tuple[int, Instant]] = {}
        self._listening: Timer | None = None
        self._receiver_on = True
        self.deliver_data: DataSink
        self.management: Management

    # --- down ---------------------------------------------------------------------------------

    def tune(self, channel: Channel, pan_id: PanId, address: NwkAddress) -> None:
        """Set channel and address filter."""
        self._actions.append(
            Tune(channel=channel, pan_id=pan_id, address=address, extended_address=self._nib.eui64)
        )

    def retune(self) -> None:
        """Set channel and filter to what the NIB says."""
        self.tune(self._nib.channel, self._nib.pan_id, self._nib.address)

    def reset(self, now: Instant) -> None:
        """MLME-RESET: drop what is queued and held, and listen as the NIB says."""
        self.indirect.clear(now)
        self.outbox.flush(now)
        self._wake()
        self.retune()

    def send_data(
        self,
        next_hop: NwkAddress,
        msdu: Msdu,
        now: Instant,
        ticket: Ticket = UNTICKETED,
        done: Done | None = None,
    ) -> None:
        """Send a data frame to a neighbour, or to all when `next_hop` is 0xFFFF (then without ACK)."""
        self.outbox.put(lambda: self._data(next_hop, msdu()), now, done=done, ticket=ticket)

    def hold_data(
        self, child: NwkAddress, device: Eui64, msdu: Msdu, now: Instant, ticket: Ticket, ended: Ended | None
    ) -> None:
        """Hold a data frame until the sleepy `child` polls, by its address or as `device`."""
        self.indirect.put(child, lambda: self._data(child, msdu()), now, ticket, ended, alias=device)

    def hold_command(self, device: Eui64, command: bytes, now: Instant, ticket: Ticket, ended: Ended) -> None:
        """Hold an encoded command, addressed by EUI-64, until its device polls (an association response)."""

        def build() -> bytes:
            return self._encode(COMMAND_TO_DEVICE, self._nib.pan_id, device, None, self._nib.eui64, command)

        self.indirect.put(device, build, now, ticket, ended)

    def send_nothing(self, destination: NwkAddress, now: Instant) -> None:
        """Let a child sleep that our ACK promised a frame which is no longer held.

        An empty data frame (IEEE 802.15.4-2006, 7.5.6.3; unverified).
        """
        self.outbox.put(lambda: self._data(destination, b""), now, urgent=True, retries=0)

    def send_beacon(self, payload: bytes, now: Instant, ticket: Ticket, done: Done) -> None:
        """Send a beacon whose MAC payload is `payload`."""
        self.outbox.put(
            lambda: self._encode(BEACON, None, None, self._nib.pan_id, self._nib.address, payload),
            now,
            done=done,
            ticket=ticket,
        )

    def send_beacon_request(self, now: Instant) -> None:
        """Ask everybody on the channel for a beacon."""
        self.outbox.put(
            lambda: self._encode(
                BEACON_REQUEST, BROADCAST_PAN, NO_ADDRESS, None, None, BEACON_REQUEST_OCTETS
            ),
            now,
        )

    def send_association_request(
        self, pan_id: PanId, parent: NwkAddress, capability: int, now: Instant, done: Done
    ) -> None:
        """Ask `parent` for association."""
        payload = mac_commands.encode(mac_commands.AssociationRequest(capability=capability))
        self.outbox.put(
            lambda: self._encode(
                ASSOCIATION_REQUEST, pan_id, parent, BROADCAST_PAN, self._nib.eui64, payload
            ),
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
            if not pending:
                self._rest()
            elif not self._nib.receiver_on_when_idle:
                self._listening = self._timers.set(
                    Instant(at + MAX_FRAME_TOTAL_WAIT), lambda _at: self._rest()
                )
            if done is not None:
                done(status, pending, at)

        self._wake()
        self.outbox.put(build, now, done=polled)

    def _data(self, destination: NwkAddress, msdu: bytes) -> bytes:
        self._sequence = sequence = (self._sequence + 1) & 0xFF
        control = DATA_TO_ALL if destination == NO_ADDRESS else DATA
        nib = self._nib
        return mac.encode(mac.Frame(control, sequence, nib.pan_id, destination, None, nib.address, msdu))

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

    def _wake(self) -> None:
        """Turn the receiver on, and leave it on until something says otherwise."""
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        if not self._receiver_on:
            self._receiver_on = True
            self._actions.append(ReceiverOn(on=True))

    def _rest(self) -> None:
        """A sleepy device that is in a network turns its receiver off."""
        if self._nib.receiver_on_when_idle or not self._nib.joined or not self._receiver_on:
            return
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        self._receiver_on = False
        self._actions.append(ReceiverOn(on=False))

    # --- up -----------------------------------------------------------------------------------

    def receive(self, received: ReceivedFrame, now: Instant) -> None:
        """Decode, filter, and hand to the layer it is for."""
        try:
            frame = mac.decode(received.psdu)
        except DecodeError as error:
            self._drop(now, str(error), None)
            return
        kind = frame.frame_control & 7
        if kind == mac.FrameType.ACK:
            return
        if kind == mac.FrameType.BEACON:
            self.management.beacon(frame, received, now)
            return
        source = frame.source
        misfit = self._misfit(frame)
        if misfit is not None:
            self._drop(now, misfit, source)
        elif source is not None and self._is_duplicate(source, frame.sequence, now):
            self._drop(now, "duplicate sequence number", source)
        elif frame.security_enabled:
            self._drop(now, "MAC security is not used by Zigbee", source)
        elif kind == mac.FrameType.DATA:
            self._receive_data(frame, received.lqi, now)
        else:
            self._receive_command(frame, received.acked_with_pending is True, now)

    def _misfit(self, frame: mac.Frame) -> str | None:
        """Why the address filter refuses a frame (IEEE 802.15.4-2006, 7.5.6.2; unverified). None: for us.

        The radio filters as well, but a radio that hears all filters nothing.
        """
        nib = self._nib
        destination = frame.destination
        if destination is None:
            fits = nib.address == COORDINATOR and frame.source_pan == nib.pan_id
            return None if fits else "no destination, and not from this PAN"
        if frame.destination_pan != nib.pan_id and frame.destination_pan != BROADCAST_PAN:
            return "another PAN"
        if destination == nib.address or destination == NO_ADDRESS or destination == nib.eui64:
            return None
        return "for another device"

    def _receive_data(self, frame: mac.Frame, lqi: int, now: Instant) -> None:
        nib = self._nib
        source = frame.source
        if source is None or isinstance(source, Eui64) or isinstance(frame.destination, Eui64):
            self._drop(now, "a Zigbee data frame has two short addresses", source)
            return
        if frame.destination_pan != nib.pan_id:
            self._drop(now, "a data frame for all PANs", source)
            return
        if not nib.receiver_on_when_idle and source == nib.parent:
            if frame.frame_pending:
                self.poll(nib.pan_id, source, now)
            else:
                self._rest()
        if frame.payload:
            self.deliver_data(frame.payload, source, lqi, now)

    def _receive_command(self, frame: mac.Frame, promised: bool, now: Instant) -> None:
        try:
            command = mac_commands.decode(frame.payload)
        except DecodeError as error:
            self._drop(now, str(error), frame.source)
            return
        self.management.command(frame, command, promised, now)

    def _is_duplicate(self, source: NwkAddress | Eui64, sequence: int, now: Instant) -> bool:
        last = self._last.pop(source, None)
        self._last[source] = (sequence, now)
        if last is None:
            if len(self._last) > DUPLICATE_CAPACITY:
                del self._last[next(iter(self._last))]
            return False
        return last[0] == sequence and now - last[1] < DUPLICATE_WINDOW

    def _drop(self, now: Instant, reason: str, source: NwkAddress | Eui64 | None) -> None:
        self._note(trace.Dropped(at=now, layer="mac", reason=reason, source=source))
