"""An RCP as a `Radio`: what the node asks becomes Spinel, what the RCP hears becomes frames.

The way of a frame up and of its answer down has no wait in it: `hears` is called from the transport's
own callback, and a `Transmit` is written before `post` returns. Everything else (tuning, the
source-match table) is done in order by one task, and a transmission posted behind it waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, assert_never

from coordinator.codec import mac, spinel_stream
from coordinator.codec.cursor import EncodeError
from coordinator.codec.spinel import Property, ReceiveFlag, Status
from coordinator.radio.base import Confirms, Fails, Hears, Misses
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.serial import Opener
from coordinator.radio.spinel import bringup
from coordinator.radio.spinel.bringup import Settings
from coordinator.radio.spinel.client import Client, StatusError, status_name
from coordinator.radio.spinel.energy_scan import EnergyScan
from coordinator.radio.spinel.matching import SourceMatching
from coordinator.radio.spinel.orders import Orders
from coordinator.stack.node import (
    Action,
    ReceivedFrame,
    ReceiverOn,
    SetPending,
    Transmit,
    TransmitStatus,
    Tune,
)
from coordinator.types import BROADCAST_PAN, CHANNELS, NO_ADDRESS, Channel, Duration, Eui64

KIND = "spinel"
MAX_CSMA_BACKOFFS = 4
"""macMaxCSMABackoffs."""
UNKNOWN_LQI = 255
PROBE_PATIENCE = 4.0
"""Seconds that reading everything back may take; an RCP answers within milliseconds."""
FAREWELL = 0.5
"""Seconds that an RCP may take over each of its last two orders."""
LONGEST_TRANSMISSION = 0.5
"""Seconds that a frame takes at most, all backoffs and retries included, on a radio that keeps up."""

Thing = TypeVar("Thing")

_STATUSES: dict[int, TransmitStatus] = {
    Status.OK: TransmitStatus.SUCCESS,
    Status.NO_ACK: TransmitStatus.NO_ACK,
    Status.CCA_FAILURE: TransmitStatus.CHANNEL_ACCESS_FAILURE,
}
_NOWHERE = Tune(channel=CHANNELS[0], pan_id=BROADCAST_PAN, address=NO_ADDRESS, extended_address=Eui64(0))


class SpinelRadio:
    """One RCP behind one line. Once it has failed, `start` opens the line anew and tells it everything."""

    def __init__(self, open_line: Opener[Client], line: str, *, tx_power: int | None = None) -> None:
        self._open = open_line
        self._line = line
        self._settings = Settings(tune=_NOWHERE, tx_power=tx_power)
        self._hears: Hears = _ignore
        self._confirms: Confirms = _ignore
        self._fails: Fails = _ignore
        self._misses: Misses = _ignore
        self._client: Client | None = None
        self._report: Report | None = None
        self._up = False
        self._reset_heard = asyncio.Event()
        self._matching = SourceMatching()
        self._pending = SetPending()
        self._orders = Orders(self._matching, transmit=self._transmit, fails=self._fail)
        self._scan = EnergyScan()

    @property
    def kind(self) -> str:
        """``spinel``."""
        return KIND

    @property
    def report(self) -> Report:
        """What the RCP said of itself. Raises LookupError before it came up."""
        if self._report is None:
            raise LookupError("the radio has not come up yet")
        return replace(self._report, frame_pending=self._matching.describe())

    def watch(self, fails: Fails, misses: Misses) -> None:
        """Tell `fails` when the RCP is lost or was reset, `misses` when a frame of its may be."""
        self._fails, self._misses = fails, misses

    # --- life -----------------------------------------------------------------------------------

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Open the line, see what is behind it, tell it everything. Raises RadioError; then it is closed."""
        self._hears, self._confirms = hears, confirms
        if self._orders.bug is not None:
            raise self._orders.bug
        if self._up:
            return
        await self._drop()
        client = self._client = await self._open(self._make_client)
        try:
            await self._bring_up(client)
        except RadioError as error:
            await self._drop()
            nobody = error.fault is Fault.UNRESPONSIVE and not client.spoken_to
            raise self._named(error, "nobody there speaks Spinel: " if nobody else "") from None
        self._up = True

    async def _bring_up(self, client: Client) -> None:
        await bringup.reset(client, self._reset_heard)
        report = await bringup.introduce(client, self._line)
        told: tuple[Settings, SetPending] | None = None
        while told != (self._settings, self._pending):  # what is posted meanwhile is only remembered
            told = settings, pending = self._settings, self._pending
            power = await bringup.apply(client, settings)
            await self._matching.start(client, pending)
        if self._reset_heard.is_set():
            raise RadioError(Fault.RESET, "the radio restarted while it was being set up")
        self._report = replace(report, tx_power=power)

    def _named(self, error: RadioError, preface: str = "") -> RadioError:
        """The error with this radio's name before it."""
        return RadioError(error.fault, f"{self._line}: {preface}{error}")

    def _make_client(self) -> Client:
        def of_this_line(call: Callable[[Thing], None]) -> Callable[[Thing], None]:
            """What an earlier line still says is nothing to us."""
            return lambda thing: call(thing) if self._client in (client, None) else None

        def missed(reason: str) -> None:
            if self._up:
                self._misses(reason)

        client = Client(
            received=of_this_line(self._received),
            reset=of_this_line(self._was_reset),
            lost=of_this_line(self._was_lost),
            missed=of_this_line(missed),
        )
        return client

    async def close(self) -> None:
        """Turn the receiver off, if anybody still listens to us, and close the line."""
        self._hears = self._confirms = self._fails = self._misses = _ignore
        client = self._client
        if self._up and client is not None:
            self._up = False
            try:
                await client.set(Property.MAC_RAW_STREAM_ENABLED, b"\x00", FAREWELL)
                await client.set(Property.PHY_ENABLED, b"\x00", FAREWELL)
            except (RadioError, StatusError):
                pass  # it is closed either way
        await self._drop()

    async def _drop(self) -> None:
        """Let the line and whatever waits for it go."""
        self._up = False
        client, self._client = self._client, None
        await self._orders.stop()
        if client is not None:
            client.abandon()
            await client.hang_up()

    async def probe(self) -> float:
        """Read back what it was told. Raises RadioError when that is not so, or nobody answers."""
        client = self._client
        if client is None or not self._up:
            raise self._named(RadioError(Fault.LOST, "the radio is not up"))
        try:
            async with asyncio.timeout(PROBE_PATIENCE):
                return await self._round_trip(client)
        except TimeoutError:
            error = RadioError(Fault.UNRESPONSIVE, f"answers take too long: {PROBE_PATIENCE:g} s for a probe")
        except StatusError as refused:
            error = RadioError(Fault.RESET, str(refused))
        except RadioError as found:
            error = found
        if self._client is client:
            self._fail(error)
        raise self._named(error)

    async def _round_trip(self, client: Client) -> float:
        """One question, and whether it still holds what it was told, unless that is being changed."""
        loop = asyncio.get_running_loop()
        settings, busy = self._settings, self._is_busy()
        await client.idle.wait()  # what is out may be lost
        began = loop.time()
        await client.get(Property.PHY_CHAN)
        took = loop.time() - began
        if busy or self._is_busy():
            return took
        try:
            await bringup.check(client, settings, self._matching.enabled)
        except RadioError as error:
            changed = self._settings is not settings or self._is_busy()
            if error.fault is not Fault.RESET or not changed:
                raise
        return took

    def _is_busy(self) -> bool:
        """It is being told something, or scans."""
        return self._orders.busy or self._scan.running

    def _was_lost(self, reason: str) -> None:
        self._reset_heard.set()  # nobody need wait for it any more
        self._fail(RadioError(Fault.LOST, f"the line was lost: {reason}"))

    def _was_reset(self, status: int) -> None:
        self._reset_heard.set()
        if self._up:
            self._fail(RadioError(Fault.RESET, f"the radio restarted: {status_name(status)}"))

    def _fail(self, error: RadioError) -> None:
        """It does nothing more until it is started again; a transmission that is out is confirmed."""
        if not self._up:
            return
        self._up = False
        if self._client is not None:
            self._client.abandon()
        error = self._named(error)
        self._scan.abort(error)
        for transmit in self._orders.drop():
            self._abort(transmit)
        self._fails(error)

    def _abort(self, transmit: Transmit) -> None:
        asyncio.get_running_loop().call_soon(
            lambda: self._confirms(transmit.handle, TransmitStatus.ABORTED, False)
        )

    # --- down -----------------------------------------------------------------------------------

    def post(self, action: Action) -> None:
        """Transmit at once if nothing is before it; reconfigure in order. Never raises."""
        self._remember(action)
        if not self._up or self._client is None:
            if isinstance(action, Transmit):
                self._abort(action)
            return
        if isinstance(action, Transmit) and not self._orders.busy:
            self._transmit(self._client, action)
        elif not isinstance(action, SetPending) or self._matching.uses_table:
            self._orders.put(self._client, action)

    def _remember(self, action: Action) -> None:
        """What must be said again after a reset."""
        match action:
            case Tune():
                self._settings = replace(self._settings, tune=action)
            case ReceiverOn():
                self._settings = replace(self._settings, receiver_on=action.on)
            case SetPending():
                self._pending = action
            case Transmit():
                pass
            case _:
                assert_never(action)

    def _transmit(self, client: Client, request: Transmit) -> None:
        transmission = spinel_stream.Transmission(
            psdu=request.psdu,
            channel=self._settings.tune.channel,
            backoffs=MAX_CSMA_BACKOFFS if request.csma else 0,
            retries=request.retries,
            csma=request.csma,
            channel_after=self._settings.tune.channel,
        )
        began = asyncio.get_running_loop().time()
        try:
            client.transmit(transmission, lambda outcome: self._transmitted(request, began, outcome))
        except EncodeError:
            self._abort(request)

    def _transmitted(self, request: Transmit, began: float, outcome: spinel_stream.Outcome | None) -> None:
        if outcome is None:
            self._abort(request)
            self._fail(RadioError(Fault.UNRESPONSIVE, "no word of a frame that was to be sent"))
            return
        if asyncio.get_running_loop().time() - began > LONGEST_TRANSMISSION:
            self._misses("a frame was sent late: whoever it was for may not have waited")
        status = _STATUSES.get(outcome.status, TransmitStatus.ABORTED)
        pending = outcome.frame_pending and status is TransmitStatus.SUCCESS
        self._confirms(request.handle, status, pending)

    # --- up -------------------------------------------------------------------------------------

    def _received(self, received: spinel_stream.Received) -> None:
        if not self._up or received.flags & ReceiveFlag.BAD_FCS:
            return
        psdu = received.psdu
        acked: bool | None = None
        if len(psdu) > 1 and mac.wants_ack(psdu):
            acked = bool(received.flags & ReceiveFlag.ACKED_WITH_FRAME_PENDING)
            if mac.is_data_request(psdu) and self._matching.saw(acked):
                self.post(self._pending)
        self._hears(
            ReceivedFrame(
                psdu=psdu,
                channel=self._settings.tune.channel
                if received.channel is None
                else Channel(received.channel),
                rssi=received.rssi,
                lqi=UNKNOWN_LQI if received.lqi is None else received.lqi,
                acked_with_pending=acked,
            )
        )

    # --- energy scan ----------------------------------------------------------------------------

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """Measure one channel. Raises RadioError."""
        client = self._client
        if client is None or not self._up:
            raise self._named(RadioError(Fault.LOST, "the radio is not up"))
        try:
            return await self._scan.measure(client, channel, span)
        except RadioError as error:
            raise error if str(error).startswith(self._line) else self._named(error) from None


def _ignore(*_: object) -> None:
    """Whoever listens while nobody does."""
