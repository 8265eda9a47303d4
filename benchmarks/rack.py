"""A bench as in a rack, in a process of its own, and a mill in it that makes events at a rate.

``python -m benchmarks.rack`` is the daemon's own control plane (dispatcher, feed, board, log, outbox,
transport) around its own sessions. On standard input ``go`` starts the mill, and ``stop`` ends it and has
what it made said in a line of JSON. The mill does not look at how the events fare: what is too much is
dropped, as it would be for a radio that hears so much.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coordinator import trace
from coordinator.composition import Setting
from coordinator.control.feed import Feed
from coordinator.control.mqtt import link
from coordinator.control.options import Options
from coordinator.daemon import Begun, Control, Order, Reporter
from coordinator.daemon.serving import unhurried_collector
from coordinator.daemon.steering import plane, sessions
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.profiles import load
from coordinator.radio import url
from coordinator.runtime.notify import Notifier
from coordinator.runtime.signals import stop_signal
from coordinator.types import SECOND, Duration

IDENTIFIER = "bench"
PATIENCE = 20.0
TURN = 0.002
"""Seconds between two bursts of the mill."""
OUTBOX = 10_000
"""Events that may wait for the broker, as without a configuration."""
STEPS = 10
"""One event in so many is a step of a join, which the log takes too; the others are frames."""
FRAME = {
    "frame": 9, "sent": False, "psdu": "6188a7621a00002b1a0802000000002b1a1ea728" + "5a" * 40, "channel": 15,
    "rssi": -40, "lqi": 255, "deviations": [],
}  # fmt: skip
STEP = {
    "device": "00:12:4b:00:01:02:03:04", "direction": "to-joiner",
    "what": "Transport-Key (TC link, unique key)",
    "key": "NWK + key-load (global)", "since_association_s": 0.539, "note": "", "ghost": False,
    "deviations": [], "frame": 9,
}  # fmt: skip
"""Events of the usual size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Milled:
    """What a mill made: so many events, from when to when (UTC, seconds), and all events meanwhile."""

    made: int
    began: float
    ended: float
    first: int
    last: int

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Rack:
    """A bench with a mill, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    def go(self) -> None:
        """Start the mill."""
        self._say(b"go\n")

    async def stop(self) -> Milled:
        """Stop it. Raises TimeoutError when the bench is that late."""
        self._say(b"stop\n")
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return Milled(**json.loads(await self.process.stdout.readline()))

    def _say(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)


@contextlib.asynccontextmanager
async def rack(broker: int, rate: int, *more: str) -> AsyncIterator[Rack]:
    """A bench on the broker at this port, whose mill makes so many events a second."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.rack", "--broker", str(broker), "--rate", str(rate), *more,
        stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    try:
        yield Rack(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


# --- the process itself ---------------------------------------------------------------------------------


class Nobody:
    """A reporter that shows nothing."""

    def started(self, run: Begun) -> None: ...
    def row(self, row: Row) -> None: ...
    def radio(self, change: trace.RadioChanged) -> None: ...
    def waiting(self, left: Duration | None, observing: bool) -> None: ...
    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None: ...


async def grind(feed: Feed, rate: int, stopped: asyncio.Event) -> Milled:
    """Publish so many events a second, whatever becomes of them, until stopped."""
    made, before, began, utc = 0, feed.seq, time.perf_counter(), time.time()
    while not stopped.is_set():
        due = round((time.perf_counter() - began) * rate)
        while made < due:
            made += 1
            if made % STEPS:
                feed.publish("frame", FRAME)
            else:
                feed.publish("join-step", STEP)
        await asyncio.sleep(TURN)
    return Milled(made=made, began=utc, ended=time.time(), first=before + 1, last=feed.seq)


async def mill(feed: Feed, rate: int) -> None:
    """Grind as standard input says."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    stopped = asyncio.Event()
    grinding: asyncio.Task[Milled] | None = None
    try:
        while line := await reader.readline():
            if line == b"go\n":
                stopped.clear()
                grinding = asyncio.ensure_future(grind(feed, rate, stopped))
            elif grinding is not None:
                stopped.set()
                done = await grinding
                print(json.dumps({name: getattr(done, name) for name in Milled.__slots__}), flush=True)
    finally:
        stopped.set()
        if grinding is not None:
            await grinding


async def run(options: argparse.Namespace) -> None:
    """Until a signal comes."""
    folder: Path | None = options.folder
    order = Order(
        profile=load.load("zb3"),
        profile_source="zb3",
        radio=url.parse(options.radio),
        setting=Setting(permit=3600 * SECOND),
        observe=5 * SECOND,
        capture=None if folder is None else folder / "run.pcapng",
        events=None if folder is None else folder / "run.jsonl",
    )
    broker = link.at(f"mqtt://127.0.0.1:{options.broker}", id=IDENTIFIER, outbox=options.outbox)
    control = Control(options=Options(id=IDENTIFIER, frames=True), mqtt=broker)
    people: Reporter = Nobody()
    stop = stop_signal()
    with unhurried_collector():
        async with plane(control, people, Notifier(), None) as service:
            milling = asyncio.ensure_future(mill(service.plane.feed, options.rate))
            try:
                await sessions(order, service, stop)
            finally:
                milling.cancel()
                await asyncio.gather(milling, return_exceptions=True)


def main() -> None:
    """What the process does."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rack")
    parser.add_argument("--broker", type=int, required=True, help="its port on loopback")
    parser.add_argument("--rate", type=int, required=True, help="events a second")
    parser.add_argument("--radio", default="sim:")
    parser.add_argument("--outbox", type=int, default=OUTBOX)
    parser.add_argument("--folder", type=Path, help="for a capture and an event file of all of it")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
