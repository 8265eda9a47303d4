"""An RCP as a `Radio`: what the node asks becomes Spinel, what the RCP hears becomes frames.

The way of a frame up and of its answer down has no wait in it: `hears` is called from the transport's
own callback, and a `Transmit` is written before `post` returns. Everything else (tuning, the
source-match table) is done in order by one task, and a transmission posted behind it waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, assert_never

from coordinator.codec import mac, spinel_stream
from coordinator.codec.spinel import Property, ReceiveFlag, ScanState, Status
from coordinator.radio.base import Confirms, Fails, Hears, Misses
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.serial import Opener
from coordinator.radio.spinel import bringup
from coordinator.radio.spinel.bringup import Settings
from coordinator.radio.spinel.client import Client, StatusError, status_name
from coordinator.radio.spinel.matching import SourceMatching
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
SCAN_PATIENCE = 3.0
"""Seconds that an energy scan may take beyond its span."""
PROBE_PATIENCE = 4.0
"""Seconds that reading everything back may take; an RCP answers within milliseconds."""
FAREWELL = 1.0
"""Seconds that an RCP may take to turn its receiver off at the end."""
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
        self._resets = 0
        self._bug: BaseException | None = None
        self._matching = SourceMatching()
        self._pending = SetPending()
        self._orders: deque[Action] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._scan: asyncio.Future[int] | None = None

    @property
    def kind(self) -> str:
        """``spinel``."""
        return KIND

    @property
    def report(self) -> Report:
        """What the RCP said of itself. Raises LookupError before it came up."""
        if self._report is None:
            raise LookupError("the radio has not come up yet")
        return self._report

    def watch(self, fails: Fails, misses: Misses) -> None:
        """Tell `fails` when the RCP is lost or was reset, `misses` when a frame of its may be."""
        self._fails, self._misses = fails, misses

    # --- life -----------------------------------------------------------------------------------

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        """Open the line, see what is behind it, tell it everything. Raises RadioError; then it is closed."""
        self._hears, self._confirms = hears, confirms
        if self._bug is not None:
            raise self._bug
        if self._up:
            return
        await self._drop()
        client = self._client = await self._open(self._make_client)
        try:
            await bringup.reset(client, self._reset_heard)
            resets = self._resets
            report = await bringup.introduce(client, self._line)
            power = await bringup.apply(client, self._settings)
            frame_pending = await self._matching.start(client, self._pending)
            if self._resets != resets:
                raise RadioError(Fault.RESET, f"{self._line}: the radio restarted while it was being set up")
        except RadioError as error:
            await self._drop()
            text = str(error).removeprefix(f"{self._line}: ")
            if error.fault is Fault.UNRESPONSIVE:
                text = f"nobody there speaks Spinel: {text}"
            raise RadioError(error.fault, f"{self._line}: {text}") from None
        self._report = _with(report, power, frame_pending)
        self._up = True

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
                async with asyncio.timeout(FAREWELL):
                    await client.set(Property.MAC_RAW_STREAM_ENABLED, b"\x00")
                    await client.set(Property.PHY_ENABLED, b"\x00")
            except (RadioError, StatusError, TimeoutError):
                pass  # it is closed either way
        await self._drop()

    async def _drop(self) -> None:
        """Let the line and whatever waits for it go."""
        self._up = False
        client, self._client = self._client, None
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait((self._worker,))
            self._worker = None
        self._orders.clear()
        if client is not None:
            client.abandon()
            await client.disconnect()

    async def probe(self) -> float:
        """Read back what it was told. Raises RadioError when that is not so, or nobody answers."""
        client = self._client
        if client is None or not self._up:
            raise RadioError(Fault.LOST, f"{self._line}: the radio is not up")
        try:
            async with asyncio.timeout(PROBE_PATIENCE):
                return await self._round_trip(client)
        except TimeoutError:
            error = RadioError(Fault.UNRESPONSIVE, f"answers take too long: {PROBE_PATIENCE:g} s for a probe")
        except StatusError as refused:
            error = RadioError(Fault.RESET, str(refused))
        except RadioError as found:
            error = found
        error = RadioError(error.fault, f"{self._line}: {error}")
        if self._client is client:
            self._fail(error)
        raise error

    async def _round_trip(self, client: Client) -> float:
        """One question, and whether it still holds what it was told, unless that is being changed."""
        loop = asyncio.get_running_loop()
        settings = self._settings
        await client.idle.wait()  # what is out may be lost
        began = loop.time()
        await client.get(Property.PHY_CHAN)
        took = loop.time() - began
        if self._is_busy():
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
        return self._worker is not None or self._scan is not None

    def _was_lost(self, reason: str) -> None:
        self._fail(RadioError(Fault.LOST, f"{self._line}: the line was lost: {reason}"))

    def _was_reset(self, status: int) -> None:
        self._reset_heard.set()
        self._resets += 1
        if self._up:
            self._fail(RadioError(Fault.RESET, f"{self._line}: the radio restarted: {status_name(status)}"))

    def _fail(self, error: RadioError) -> None:
        """It does nothing more until it is started again; a transmission that is out is confirmed."""
        if not self._up:
            return
        self._up = False
        if self._client is not None:
            self._client.abandon()
        if self._scan is not None and not self._scan.done():
            self._scan.set_exception(error)
        self._abort_orders()
        self._fails(error)

    def _abort_orders(self) -> None:
        orders, self._orders = tuple(self._orders), deque()
        for order in orders:
            if isinstance(order, Transmit):
                self._abort(order)

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
        if isinstance(action, Transmit) and self._worker is None:
            self._transmit(self._client, action)
            return
        if isinstance(action, SetPending) and not self._matching.uses_table:
            return
        self._orders.append(action)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(self._client))
            self._worker.add_done_callback(self._worked)

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

    async def _work(self, client: Client) -> None:
        """Carry out orders in their order."""
        while self._orders:
            action = self._orders.popleft()
            match action:
                case Transmit():
                    self._transmit(client, action)
                case Tune():
                    await bringup.tune(client, action, None)
                case SetPending():
                    await self._matching.hold(client, action)
                case ReceiverOn():
                    await client.set(Property.MAC_RX_ON_WHEN_IDLE_MODE, bytes((action.on,)))
                case _:
                    assert_never(action)

    def _worked(self, worker: asyncio.Task[None]) -> None:
        if self._worker is worker:
            self._worker = None
        if worker.cancelled():
            return
        error = worker.exception()
        if isinstance(error, StatusError):
            error = RadioError(Fault.REFUSED, f"{self._line}: the RCP refuses {error}")
        if error is not None and not isinstance(error, RadioError):
            self._bug = error  # ours: `start` raises it, for nothing can be done about it here
            error = RadioError(Fault.LOST, f"{self._line}: internal error: {error!r}")
        if error is not None:
            self._fail(error)

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
        client.transmit(transmission, lambda outcome: self._transmitted(request, began, outcome))

    def _transmitted(self, request: Transmit, began: float, outcome: spinel_stream.Outcome | None) -> None:
        if outcome is None:
            self._abort(request)
            self._fail(
                RadioError(Fault.UNRESPONSIVE, f"{self._line}: no word of a frame that was to be sent")
            )
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
            if not acked and mac.is_data_request(psdu):
                self._promise_was_missing()
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

    def _promise_was_missing(self) -> None:
        """A data request was acknowledged without frame pending: this RCP needs its table."""
        if self._matching.uses_table or self._client is None or self._report is None:
            return
        self._matching.use_table()
        self._report = _with(self._report, self._report.tx_power, self._matching.describe())
        self.post(self._pending)

    # --- energy scan ----------------------------------------------------------------------------

    async def energy_scan(self, channel: Channel, span: Duration) -> int:
        """Measure one channel. Raises RadioError."""
        client = self._client
        if client is None or not self._up:
            raise RadioError(Fault.LOST, f"{self._line}: the radio is not up")
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._scan = found

        def heard(value: bytes) -> None:
            if len(value) >= 2 and value[0] == channel and not found.done():
                found.set_result(int.from_bytes(value[1:2], "little", signed=True))

        client.add_property_listener(Property.MAC_ENERGY_SCAN_RESULT, heard)
        try:
            async with asyncio.timeout(span / 1_000_000 + SCAN_PATIENCE):
                await client.set(Property.MAC_SCAN_MASK, bytes((channel,)))
                await client.set(Property.MAC_SCAN_PERIOD, (span // 1000).to_bytes(2, "little"))
                await client.set(Property.MAC_SCAN_STATE, bytes((ScanState.ENERGY,)))
                return await found
        except TimeoutError:
            raise RadioError(Fault.UNRESPONSIVE, f"{self._line}: the energy scan never ended") from None
        except StatusError as error:
            raise RadioError(Fault.REFUSED, f"{self._line}: no energy scan: {error}") from None
        finally:
            self._scan = None
            client.remove_property_listener(Property.MAC_ENERGY_SCAN_RESULT, heard)


def _with(report: Report, power: int | None, frame_pending: str) -> Report:
    return replace(report, tx_power=power, frame_pending=frame_pending)


def _ignore(*_: object) -> None:
    """Whoever listens while nobody does."""
