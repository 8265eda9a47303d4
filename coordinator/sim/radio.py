"""A simulated IEEE 802.15.4 radio: what a stick does by itself, without its host.

Address filter, auto-ACK with the frame-pending bit, unslotted CSMA-CA, ACK wait, retries. Usable
without a Node: four requests go in, `on_frame` and `on_confirm` come out, and the world's `now` is
the time of both. Neither is ever called from within a request.

Rules of IEEE 802.15.4-2006 cited without a reference page are "unverified".
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import mac
from coordinator.sim.air import CCA_TIME, MAX_PSDU, AirFrame, Transmission
from coordinator.sim.medium import Medium
from coordinator.sim.world import NEVER, Event, World
from coordinator.stack.node import ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune
from coordinator.types import (
    BROADCAST_PAN,
    CHANNELS,
    COORDINATOR,
    NO_ADDRESS,
    SYMBOL,
    Channel,
    Duration,
    Eui64,
    Instant,
    NwkAddress,
    PanId,
)

TURNAROUND = 12 * SYMBOL
"""aTurnaroundTime, 192 us: from the end of a frame to its ACK, and from a clear channel to the frame."""
ACK_WAIT = 54 * SYMBOL
"""macAckWaitDuration, 864 us from the end of the frame: an ACK that ends only then is too late."""
UNIT_BACKOFF = 20 * SYMBOL
"""aUnitBackoffPeriod, 320 us."""
MAC_MIN_BE = 3
MAC_MAX_BE = 5
MAC_MAX_CSMA_BACKOFFS = 4
FRAME_WAIT_2003 = 19_500
"""macMaxFrameTotalWaitTime of a device of 2003, in microseconds."""
FRAME_WAIT = 31_800
"""macMaxFrameTotalWaitTime since 2006, in microseconds."""
NOISE_FLOOR = -95
"""What an energy scan of a quiet channel finds, in dBm; our choice."""

_ASLEEP = Instant(-1)
_ACKS = tuple(
    tuple(mac.encode(mac.ack(sequence, pending)) for sequence in range(256)) for pending in (False, True)
)
_FRAME_PENDING = mac.FRAME_PENDING
_ACK_REQUEST = mac.ACK_REQUEST
_DESTINATION_MODE = _DESTINATION_EXTENDED = 0x0C00
_BROADCAST = 0xFFFF
_BEACON = int(mac.FrameType.BEACON)
_ACK = int(mac.FrameType.ACK)


class SimulatedRadio:
    """One radio on a medium, named for links and captures. It starts powered off.

    `frame_wait` is how long a radio whose receiver is off when idle listens after an ACK with frame
    pending, until one frame comes; `receiver_on(ReceiverOn(on=False))` ends it early.
    """

    __slots__ = (
        "__weakref__", "_ack_deadline", "_acked", "_acking", "_backoffs", "_event", "_exponent",
        "_frame_wait", "_medium", "_on", "_pending", "_request", "_retries", "_scan",
        "_sending", "_window", "_world", "address", "channel", "extended_address", "hears_from",
        "hears_until", "name", "on_confirm", "on_frame", "pan_id", "powered",
    )  # fmt: skip

    def __init__(self, world: World, medium: Medium, name: str, *, frame_wait: Duration = FRAME_WAIT) -> None:
        self.name = name
        self.on_frame: Callable[[ReceivedFrame], None] = ignore_frame
        self.on_confirm: Callable[[int, TransmitStatus, bool], None] = ignore_confirm
        self.powered = False
        self._world = world
        self._medium = medium
        self._frame_wait = frame_wait
        self._reset()

    def _reset(self) -> None:
        self.channel: Channel = CHANNELS[0]
        self.pan_id: PanId = BROADCAST_PAN
        self.address: NwkAddress = NO_ADDRESS
        self.extended_address = Eui64(0)
        self.hears_from: Instant = NEVER
        self.hears_until: Instant = _ASLEEP
        self._on = True
        self._window = _ASLEEP
        self._pending = SetPending()
        self._request: Transmit | None = None
        self._retries = self._backoffs = self._exponent = 0
        self._event: Event | None = None
        self._sending: Transmission | None = None
        self._ack_deadline: Instant | None = None
        self._acking: Transmission | None = None
        self._acked: ReceivedFrame | None = None
        self._scan: Callable[[], None] | None = None

    # What the host asks

    def power(self, on: bool) -> None:
        """Off: gone from the air at once, in the middle of a frame too, and nothing is confirmed.
        On: as after a reset (channel 11, no PAN, no address, receiver on). The callbacks stay.
        """
        if on == self.powered:
            return
        self.powered = on
        if not on:
            if self._event is not None:
                self._event.cancel()
            if self._scan is not None:
                self._scan()
            self._medium.detach(self)
        self._reset()
        if on:
            self.hears_from, self.hears_until = self._world.now, NEVER
            self._medium.attach(self)

    def transmit(self, request: Transmit) -> None:
        """Send a frame and confirm it: SUCCESS, NO_ACK or CHANNEL_ACCESS_FAILURE, or ABORTED when it
        is too long to send. AssertionError while another is outstanding: that is the host's bug.
        """
        self._assert_powered()
        if self._request is not None:
            raise AssertionError(f"{self.name}: asked for a second transmission while one is outstanding")
        self._request = request
        self._retries = request.retries
        if len(request.psdu) > MAX_PSDU:
            self._event = self._world.after(0, self._abort)
        else:
            self._attempt(request)

    def set_pending(self, request: SetPending) -> None:
        """Replace the source-match table."""
        self._assert_powered()
        self._pending = request

    def tune(self, request: Tune) -> None:
        """Change channel and addresses at once. What was being received on another channel is lost."""
        self._assert_powered()
        if request.channel != self.channel:
            self.hears_from = max(self.hears_from, self._world.now)
            self.channel = request.channel
        self.pan_id = request.pan_id
        self._medium.readdress(self, request.address, request.extended_address)

    def receiver_on(self, request: ReceiverOn) -> None:
        """Turn the receiver on or off while idle. An ACK that is due is heard either way."""
        self._assert_powered()
        now = self._world.now
        if request.on and self.hears_until < now:
            self.hears_from = max(self.hears_from, now)
        self._on = request.on
        self._window = _ASLEEP
        self._listen()

    def energy_scan(self, channel: Channel, span: Duration, done: Callable[[int], None]) -> None:
        """MLME-SCAN.request (ED): deaf for `span`, then the peak RSSI in dBm on that channel, NOISE_FLOOR
        when it was quiet. AssertionError while another scan runs; nothing is told after power off.
        """
        self._assert_powered()
        if self._scan is not None:
            raise AssertionError(f"{self.name}: asked for a second energy scan while one is running")
        ends = Instant(self._world.now + span)
        self.hears_from = max(self.hears_from, ends)
        peak = NOISE_FLOOR

        def measure(frame: AirFrame) -> None:
            nonlocal peak
            if frame.channel == channel and frame.transmitter != self.name:
                peak = max(peak, frame.rssi)

        def finish() -> None:
            stop()
            done(peak)

        def stop() -> None:
            self._scan = None
            ignore()
            due.cancel()

        ignore = self._medium.observe(measure)
        due = self._world.at(ends, finish)
        self._scan = stop

    # What the air brings

    def accepts(self, frame: mac.Frame) -> bool:
        """The third level of filtering (IEEE 802.15.4-2006, 7.5.6.2; unverified)."""
        control = frame.frame_control
        kind = control & 7
        if kind == _ACK:
            return False
        if kind == _BEACON:
            return self.pan_id == BROADCAST_PAN or frame.source_pan == self.pan_id
        destination = frame.destination
        if destination is None:
            return self.address == COORDINATOR and frame.source_pan == self.pan_id
        if frame.destination_pan != self.pan_id and frame.destination_pan != BROADCAST_PAN:
            return False
        if control & _DESTINATION_MODE == _DESTINATION_EXTENDED:
            return destination == self.extended_address
        return destination == self.address or destination == _BROADCAST

    def heard(self, psdu: bytes, frame: mac.Frame, rssi: int, lqi: int) -> None:
        """Acknowledge the frame if it asks for it; the host gets it when the ACK has been sent."""
        if self._window != _ASLEEP:
            self._window = _ASLEEP
            self._listen()
        if not frame.frame_control & _ACK_REQUEST or _is_broadcast(frame):
            self.on_frame(ReceivedFrame(psdu=psdu, channel=self.channel, rssi=rssi, lqi=lqi))
            return
        pending = mac.is_data_request(psdu) and self._holds_for(frame)
        start = Instant(self._world.now + TURNAROUND)
        self._acking = self._medium.transmit(self, _ACKS[pending][frame.sequence], start, None)
        self.hears_from = self._acking.end
        self._acked = ReceivedFrame(
            psdu=psdu, channel=self.channel, rssi=rssi, lqi=lqi, acked_with_pending=pending
        )

    def heard_ack(self, psdu: bytes) -> None:
        """Take an ACK as ours by its sequence number, which is all it has."""
        request = self._request
        if request is None or self._ack_deadline is None or psdu[2] != request.psdu[2]:
            return
        if self._event is not None:
            self._event.cancel()
        self._finish(TransmitStatus.SUCCESS, bool(psdu[0] & _FRAME_PENDING))

    def sent(self, transmission: Transmission) -> None:
        """Our own frame is out: wait for its ACK. Our own ACK is out: the host gets the frame."""
        if transmission is self._acking:
            received, self._acking, self._acked = self._acked, None, None
            if received is not None:
                self.on_frame(received)
        elif transmission is self._sending:
            self._sending = None
            if not mac.wants_ack(transmission.psdu):
                self._finish(TransmitStatus.SUCCESS, False)
                return
            self._ack_deadline = deadline = Instant(transmission.end + ACK_WAIT)
            self._event = self._world.at(deadline, self._no_ack)
            self._medium.await_ack(self, True)
            if not self._on:
                self._listen()

    # Unslotted CSMA-CA (IEEE 802.15.4-2006, 7.5.1.4; unverified) and retries

    def _attempt(self, request: Transmit) -> None:
        self._backoffs = 0
        self._exponent = MAC_MIN_BE
        if request.csma:
            self._back_off()
        else:
            self._launch(request, max(self._world.now, self.hears_from))

    def _back_off(self) -> None:
        world = self._world
        slots = world.entropy.integer(0, (1 << self._exponent) - 1)
        self._event = world.at(Instant(world.now + slots * UNIT_BACKOFF + CCA_TIME), self._assess)

    def _assess(self) -> None:
        """The clear channel assessment ends. While it owes an ACK the radio counts as a busy channel."""
        self._event = None
        request = self._request
        if request is None:
            return
        if self._acking is None and not self._medium.busy(self):
            self._launch(request, self._world.now)
        elif self._backoffs == MAC_MAX_CSMA_BACKOFFS:
            self._finish(TransmitStatus.CHANNEL_ACCESS_FAILURE, False)
        else:
            self._backoffs += 1
            self._exponent = min(self._exponent + 1, MAC_MAX_BE)
            self._back_off()

    def _launch(self, request: Transmit, when: Instant) -> None:
        """Turn round and send: deaf from now until the frame is out."""
        start = Instant(when + TURNAROUND)
        self._sending = transmission = self._medium.transmit(self, request.psdu, start, request.handle)
        self.hears_from = transmission.end

    def _no_ack(self) -> None:
        self._event = None
        request = self._request
        if request is None:
            return
        if not self._retries:
            self._finish(TransmitStatus.NO_ACK, False)
            return
        self._retries -= 1
        self._stop_waiting()
        self._attempt(request)

    def _abort(self) -> None:
        self._finish(TransmitStatus.ABORTED, False)

    def _finish(self, status: TransmitStatus, pending: bool) -> None:
        request = self._request
        if request is None:
            return
        self._request = self._event = None
        if pending and not self._on:
            self._window = Instant(self._world.now + self._frame_wait)
        self._stop_waiting()
        self.on_confirm(request.handle, status, pending)

    def _stop_waiting(self) -> None:
        if self._ack_deadline is not None:
            self._ack_deadline = None
            self._medium.await_ack(self, False)
            if not self._on:
                self._listen()

    def _listen(self) -> None:
        """The receiver is on when idle, for an ACK, or for what an ACK promised."""
        if self._on:
            self.hears_until = NEVER
        elif self._ack_deadline is not None:
            self.hears_until = max(self._window, self._ack_deadline)
        else:
            self.hears_until = self._window

    def _holds_for(self, frame: mac.Frame) -> bool:
        """True when the source-match table has the frame's source, or nobody asks it."""
        pending = self._pending
        if pending.everyone:
            return True
        if frame.source_mode == mac.AddressMode.EXTENDED:
            return frame.source in pending.extended
        return frame.source in pending.short

    def _assert_powered(self) -> None:
        if not self.powered:
            raise AssertionError(f"{self.name}: asked to act while powered off")


def ignore_frame(frame: ReceivedFrame) -> None:
    """What `on_frame` is while nobody listens."""


def ignore_confirm(handle: int, status: TransmitStatus, frame_pending: bool) -> None:
    """What `on_confirm` is while nobody listens."""


def _is_broadcast(frame: mac.Frame) -> bool:
    return (
        frame.destination == _BROADCAST and frame.frame_control & _DESTINATION_MODE != _DESTINATION_EXTENDED
    )
