"""How fast the host answers: from a data request handed to it through a pty to the association response.

The program itself runs behind the pty, with capture and events on; here is the emulated RCP over a radio
of paper, whose frames are made by hand. A joiner listens 19.5 ms after its data request was
acknowledged (protocol.md 2); what the RCP, the pty and this process take is in the figure too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.broker import mosquitto
from benchmarks.measurement import Effort, Measurement
from benchmarks.onlookers import steersman, taken, taking
from benchmarks.paper import PaperRadio
from benchmarks.rack import rack
from benchmarks.transport_key import CAPABILITY
from coordinator.codec import mac, mac_commands
from coordinator.dongle import listen
from coordinator.dongle.spinel import Model, Rcp
from coordinator.stack.mac import ASSOCIATION_REQUEST, POLL_EXTENDED
from coordinator.types import BROADCAST_PAN, COORDINATOR, Eui64, Instant

LISTENS = 19.5
"""Milliseconds that a joiner listens at least."""
AIM = 5.0
POLLS_AFTER = 0.002
"""Seconds from the association request's ACK to the data request of the quickest joiners."""
BETWEEN = 0.004
NOISE = 500
"""Frames a second that nobody can read: each is one record heard and one dropped, 1,000 events."""
STEERED_NOISE = 1_000
"""The same where each is an event of MQTT as well; what is missing of a load comes from the bench's mill."""
LOADS = (5_000, 3_500, 2_500, 1_500)
"""Events a second towards the broker: tried one after the other until one is held."""
COMMANDS_A_SECOND = 20
PATIENCE = 5.0
QUICKEST_ROUND = 0.05


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

    @contextlib.contextmanager
    def watched(self) -> Iterator[Stalls]:
        """Look for as long as the block lasts."""
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        try:
            yield self
        finally:
            self._stop.set()
            watcher.join()


def measure(effort: Effort) -> list[Measurement]:
    """Idle, and while a thousand events a second are traced and captured."""
    samples = 2_000 if effort.span >= QUICKEST_ROUND * 2 else 200
    return [*asyncio.run(_measure(samples, 0)), *asyncio.run(_measure(samples, NOISE))]


def measure_steered(effort: Effort) -> list[Measurement]:
    """While a broker is told of thousands of events a second and somebody gives commands all the time."""
    samples = 2_000 if effort.span >= QUICKEST_ROUND * 2 else 200 if effort.span >= QUICKEST_ROUND else 20
    found: list[Measurement] = []
    for load in LOADS:
        figures, held = asyncio.run(steered(samples, load))
        found += figures
        if held:
            break
    return found


async def steered(
    samples: int, load: int, noise: int = STEERED_NOISE, *more: str
) -> tuple[list[Measurement], bool]:
    """The figures at a load of so many events a second, so many of them frames of the radio; whether all of
    them came in time.
    """
    stopped = asyncio.Event()
    with mosquitto() as broker, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        events = folder / "events"
        async with (
            _dongle() as (radio, path),
            rack(broker, load - noise, "--radio", f"spinel:{path}", "--folder", place, *more) as bench,
            steersman(broker) as asking,
            taking(broker, events),
        ):
            await _until_up(radio)
            bench.go()
            making = asyncio.ensure_future(radio.hear_noise(noise))
            steering = asyncio.ensure_future(asking.steer(COMMANDS_A_SECOND, stopped))
            with Stalls().watched() as stalls:
                turns = [await _turn(radio, index) for index in range(samples)]
            milled = await bench.stop()
            making.cancel()
            stopped.set()
            await steering
            await asking.drained(events, milled)
        found = taken(events, milled)
    told = (
        f"{len(asking.answers) / milled.seconds:.0f} commands/s, {asking.switches} switches; "
        f"{found.offered:,.0f} events/s offered, {found.rate:,.0f}/s at the subscriber, {found.dropped:,} "
        f"dropped, load {'held' if found.held else 'not held'}"
    )
    name = f"steered at {load:,}/s"
    figures = _figures(turns, stalls.worst, told, name)
    dropped = Measurement(
        name=f"turnaround, {name}, dropped", value=found.dropped, unit="events", conditions="of MQTT"
    )
    return [*figures, dropped], found.held


async def _measure(samples: int, noise: int) -> list[Measurement]:
    with tempfile.TemporaryDirectory() as folder:
        async with _dongle() as (radio, path):
            program = _program(path, Path(folder))
            try:
                await _until_up(radio)
                started = time.monotonic()
                making = asyncio.ensure_future(radio.hear_noise(noise))
                with Stalls().watched() as stalls:
                    turns = [await _turn(radio, index) for index in range(samples)]
                lasted = time.monotonic() - started
                making.cancel()
            finally:
                program.terminate()
                program.wait(PATIENCE)
        with (Path(folder) / "run.jsonl").open("rb") as events:
            rate = sum(1 for _ in events) / lasted
    name = "under load" if noise else "idle"
    return _figures(turns, stalls.worst, f"{rate:,.0f} events/s written to a file", name)


@contextlib.asynccontextmanager
async def _dongle() -> AsyncIterator[tuple[PaperRadio, str]]:
    """An emulated RCP behind a pty, and the radio of paper that it is of."""
    radio, began = PaperRadio(), time.monotonic()
    rcp = Rcp(radio, lambda: Instant(round((time.monotonic() - began) * 1e6)), Model(eui64=Eui64(1)))
    await rcp.start()
    path: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = asyncio.ensure_future(listen.listen(listen.Pty(), rcp, path.set_result))
    try:
        yield radio, await path
    finally:
        listening.cancel()
        await asyncio.wait((listening,))


def _program(path: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable, "-c", "from coordinator.cli import main; main()", "--profile", "zb3",
            "--radio", f"spinel:{path}", "--permit-join", "3600", "--any-joiner", "--observe", "5",
            "--capture", str(folder / "run.pcapng"), "--events", str(folder / "run.jsonl"),
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


async def _until_up(radio: PaperRadio) -> None:
    """Wait until the program has formed its network."""
    async with asyncio.timeout(4 * PATIENCE):
        while not radio.formed:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)


async def _turn(radio: PaperRadio, index: int) -> float:
    """One device asks to associate and polls; return the milliseconds to its response, or to our patience."""
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
    answered = asked + PATIENCE
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            answered = await radio.response
    await asyncio.sleep(BETWEEN)
    return (answered - asked) * 1000


def _hear(radio: PaperRadio, frame: mac.Frame) -> None:
    psdu = mac.encode(frame)
    radio.hear(psdu, rssi=-40, pending=mac.is_data_request(psdu))


def _figures(turns: list[float], stall: float, told: str, name: str) -> list[Measurement]:
    ranked = sorted(turns)
    name = f"turnaround, {name}"
    conditions = f"{len(turns):,} associations through a pty; {told}; host load {os.getloadavg()[0]:.2f}"

    def at(share: float) -> float:
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))]

    late = sum(each > LISTENS for each in turns)
    slow = sum(each > AIM for each in turns)
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
