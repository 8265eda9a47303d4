"""aiospinel's protocol with its traps taken out (radios.md section 3).

It names properties that the library lacks or has wrong by our own table, sends everything once, raises
on a status that is not OK, ends every wait when the line is lost, takes an answer only for the
property that was asked about (a late one may carry a transaction identifier that was used again), and
does its own framing, which no octets can break or fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiospinel.protocol import SpinelFrame, SpinelProtocol
from aiospinel.types import CommandID

from coordinator.codec import hdlc, spinel, spinel_stream
from coordinator.codec.cursor import Cursor, DecodeError
from coordinator.codec.spinel import Property, Status
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel.lateness import Lateness

COMMAND_TIMEOUT = 2.0
"""Seconds an RCP may take over a command; they answer within milliseconds."""
TRANSMIT_TIMEOUT = 5.0
"""Seconds an RCP may take over a transmission with all its backoffs and retries."""
CLOSE_TIMEOUT = 3.0
"""Seconds that a line may take to close; then it is left to itself."""

_COMMANDS = {
    spinel.Command.PROP_VALUE_GET: CommandID.PROP_VALUE_GET,
    spinel.Command.PROP_VALUE_SET: CommandID.PROP_VALUE_SET,
    spinel.Command.PROP_VALUE_INSERT: CommandID.PROP_VALUE_INSERT,
    spinel.Command.PROP_VALUE_REMOVE: CommandID.PROP_VALUE_REMOVE,
}
_LOST = "the radio was lost or reset"

Transmitted = Callable[[spinel_stream.Outcome | None], None]
"""Told how a transmission ended; None when the RCP said nothing in time or the line was lost."""


class StatusError(Exception):
    """The RCP refused: which property, and its status."""

    def __init__(self, property_id: Property, status: int) -> None:
        super().__init__(f"{property_id.name}: {status_name(status)}")
        self.property_id = property_id
        self.status = status


class Client(SpinelProtocol):
    """One line to one RCP. `received` gets frames, `reset` the reason of each reset, `lost` the end of it;
    `missed` is told why when something of the RCP's was damaged or late: what it was worth is not known.
    """

    def __init__(
        self,
        *,
        received: Callable[[spinel_stream.Received], None],
        reset: Callable[[int], None],
        lost: Callable[[str], None],
        missed: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._missed = missed
        self._lateness = Lateness()
        self._received = received
        self._reset = reset
        self._lost = lost
        self._end = "the line is closed"
        self._deframer = hdlc.Deframer()
        self._asked: dict[int, Property] = {}
        self._transmission: Transmitted | None = None
        self._transmission_alarm: asyncio.TimerHandle | None = None
        self.idle = asyncio.Event()
        """No transmission is with the RCP."""
        self.idle.set()
        # One identifier is the transmissions' own: there is one at a time, and it must leave at once,
        # not when a task comes to it.
        self._transmit_transaction = self._free_tids.get_nowait()
        self.spoken_to = False
        """Whether a frame of Spinel ever came."""
        self.malformed = 0
        """Frames from the RCP that are not Spinel, or whose value is not of the property's type."""
        self.late = 0
        """Answers that nobody waits for."""

    @property
    def bad(self) -> int:
        """What came that was not a frame in time and in order: noise, malformed, late."""
        return self._deframer.bad + self.malformed + self.late

    # --- down ---------------------------------------------------------------------------------

    async def get(self, property_id: Property, timeout: float = COMMAND_TIMEOUT) -> bytes:
        """The value of a property. Raises StatusError, or RadioError when nobody answers."""
        return await self._command(spinel.Command.PROP_VALUE_GET, property_id, b"", timeout)

    async def set(self, property_id: Property, value: bytes, timeout: float = COMMAND_TIMEOUT) -> bytes:
        """Set a property; returns the value in force. Raises as `get` does."""
        return await self._command(spinel.Command.PROP_VALUE_SET, property_id, value, timeout)

    async def insert(self, property_id: Property, value: bytes) -> None:
        """Add an entry to a list. Raises as `get` does."""
        await self._command(spinel.Command.PROP_VALUE_INSERT, property_id, value, COMMAND_TIMEOUT)

    async def remove(self, property_id: Property, value: bytes) -> None:
        """Take an entry out of a list. Raises as `get` does."""
        await self._command(spinel.Command.PROP_VALUE_REMOVE, property_id, value, COMMAND_TIMEOUT)

    def send_reset(self, reason: spinel.ResetReason) -> None:
        """Ask for a reset; `reset` hears of it, if the RCP says so."""
        self._send(spinel.UNSOLICITED, spinel.Command.RESET, bytes((reason,)))

    def transmit(self, transmission: spinel_stream.Transmission, ended: Transmitted) -> None:
        """Hand a frame over now. One at a time; AssertionError otherwise. EncodeError for no frame at all."""
        if self._transmission is not None:
            raise AssertionError("a second transmission while one is with the RCP")
        value = spinel.valued(Property.STREAM_RAW, spinel_stream.encode_transmission(transmission))
        self._transmission = ended
        self.idle.clear()
        self._transmission_alarm = asyncio.get_running_loop().call_later(
            TRANSMIT_TIMEOUT, self._transmitted, None
        )
        self._send(self._transmit_transaction, spinel.Command.PROP_VALUE_SET, value)

    def _send(self, transaction: int, command: spinel.Command, payload: bytes) -> None:
        """Write one frame, unless the line is gone: then `lost` has been told, or is about to be."""
        if self._transport is None or self._transport.is_closing():
            return
        self.send_data(hdlc.encode(spinel.encode(spinel.Frame(transaction, command, payload))))

    async def _command(
        self, command: spinel.Command, property_id: Property, value: bytes, timeout: float
    ) -> bytes:
        if self._transport is None or self._transport.is_closing():
            raise RadioError(Fault.LOST, self._end)
        transaction = await self._free_tids.get()
        self._asked[transaction] = property_id
        try:
            reply = await self.send_command(
                _COMMANDS[command],
                spinel.valued(property_id, value),
                retries=0,
                timeout=timeout,
                tid=transaction,
            )
        except TimeoutError:
            raise RadioError(
                Fault.UNRESPONSIVE, f"no answer about {property_id.name} within {timeout:g} s"
            ) from None
        finally:
            del self._asked[transaction]
            self._free_tids.put_nowait(transaction)
        about, answer = spinel.split(reply.data)
        if about == property_id:
            return answer
        try:
            status = _status(answer)
        except DecodeError as error:
            raise RadioError(Fault.WRONG_FIRMWARE, f"{property_id.name}: {error}") from None
        if status != Status.OK:
            raise StatusError(property_id, status)
        return b""

    # --- up -----------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Octets from the line, in any pieces and of any kind."""
        damaged = self._deframer.bad + self.malformed
        for payload in self._deframer.feed(data):
            try:
                self._take(spinel.decode(payload), payload)
            except DecodeError:
                self.malformed += 1
        if self._deframer.bad + self.malformed != damaged:
            self._missed("octets from the radio were damaged on the line: a frame may be missing")

    def _take(self, frame: spinel.Frame, octets: bytes) -> None:
        """Take one frame: a received one first, for somebody may wait for its answer."""
        about, value = spinel.split(frame.payload)
        self.spoken_to = True
        if frame.command == spinel.Command.PROP_VALUE_IS:
            if about == Property.STREAM_RAW:
                self._hear(spinel_stream.decode_received(value))
                return
            if about == Property.LAST_STATUS:
                status = _status(value)
                if spinel.FIRST_RESET <= status <= spinel.LAST_RESET:
                    self._reset(status)
                    return
                if frame.transaction == self._transmit_transaction:
                    self._transmitted(spinel_stream.decode_outcome(value))
                    return
        if frame.transaction != spinel.UNSOLICITED:
            asked = self._asked.get(frame.transaction)
            if asked is None or about not in (asked, Property.LAST_STATUS):
                self.late += 1
                return
        try:
            self.frame_received(SpinelFrame.from_bytes(octets))
        except ValueError:  # a command that the library has no name for
            self.malformed += 1

    def _hear(self, received: spinel_stream.Received) -> None:
        self._received(received)
        if self._lateness.is_late(received.timestamp, asyncio.get_running_loop().time()):
            self._missed("frames come late from the radio: whoever sent them may not have waited")

    def _transmitted(self, outcome: spinel_stream.Outcome | None) -> None:
        ended, self._transmission = self._transmission, None
        self.idle.set()
        if self._transmission_alarm is not None:
            self._transmission_alarm.cancel()
            self._transmission_alarm = None
        if ended is not None:
            ended(outcome)

    def abandon(self, reason: str = _LOST) -> None:
        """End every wait: whoever waits for an answer gets none any more."""
        for pending in tuple(self._pending_frames.values()):
            if not pending.done():
                pending.set_exception(RadioError(Fault.LOST, reason))
        self._transmitted(None)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The line is gone. Its owner is told why before any wait ends."""
        super().connection_lost(exc)
        reason = str(exc) if exc is not None else "the other end closed it"
        self._end = f"the line was lost: {reason}"
        self._lost(reason)
        self.abandon(self._end)

    async def hang_up(self) -> None:
        """Let the line go, whatever it still has to say, in bounded time."""
        if self._transport is None:
            return
        self._transport.abort()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self.wait_until_closed()
        except TimeoutError:
            pass  # whoever opens it next is told that it is busy


def status_name(status: int) -> str:
    """A status in words: ``CCA_FAILURE``, or its number when it has none here."""
    try:
        return Status(status).name
    except ValueError:
        return f"status {status}"


def _status(value: bytes) -> int:
    return spinel.unpack(Cursor(spinel.LAYER, value), "status")
