"""The emulated RCP: a Spinel server over any `Radio`, as far as hosts of OpenThread firmware look.

Octets of the host go in by `feed`, the RCP's come out of its `outbox`. The radio beneath filters,
acknowledges, does CSMA and repeats; what the seam does not carry is accepted and has no effect here:
promiscuous mode, transmit power, the number of backoffs, a transmission's delay (RADIO_CAPS does not
list it). A reset does not take back a frame that the radio has begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from coordinator.codec import hdlc, mac, spinel, spinel_stream
from coordinator.codec.cursor import Cursor, DecodeError
from coordinator.codec.spinel import Command, Property, ReceiveFlag, ResetReason, ScanState, Status
from coordinator.dongle.energy_scan import EnergyScan
from coordinator.dongle.front_end import FrontEnd
from coordinator.dongle.outbox import Outbox
from coordinator.dongle.registers import INSERTERS, READERS, REMOVERS, WRITERS, Refused, Registers, Writer
from coordinator.dongle.registers import channel as supported
from coordinator.radio.base import Radio
from coordinator.sim.air import MAX_PSDU
from coordinator.sim.radio import NOISE_FLOOR
from coordinator.stack.node import (
    ReceivedFrame,
    Transmit,
    TransmitStatus,
)
from coordinator.types import CHANNELS, MILLISECOND, Channel, Eui64, Instant

OUTBOX_LIMIT = 32 * 1024
"""Octets that wait for a host at most; its own choice, of the order of an RCP's buffers."""
SOURCE_MATCH_ENTRIES = 10
"""Entries of each source-match table; EFR32 firmware has about as many (radios.md 3)."""

_STATUS = {
    TransmitStatus.SUCCESS: Status.OK,
    TransmitStatus.NO_ACK: Status.NO_ACK,
    TransmitStatus.CHANNEL_ACCESS_FAILURE: Status.CCA_FAILURE,
    TransmitStatus.ABORTED: Status.FAILURE,
}
_NO_DEFAULT = spinel_stream.Transmission(b"", CHANNELS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What distinguishes one RCP from another; `pending_by_default` is the front end's."""

    eui64: Eui64
    pending_by_default: bool = True
    source_match_entries: int = SOURCE_MATCH_ENTRIES
    outbox_limit: int = OUTBOX_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """The one transmission: who asked for it, and where the receiver goes when it ended."""

    transaction: int
    request: Transmit
    channel: Channel
    channel_after: Channel | None


class Rcp:
    """One RCP. It forgets everything at a reset, as after power-on; `resets` counts them.

    `up` is called each time the host has enabled both PHY and raw stream. An error of ours or of the
    radio's ends the RCP: `failed` is set and `error` says what it was.
    """

    def __init__(self, radio: Radio, now: Callable[[], Instant], model: Model) -> None:
        self.model = model
        self.outbox = Outbox(model.outbox_limit)
        self.up: Callable[[], None] = _ignore
        self.resets = 0
        self.malformed = 0
        self.failed = asyncio.Event()
        self.error: BaseException | None = None
        self._radio = radio
        self._now = now
        self._deframer = hdlc.Deframer()
        self._awake = True
        self._held = self._fresh()
        self._front_end = FrontEnd(radio, pending_by_default=model.pending_by_default)
        self._handle = 0
        self._in_radio: int | None = None
        self._flight: _Flight | None = None
        self._tuned_to: Channel | None = None
        self._scan = EnergyScan(radio, found=self._tell_level, ended=self._tell_idle, failed=self._fail)

    @property
    def bad_frames(self) -> int:
        """Frames from the host that were not HDLC-lite or not Spinel."""
        return self._deframer.bad + self.malformed

    async def start(self) -> None:
        """Power on. What the radio hears is told once the host has asked for it."""
        await self._radio.start(self._hear, self._confirm)
        self._settle()

    async def close(self) -> None:
        """Power off."""
        self._awake = False
        await self._scan.close()
        await self._radio.close()

    def connected(self) -> None:
        """Another host reads and writes from here on; the RCP itself stays as it is."""
        self._deframer.clear()
        self.outbox.clear()

    def reset(self, status: Status) -> None:
        """Restart for whatever reason, and say so. It also wakes an RCP that is in its bootloader."""
        self._restart(status)
        self._awake = True
        self._tell(Property.LAST_STATUS, spinel.pack(status))

    def _restart(self, status: Status) -> None:
        self.resets += 1
        self._held = self._fresh()
        self._held.last_status = status
        self._flight = None
        self._tuned_to = None
        self._scan.stop()
        self.outbox.clear()
        self._settle()

    def feed(self, octets: bytes) -> None:
        """Octets from the host, in any pieces."""
        try:
            for payload in self._deframer.feed(octets):
                if self._awake:
                    self._take(payload)
        except Exception as error:  # must not unwind into the transport
            self._fail(error)

    # What the host says

    def _take(self, payload: bytes) -> None:
        try:
            frame = spinel.decode(payload)
        except DecodeError:
            self.malformed += 1
            return
        try:
            self._obey(frame)
        except Refused as refused:
            self._answer_status(frame.transaction, refused.status)
        except DecodeError:
            self._answer_status(frame.transaction, Status.PARSE_ERROR)

    def _obey(self, frame: spinel.Frame) -> None:
        match frame.command:
            case Command.NOOP:
                self._answer_status(frame.transaction, Status.OK)
            case Command.RESET:
                self._reset_as_told(frame.payload)
            case Command.PROP_VALUE_GET:
                self._get(frame.transaction, *spinel.split(frame.payload))
            case Command.PROP_VALUE_SET:
                self._set(frame.transaction, *spinel.split(frame.payload))
            case Command.PROP_VALUE_INSERT:
                self._edit(frame, INSERTERS, Command.PROP_VALUE_INSERTED)
            case Command.PROP_VALUE_REMOVE:
                self._edit(frame, REMOVERS, Command.PROP_VALUE_REMOVED)
            case _:
                raise Refused(Status.INVALID_COMMAND)

    def _reset_as_told(self, payload: bytes) -> None:
        reason = payload[0] if payload else ResetReason.PLATFORM
        if reason == ResetReason.BOOTLOADER:
            self._restart(Status.RESET_SOFTWARE)
            self._awake = False
        elif reason in (ResetReason.PLATFORM, ResetReason.STACK):
            self.reset(Status.RESET_POWER_ON)  # what firmware says, and what aiospinel waits for
        else:
            raise Refused(Status.INVALID_ARGUMENT)

    def _get(self, transaction: int, property_id: int, _: bytes) -> None:
        self._answer(transaction, Command.PROP_VALUE_IS, property_id, self._read(property_id))

    def _read(self, property_id: int) -> bytes:
        if property_id == Property.MAC_SCAN_STATE:
            return bytes((ScanState.ENERGY if self._scan.running else ScanState.IDLE,))
        reader = READERS.get(property_id)
        if reader is None:
            raise Refused(Status.PROP_NOT_FOUND)
        return reader(self._held)

    def _set(self, transaction: int, property_id: int, value: bytes) -> None:
        if property_id == Property.STREAM_RAW:
            self._transmit(transaction, value)
            return
        was_up = self._is_up()
        if property_id == Property.MAC_SCAN_STATE:
            self._set_scan_state(Cursor(spinel.LAYER, value).u8("scan state"))
        else:
            self._write(WRITERS, property_id, value)
        self._answer(transaction, Command.PROP_VALUE_IS, property_id, self._read(property_id))
        if not was_up and self._is_up():
            self.up()

    def _edit(self, frame: spinel.Frame, writers: Mapping[int, Writer], done: Command) -> None:
        property_id, value = spinel.split(frame.payload)
        self._write(writers, property_id, value)
        self._answer(frame.transaction, done, property_id, value)

    def _write(self, writers: Mapping[int, Writer], property_id: int, value: bytes) -> None:
        writer = writers.get(property_id)
        if writer is None:
            known = property_id in READERS or property_id in WRITERS
            raise Refused(Status.INVALID_COMMAND_FOR_PROP if known else Status.PROP_NOT_FOUND)
        writer(self._held, Cursor(spinel.LAYER, value))
        if property_id == Property.PHY_CHAN:
            self._listen_on_own_channel()
        self._settle()

    # Transmission: one at a time, its answer when it ended

    def _transmit(self, transaction: int, value: bytes) -> None:
        order = spinel_stream.decode_transmission(value, _NO_DEFAULT)
        if not self._held.phy_enabled:
            raise Refused(Status.INVALID_STATE)
        if self._flight is not None or self._scan.running:
            raise Refused(Status.BUSY)
        if len(order.psdu) > MAX_PSDU:
            raise Refused(Status.INVALID_ARGUMENT)
        self._handle += 1
        self._flight = _Flight(
            transaction=transaction,
            request=Transmit(handle=self._handle, psdu=order.psdu, csma=order.csma, retries=order.retries),
            channel=supported(order.channel),
            channel_after=Channel(order.channel_after) if order.channel_after in CHANNELS else None,
        )
        self._launch()

    def _launch(self) -> None:
        """Hand the transmission to the radio, unless it still has one from before a reset."""
        flight = self._flight
        if flight is None or self._in_radio is not None:
            return
        self._tuned_to = flight.channel
        self._settle()
        self._in_radio = flight.request.handle
        self._radio.post(flight.request)

    def _confirm(self, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        try:
            self._land(handle, status, frame_pending)
        except Exception as error:  # must not unwind into the radio
            self._fail(error)

    def _land(self, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        self._in_radio = None
        flight = self._flight
        if flight is not None and flight.request.handle == handle:
            self._flight = None
            self._tuned_to = flight.channel_after
            self._settle()
            self._answer_outcome(flight, status, frame_pending)
        else:
            self._settle()
            self._launch()

    def _listen_on_own_channel(self) -> None:
        """PHY_CHAN was set: it is later than what a transmission asked for."""
        if self._flight is None:
            self._tuned_to = None
        else:
            self._flight = replace(self._flight, channel_after=None)

    def _answer_outcome(self, flight: _Flight, status: TransmitStatus, frame_pending: bool) -> None:
        psdu = flight.request.psdu
        ack: spinel_stream.Received | None = None
        if status is TransmitStatus.SUCCESS and mac.wants_ack(psdu):
            octets = mac.encode(mac.ack(mac.sequence(psdu), frame_pending))
            ack = self._received(octets, flight.channel)
        self._held.last_status = _STATUS[status]
        outcome = spinel_stream.Outcome(_STATUS[status], frame_pending, True, ack)
        self._answer(
            flight.transaction,
            Command.PROP_VALUE_IS,
            Property.LAST_STATUS,
            spinel_stream.encode_outcome(outcome),
        )

    # Reception

    def _hear(self, frame: ReceivedFrame) -> None:
        if not self._awake or not self._is_up():
            return
        flags = ReceiveFlag.ACKED_WITH_FRAME_PENDING if frame.acked_with_pending else 0
        try:
            received = self._received(frame.psdu, frame.channel, frame.rssi, frame.lqi, flags)
            self._tell(Property.STREAM_RAW, spinel_stream.encode_received(received), expendable=True)
        except Exception as error:  # must not unwind into the radio
            self._fail(error)

    def _received(
        self, psdu: bytes, channel: Channel, rssi: int = 127, lqi: int = 0, flags: int = 0
    ) -> spinel_stream.Received:
        """A frame with everything firmware says of it. RSSI 127 is what nobody measured."""
        return spinel_stream.Received(
            psdu=psdu,
            fcs=mac.fcs(psdu).to_bytes(2, "little"),
            rssi=rssi,
            noise=NOISE_FLOOR,
            flags=flags,
            channel=channel,
            lqi=lqi,
            timestamp=self._now(),
        )

    # Energy scan: a result for each channel, then the state is idle again

    def _set_scan_state(self, state: int) -> None:
        if state == ScanState.IDLE:
            self._scan.stop()
        elif state != ScanState.ENERGY:
            raise Refused(Status.UNIMPLEMENTED if state == ScanState.BEACON else Status.INVALID_ARGUMENT)
        elif not self._held.phy_enabled:
            raise Refused(Status.INVALID_STATE)
        elif self._scan.running or self._flight is not None:
            raise Refused(Status.BUSY)
        else:
            self._scan.start(self._held.scan_mask, self._held.scan_period * MILLISECOND)

    def _tell_level(self, channel: Channel, level: int) -> None:
        octets = max(-128, min(127, level)).to_bytes(1, "little", signed=True)
        self._tell(Property.MAC_ENERGY_SCAN_RESULT, bytes((channel,)) + octets)

    def _tell_idle(self) -> None:
        self._tell(Property.MAC_SCAN_STATE, bytes((ScanState.IDLE,)))

    # The radio beneath

    def _fresh(self) -> Registers:
        return Registers(eui64=self.model.eui64, table_size=self.model.source_match_entries)

    def _is_up(self) -> bool:
        return self._held.phy_enabled and self._held.raw_stream

    def _settle(self) -> None:
        """Make the radio what the registers say. It is not retuned while it has a transmission."""
        channel = self._tuned_to or self._held.channel
        self._front_end.settle(self._held, channel if self._in_radio is None else None)

    def _fail(self, error: Exception) -> None:
        """Neither radio nor RCP is to be trusted any more: it falls silent."""
        self.error = self.error or error
        self._awake = False
        self.failed.set()

    # What the RCP says

    def _answer_status(self, transaction: int, status: Status) -> None:
        self._held.last_status = status
        self._answer(transaction, Command.PROP_VALUE_IS, Property.LAST_STATUS, spinel.pack(status))

    def _answer(self, transaction: int, command: Command, property_id: int, value: bytes) -> None:
        """Nobody waits for the answer to transaction 0."""
        if transaction != spinel.UNSOLICITED:
            self._say(transaction, command, property_id, value)

    def _tell(self, property_id: Property, value: bytes, *, expendable: bool = False) -> None:
        self._say(spinel.UNSOLICITED, Command.PROP_VALUE_IS, property_id, value, expendable=expendable)

    def _say(
        self, transaction: int, command: Command, property_id: int, value: bytes, *, expendable: bool = False
    ) -> None:
        frame = spinel.Frame(transaction, command, spinel.valued(property_id, value))
        self.outbox.put(hdlc.encode(spinel.encode(frame)), expendable=expendable)


def _ignore() -> None:
    """What `up` is while nobody asks."""
