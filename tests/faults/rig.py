"""A whole session on an RCP behind a line that can fail, in virtual time.

The session is the daemon's own, the RCP is the emulated one on its bench, and the line between them is
in memory, with faults on it as `legacy-tc dongle spinel --fault` has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from coordinator import daemon, trace
from coordinator.codec.spinel import Status
from coordinator.composition import Setting
from coordinator.dongle import faults, memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.faults import Fault
from coordinator.entropy import SeededEntropy
from coordinator.evidence.outcome import Outcome, Ruling, Verdict
from coordinator.evidence.rungs import Row
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.radio.errors import Fault as RadioFault
from coordinator.radio.errors import RadioError
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.runtime.supervisor import PROBE_PERIOD
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.scenario import power_later
from coordinator.sim.air import AirFrame
from coordinator.trace import RadioState
from coordinator.types import SECOND, Duration, Eui64

LINE = "/dev/serial/by-id/usb-rcp"
SOON = 2 * PROBE_PERIOD
"""Promise P5: seconds within which a loss is said."""
Result = TypeVar("Result")


@dataclass
class Audience:
    """A reporter that remembers, with the loop's time."""

    begun: list[daemon.Begun] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    row_times: list[float] = field(default_factory=list)
    changes: list[tuple[float, trace.RadioChanged]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    verdict_times: list[float] = field(default_factory=list)
    on_row: Callable[[Row], None] = lambda _row: None

    def started(self, run: daemon.Begun) -> None:
        self.begun.append(run)

    def row(self, row: Row) -> None:
        self.rows.append(row)
        self.row_times.append(asyncio.get_running_loop().time())
        self.on_row(row)

    def waiting(self, left: Duration | None, observing: bool) -> None: ...

    def radio(self, change: trace.RadioChanged) -> None:
        self.changes.append((asyncio.get_running_loop().time(), change))

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        assert line["verdict"] == verdict.verdict.value
        self.verdicts.append(verdict)
        self.verdict_times.append(asyncio.get_running_loop().time())

    @property
    def states(self) -> list[RadioState]:
        return [change.state for _, change in self.changes]

    def seen_at(self, what: str) -> float:
        """When a step was first shown; never is infinitely late."""
        return next(
            (at for at, row in zip(self.row_times, self.rows, strict=True) if what in row.what), math.inf
        )

    def time_of(self, state: RadioState, after: float = 0.0) -> float:
        """When it was first said that the radio is in that state."""
        return next(at for at, change in self.changes if change.state is state and at >= after)


class Rig:
    """The line: `unplug`, `plug`, a new one each time the host opens it."""

    def __init__(self, bench: Bench, plan: Sequence[Fault], seed: int) -> None:
        self.bench = bench
        self.audience = Audience()
        self.disturbance = Disturbance(plan, SeededEntropy(seed, "faults"))
        self.disturbance.reset = lambda: bench.rcp.reset(Status.RESET_FAULT)
        self.plugged = True
        self.opens_in = 0.0
        self.lines: list[memory.Line] = []
        self.clients: list[Client] = []
        self.counters = Counters()
        self.stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.powered = 0
        self.stopped_at = 0.0
        self.octets_at: dict[str, int] = {}
        """How many octets had come to the host when a step was shown, where the first fault counts those."""
        self.audience.on_row = self._count
        bench.air.medium.observe(self.counters.note)

    def _count(self, row: Row) -> None:
        if self.disturbance.armed:
            self.octets_at.setdefault(row.what.partition(" (")[0], self.disturbance.armed[0].octets)

    async def open(self, factory: Callable[[], Client]) -> Client:
        """What opens a serial port."""
        await asyncio.sleep(self.opens_in)
        if not self.plugged:
            raise RadioError(RadioFault.ABSENT, f"{LINE}: not there")
        assert not (self.lines and self.lines[-1].open), "the port is open still"
        line = memory.Line(to_dongle=self.disturbance.to_dongle, to_host=self.disturbance.to_host)
        self.lines.append(line)
        self.disturbance.cut = self._cut
        self.disturbance.opened()
        client = memory.connect(factory(), Connection(self.bench.rcp), line)
        self.clients.append(client)
        return client

    def _cut(self, seconds: float) -> None:
        self.unplug()
        asyncio.get_running_loop().call_later(seconds, self.plug)

    def tell_to_stop(self) -> None:
        """SIGTERM."""
        if not self.stop.done():
            self.stopped_at = asyncio.get_running_loop().time()
            self.stop.set_result(15)

    def unplug(self) -> None:
        self.plugged = False
        if self.lines:
            self.lines[-1].cut(OSError(errno.EIO, "Input/output error"))

    def plug(self) -> None:
        """It had no power meanwhile."""
        self.bench.rcp.reset(Status.RESET_POWER_ON)
        self.plugged = True

    def power(self, joiner: str) -> Eui64:
        """One more device on the air, half a second from now."""
        self.powered += 1
        entropy = SeededEntropy(1000 + self.powered)
        bench = self.bench
        bench.air.poke()  # the world is as late as its last event
        node, _ = power_later(bench.air.world, bench.air.medium, joiners.load(joiner), entropy, 0, Setting())
        bench.air.poke()
        return node.host.eui64

    @property
    def struck_at(self) -> float:
        """When the first fault happened; never is infinitely late."""
        return self.disturbance.struck[0].at if self.disturbance.struck else math.inf


class Counters:
    """The NWK frame counters on the air, by who sent them; read by hand: they may never go back."""

    def __init__(self) -> None:
        self.latest: dict[bytes, int] = {}
        self.seen = 0
        self._octets: dict[str, bytes] = {}

    def note(self, frame: AirFrame) -> None:
        psdu = frame.psdu
        if psdu[:2] not in (b"\x61\x88", b"\x41\x88", b"\x71\x88", b"\x51\x88"):
            return  # no data frame between short addresses
        nwk = psdu[9:]
        if not nwk:
            return  # the answer to a poll for which nothing is held
        (control,) = struct.unpack_from("<H", nwk)
        if not control & 0x0200 or self._octets.get(frame.transmitter) == psdu:
            return  # unsecured, or the MAC repeats itself
        self._octets[frame.transmitter] = psdu
        at = 8 + 8 * bool(control & 0x0800) + 8 * bool(control & 0x1000)
        if control & 0x0400:
            at += 2 + 2 * nwk[at]
        counter, source = struct.unpack_from("<I8s", nwk, at + 1)
        if frame.transmitter == "dongle":
            assert counter > self.latest.get(source, -1), f"{frame.transmitter}: a counter went back"
        self.latest[source] = max(counter, self.latest.get(source, -1))
        self.seen += 1


ORDER = daemon.Order(
    profile=profiles.load("zb3"),
    joiner=None,
    setting=replace(Setting(), permit=600 * SECOND),
    observe=20 * SECOND,
)


BRIEF = replace(ORDER, setting=replace(ORDER.setting, permit=40 * SECOND))
"""For runs in which perhaps nobody is ever heard."""


@dataclass(frozen=True)
class Seen:
    """What a run came to."""

    ending: daemon.Ending | None
    error: Exception | None
    audience: Audience
    rig: Rig
    ended: float = 0.0
    """On the loop's clock."""

    @property
    def verdict(self) -> Verdict:
        (verdict,) = self.audience.verdicts
        return verdict


def run(
    body: Callable[[Rig], Awaitable[None]] | None = None,
    *,
    plan: Sequence[str | Fault] = (),
    joiner: str | None = "zboss-r22",
    order: daemon.Order = ORDER,
    once: bool = False,
    seed: int = 1,
    limit: float = 3600.0,
    pending_by_default: bool = True,
) -> Seen:
    """Run a session in virtual time. `body` does what happens from outside, and when it is done the
    session is told to stop; without one the session ends by its first verdict.

    Whatever reaches the event loop's handler of the lost is an error, and so is a task that is left.
    """
    lost: list[Mapping[str, object]] = []

    async def main() -> Seen:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: lost.append(context))
        models = [joiners.load(joiner)] if joiner is not None else []
        async with Bench(seed=seed, joiners=models, pending_by_default=pending_by_default) as bench:
            parsed = [each if isinstance(each, Fault) else faults.parse(each) for each in plan]
            rig = Rig(bench, parsed, seed)
            radio = SpinelRadio(rig.open, LINE)
            error: Exception | None = None
            ending: daemon.Ending | None = None
            acting = asyncio.ensure_future(_act(rig, body)) if body is not None else None
            try:
                async with asyncio.timeout(limit):
                    chosen = replace(order, once=once or body is None)
                    async with daemon.supervised(
                        radio, chosen, rig.audience, SeededEntropy(seed, "host")
                    ) as session:
                        ending = await session.run(rig.stop)
            except RadioError as raised:
                error = raised
            finally:
                if acting is not None:
                    acting.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await acting
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return Seen(ending, error, rig.audience, rig, loop.time())

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        seen = runner.run(main())
    assert not lost, lost
    return seen


async def _act(rig: Rig, body: Callable[[Rig], Awaitable[None]]) -> None:
    try:
        await body(rig)
    finally:
        rig.tell_to_stop()


async def asleep(seconds: float) -> None:
    """Virtual seconds."""
    await asyncio.sleep(seconds)


async def until(condition: Callable[[], bool], seconds: float = 600.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


JOINED = (Outcome.JOINED_SECURE, Ruling.PASS)
