"""How fast the host answers: from a data request handed to it through a pty to the association response.

The program itself runs behind the pty, with capture and events on; here is the emulated RCP over a radio
of paper, whose frames are made by hand. A joiner listens 19.5 ms after its data request was
acknowledged (protocol.md 2); what the RCP, the pty and this process take is in the figure too.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.broker import mosquitto
from benchmarks.measurement import Effort, Measurement
from benchmarks.transport_key import CAPABILITY
from coordinator.codec import mac, mac_commands
from coordinator.dongle import listen
from coordinator.dongle.spinel import Model, Rcp
from coordinator.radio.base import Confirms, Hears
from coordinator.sim.radio import ignore_confirm, ignore_frame
from coordinator.stack.mac import ASSOCIATION_REQUEST, COMMAND_TO_DEVICE, POLL_EXTENDED
from coordinator.stack.node import Action, ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import BROADCAST_PAN, CHANNELS, COORDINATOR, Channel, Duration, Eui64, Instant

LISTENS = 19.5
"""Milliseconds that a joiner listens at least."""
AIM = 5.0
POLLS_AFTER = 0.002
"""Seconds from the association request's ACK to the data request of the quickest joiners."""
BETWEEN = 0.004
NOISE = 500
"""Frames a second that nobody can read: each is one record heard and one dropped, 1,000 events."""
STEERED_NOISE = 1_000
"""The same where each is an event of MQTT as well."""
PATIENCE = 5.0
QUICKEST_ROUND = 0.05
_RESPONSE = bytes((COMMAND_TO_DEVICE & 0xFF, COMMAND_TO_DEVICE >> 8))


class PaperRadio:
    """A `Radio` on no air: what it hears is put in by hand, and every transmission succeeds."""

    def __init__(self) -> None:
        self.kind = "paper"
        self.tuned: Tune | None = None
        self.hears: Hears = ignore_frame
        self._confirms: Confirms = ignore_confirm
        self.response: asyncio.Future[float] | None = None

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


@dataclass(slots=True)
class Stalls:
    """How late this machine lets a sleeping thread wake up: what no program can do anything about."""

    worst: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            time.sleep(0.001)
            self.worst = max(self.worst, (time.perf_counter() - began - 0.001) * 1000)

    def stop(self) -> None:
        self._stop.set()


def measure(effort: Effort) -> list[Measurement]:
    """Idle, and while a thousand events a second are traced and captured."""
    samples = 2_000 if effort.span >= QUICKEST_ROUND * 2 else 200
    return [*asyncio.run(_measure(samples, 0)), *asyncio.run(_measure(samples, NOISE))]


def measure_steered(effort: Effort) -> list[Measurement]:
    """While every frame is an event that a broker is told of."""
    samples = 2_000 if effort.span >= QUICKEST_ROUND * 2 else 200
    with mosquitto() as port:
        return asyncio.run(_measure(samples, STEERED_NOISE, port))


async def _measure(samples: int, noise: int, broker: int | None = None) -> list[Measurement]:
    radio = PaperRadio()
    began = time.monotonic()
    rcp = Rcp(radio, lambda: Instant(round((time.monotonic() - began) * 1e6)), Model(eui64=Eui64(1)))
    await rcp.start()
    path: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = asyncio.ensure_future(listen.listen(listen.Pty(), rcp, path.set_result))
    stalls = Stalls()
    watcher = threading.Thread(target=stalls.watch, daemon=True)
    with tempfile.TemporaryDirectory() as folder:
        program = _program(await path, Path(folder), broker)
        try:
            await _until_up(radio)
            watcher.start()
            started = time.monotonic()
            load = asyncio.ensure_future(_make_noise(radio, noise))
            taken = [await _turn(radio, index) for index in range(samples)]
            lasted = time.monotonic() - started
            load.cancel()
        finally:
            stalls.stop()
            program.terminate()
            program.wait(PATIENCE)
            listening.cancel()
            await asyncio.wait((listening,))
        with (Path(folder) / "run.jsonl").open("rb") as events:
            rate = sum(1 for _ in events) / lasted
    name = "idle" if not noise else "under load" if broker is None else "steered"
    return _figures(taken, stalls.worst, rate, name)


def _program(path: str, folder: Path, broker: int | None) -> subprocess.Popen[bytes]:
    steered = [] if broker is None else ["--mqtt", f"mqtt://127.0.0.1:{broker}", "--tc-id", "bench"]
    return subprocess.Popen(
        [
            sys.executable, "-c", "from coordinator.cli import main; main()", "--profile", "zb3",
            "--radio", f"spinel:{path}", "--permit-join", "3600", "--any-joiner", "--observe", "5",
            "--capture", str(folder / "run.pcapng"), "--events", str(folder / "run.jsonl"), *steered,
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if steered else None,
        env={**os.environ, "LEGACY_TC__MQTT__FRAMES": "true"} if steered else None,
    )  # fmt: skip


async def _until_up(radio: PaperRadio) -> None:
    """Wait until the program has formed its network."""
    async with asyncio.timeout(4 * PATIENCE):
        while (
            radio.tuned is None or radio.tuned.address != COORDINATOR or radio.tuned.pan_id == BROADCAST_PAN
        ):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _turn(radio: PaperRadio, index: int) -> float:
    """One device asks to associate and polls; return the milliseconds to its response."""
    assert radio.tuned is not None
    pan_id, device = radio.tuned.pan_id, Eui64(0x00124B0000000000 + index)
    request = mac_commands.encode(mac_commands.AssociationRequest(capability=CAPABILITY))
    poll = mac_commands.encode(mac_commands.DataRequest())
    sequence = index & 0xFF
    _hear(
        radio, mac.Frame(ASSOCIATION_REQUEST, sequence, pan_id, COORDINATOR, BROADCAST_PAN, device, request)
    )
    await asyncio.sleep(POLLS_AFTER)
    radio.response = asyncio.get_running_loop().create_future()
    asked = time.perf_counter()
    _hear(radio, mac.Frame(POLL_EXTENDED, sequence + 1 & 0xFF, pan_id, COORDINATOR, None, device, poll))
    async with asyncio.timeout(PATIENCE):
        answered = await radio.response
    await asyncio.sleep(BETWEEN)
    return (answered - asked) * 1000


def _hear(radio: PaperRadio, frame: mac.Frame) -> None:
    assert radio.tuned is not None
    psdu = mac.encode(frame)
    pending = mac.is_data_request(psdu)
    radio.hears(
        ReceivedFrame(psdu=psdu, channel=radio.tuned.channel, rssi=-40, lqi=255, acked_with_pending=pending)
    )


async def _make_noise(radio: PaperRadio, rate: int) -> None:
    """Broadcasts that no key opens, in bursts a hundredth of a second apart."""
    if not rate:
        return
    channel = radio.tuned.channel if radio.tuned else CHANNELS[0]
    pan = (radio.tuned.pan_id if radio.tuned else BROADCAST_PAN).to_bytes(2, "little")
    number = 0
    while True:
        for _ in range(rate // 100):
            number += 1
            psdu = _unreadable(number, pan)
            radio.hears(ReceivedFrame(psdu=psdu, channel=channel, rssi=-60, lqi=200))
        await asyncio.sleep(0.01)


def _unreadable(number: int, pan: bytes) -> bytes:
    """A NWK broadcast under the network key's sequence number 0 whose MIC holds for nobody."""
    source = (0x4000 + number % 0x800).to_bytes(2, "little")
    mac_header = b"\x41\x88" + bytes((number & 0xFF,)) + pan + b"\xff\xff" + source
    nwk_header = bytes.fromhex("0902fcff") + source + bytes((30, number & 0xFF))
    security = b"\x28" + number.to_bytes(4, "little") + bytes.fromhex("785634120000000000")
    return mac_header + nwk_header + security + bytes.fromhex("aabbccddeeff0011223344")


def _figures(taken: list[float], stall: float, rate: float, name: str) -> list[Measurement]:
    ranked = sorted(taken)
    name = f"turnaround, {name}"
    conditions = (
        f"{len(taken):,} associations through a pty, {rate:,.0f} events/s written; "
        f"host load {os.getloadavg()[0]:.2f}"
    )

    def at(share: float) -> float:
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    late = sum(each > LISTENS for each in taken)
    slow = sum(each > AIM for each in taken)
    return [
        Measurement(name=f"{name}, p50", value=at(0.5), unit="ms", conditions=conditions),
        Measurement(name=f"{name}, p99", value=at(0.99), unit="ms", conditions=""),
        Measurement(
            name=f"{name}, p99.9", value=at(0.999), unit="ms", conditions=f"aim {AIM:g}; {slow} above"
        ),
        Measurement(
            name=f"{name}, max", value=ranked[-1], unit="ms", conditions=f"aim {LISTENS:g}; {late} above"
        ),
        Measurement(
            name=f"{name}, machine stall",
            value=stall,
            unit="ms",
            conditions="the latest a 1 ms sleep ended meanwhile",
        ),
    ]
