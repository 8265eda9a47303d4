"""A radio of paper, whose frames are made by hand, and frames that nobody can read."""

from __future__ import annotations

import asyncio
import time

from coordinator.radio.base import Confirms, Hears
from coordinator.sim.radio import ignore_confirm, ignore_frame
from coordinator.stack.mac import COMMAND_TO_DEVICE
from coordinator.stack.node import Action, ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import BROADCAST_PAN, CHANNELS, COORDINATOR, Channel, Duration, PanId

BURSTS = 100
"""A second."""
_RESPONSE = bytes((COMMAND_TO_DEVICE & 0xFF, COMMAND_TO_DEVICE >> 8))


class PaperRadio:
    """A `Radio` on no air: what it hears is put in by hand, and every transmission succeeds."""

    def __init__(self) -> None:
        self.kind = "paper"
        self.tuned: Tune | None = None
        self.hears: Hears = ignore_frame
        self._confirms: Confirms = ignore_confirm
        self.response: asyncio.Future[float] | None = None
        """Who waits for the next answer to an association, and gets when it came."""

    async def start(self, hears: Hears, confirms: Confirms) -> None:
        self.hears, self._confirms = hears, confirms

    def post(self, action: Action) -> None:
        if isinstance(action, Tune):
            self.tuned = action
        if isinstance(action, Transmit):
            response = self.response
            if response is not None and not response.done() and action.psdu[:2] == _RESPONSE:
                response.set_result(time.perf_counter())
            loop = asyncio.get_running_loop()
            loop.call_later(0.001, self._confirms, action.handle, TransmitStatus.SUCCESS, False)

    async def energy_scan(self, _channel: Channel, _span: Duration) -> int:
        return -95

    async def close(self) -> None:
        pass

    @property
    def formed(self) -> bool:
        """True when a Trust Center has a network on it."""
        tuned = self.tuned
        return tuned is not None and tuned.address == COORDINATOR and tuned.pan_id != BROADCAST_PAN

    def hear(self, psdu: bytes, *, rssi: int = -60, pending: bool = False) -> None:
        """Put one frame in; `pending`: it was acknowledged with frame pending set."""
        channel = CHANNELS[0] if self.tuned is None else self.tuned.channel
        self.hears(ReceivedFrame(psdu=psdu, channel=channel, rssi=rssi, lqi=255, acked_with_pending=pending))

    async def hear_noise(self, rate: int) -> None:
        """So many broadcasts a second that no key opens, in bursts, until cancelled."""
        number = 0
        began = time.monotonic()
        while rate:
            due = round((time.monotonic() - began) * rate)
            while number < due:
                number += 1
                self.hear(unreadable(number, BROADCAST_PAN if self.tuned is None else self.tuned.pan_id))
            await asyncio.sleep(1 / BURSTS)


def unreadable(number: int, pan_id: PanId) -> bytes:
    """A NWK broadcast under the network key's sequence number 0 whose MIC holds for nobody."""
    pan, source = pan_id.to_bytes(2, "little"), (0x4000 + number % 0x800).to_bytes(2, "little")
    mac_header = b"\x41\x88" + bytes((number & 0xFF,)) + pan + b"\xff\xff" + source
    nwk_header = bytes.fromhex("0902fcff") + source + bytes((30, number & 0xFF))
    security = b"\x28" + number.to_bytes(4, "little") + bytes.fromhex("785634120000000000")
    return mac_header + nwk_header + security + bytes.fromhex("aabbccddeeff0011223344")
