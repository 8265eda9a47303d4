"""What durable state costs: network keys handed out per second, every fsync counted in, and whole joins."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.joins import JOINER, PROFILE
from benchmarks.measurement import SEED, Effort, Measurement
from benchmarks.transport_key import DEVICES, Desk
from coordinator.composition import TRUST_CENTER_NAME, Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.profiles import joiners, load
from coordinator.profiles.profile import Profile
from coordinator.runtime.durable import DurableNode
from coordinator.runtime.files import OsFile, OsFiles
from coordinator.runtime.reservation import BLOCK
from coordinator.runtime.store import Store
from coordinator.scenario import Scenario, make_joiner, power_on, simulate
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.node import Node
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND, Instant

GOAL = 7_790
"""Ten times a JavaScript peer that rewrites its state file."""
ROOM = 8192
AGES = 10_000_000 * SECOND
WATCHED = 8 * SECOND
"""From power-on: this joiner is verified within it."""


def roomy() -> Profile:
    """The compliant profile with room for every device of a long run."""
    profile = load.load(PROFILE)
    return replace(
        profile,
        stack=replace(profile.stack, neighbor_capacity=ROOM),
        trust_center=replace(profile.trust_center, device_capacity=8 * ROOM),
    )


class DurableDesk(Desk):
    """The desk with a store: devices apply in a row, then each fetches its answers and is handed the key."""

    def __init__(self, folder: Path) -> None:
        super().__init__(roomy())
        self.store = Store.open(folder)
        self.waits = 0
        self.waited = 0.0
        self.store.attach(self.center, Instant(0))
        self._moved = threading.Event()
        self.store.listen(self._moved.set)
        self.store.start()

    def round(self) -> None:
        """All devices once."""
        self.apply_all(self.settle)
        self.fetch_all(self.settle)

    def settle(self, now: Instant) -> None:
        """What `runtime.driver` does between deciding and sending, waiting where it would hold."""
        mark = self.store.settle(now)
        if mark > self.store.durable:
            self.waits += 1
            started = time.perf_counter()
            while mark > self.store.durable and not self.store.failure:
                self._moved.wait(1)
                self._moved.clear()
            self.waited += time.perf_counter() - started


def measure(effort: Effort) -> list[Measurement]:
    """Both boundaries, each with and without state in the same run, rounds taking turns."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        return [*_handed_out(effort, Path(folder) / "keys"), *_full_joins(effort, Path(folder) / "joins")]


def _handed_out(effort: Effort, folder: Path) -> list[Measurement]:
    bare, durable = Desk(roomy()), DurableDesk(folder)
    durable.round()
    before = durable.store.committer.commits, durable.store.committer.octets
    rates: tuple[list[float], list[float]] = [], []
    joins = 0
    for _ in range(effort.rounds):
        rates[0].append(_rate(bare, effort.span)[0])
        rate, more = _rate(durable, effort.span)
        rates[1].append(rate)
        joins += more
    commits = durable.store.committer.commits - before[0]
    octets = durable.store.committer.octets - before[1]
    durable.store.shut()
    what = f"zb3, host stack alone, {DEVICES} new routers apply, then fetch; wall time, best round"
    without, with_state = max(rates[0]), max(rates[1])
    return [
        Measurement(name="to Transport-Key, no state", value=without, unit="joins/s", conditions=what),
        Measurement(
            name="to Transport-Key, durable",
            value=with_state,
            unit="joins/s",
            conditions=f"{what}; {commits} fsyncs in {joins} joins, {BLOCK} counter values a reservation",
            floor=GOAL,
        ),
        Measurement(
            name="durable to no state",
            value=without / with_state,
            unit="ratio",
            conditions=f"1 is free; waited {durable.waits} times for the disk, {durable.waited:.2f} s in all",
        ),
        Measurement(
            name="journal a join", value=octets / joins, unit="octets", conditions="up to the Transport-Key"
        ),
    ]


def _rate(desk: Desk, span: float) -> tuple[float, int]:
    """Rounds of new devices until `span` seconds of them are over: their rate, and how many they were."""
    joins, elapsed = 0, 0.0
    while elapsed < span:
        desk.renew()
        started = time.perf_counter()
        desk.round()
        elapsed += time.perf_counter() - started
        joins += DEVICES
    return joins / elapsed, joins


class Unsynced(OsFiles):
    """A disk that is never waited for: what is left is the work of saving."""

    def create(self, path: Path) -> OsFile:
        return UnsyncedFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))


class UnsyncedFile(OsFile):
    """Says that all is well at once."""

    def sync(self) -> None:
        """Nothing."""


class Line:
    """One network, one joiner after the other, each watched until after it is verified."""

    def __init__(self, store: Store | None) -> None:
        self._entropy = entropy = SeededEntropy(SEED)
        self._model = joiners.load(JOINER)
        self._turns = 0
        self.world = World(entropy.stream("world"))
        self.medium = Medium(self.world)
        self.center = TrustCenterNode(
            load.load(PROFILE), Setting(permit=AGES), entropy.stream(TRUST_CENTER_NAME), lambda _record: None
        )
        self.store = store
        self.waited = 0.0
        self._moved = threading.Event()
        host = self.center.host
        node: Node = host
        if store is not None:
            store.attach(self.center, Instant(0))
            store.listen(self._moved.set)
            node = DurableNode(host, store, self._wait)
        driver = Driver(self.world, SimulatedRadio(self.world, self.medium, TRUST_CENTER_NAME), node)
        self.center.start(Instant(0))
        driver.settle()

    def _wait(self) -> None:
        started = time.perf_counter()
        self._moved.wait(1)
        self._moved.clear()
        self.waited += time.perf_counter() - started

    def join(self) -> float:
        """One joiner from power-on to power-off: the CPU seconds of all threads."""
        started = time.process_time()
        name, joiner = make_joiner(self._model, self._entropy, self._turns, Setting())
        self._turns += 1
        driver = power_on(joiner, name, self.world, self.medium)
        self.world.run_until(Instant(self.world.now + WATCHED))
        driver.power_off()
        record = self.center.engine.devices.find(joiner.host.eui64)
        if record is None or record.standing is not Standing.VERIFIED:
            raise AssertionError(f"{name} was not verified")
        return time.process_time() - started


def _full_joins(effort: Effort, folder: Path) -> list[Measurement]:
    saving, durable = Store.open(folder / "saving", Unsynced()), Store.open(folder / "durable")
    durable.start()
    lines = Line(None), Line(saving), Line(durable)
    before = durable.committer.commits, durable.committer.octets
    lines[2].waited = 0.0
    count = max(effort.succession // 10, 10)
    costs = [[line.join() for line in lines] for _ in range(count)]
    commits, octets = (
        (durable.committer.commits - before[0]) / count,
        (durable.committer.octets - before[1]) / count,
    )
    saving.shut()
    durable.shut()
    lasts = (
        simulate(Scenario(profile=load.load(PROFILE), joiners=(joiners.load(JOINER),))).verdict.seconds or 0
    )
    bare, saved, everything = (statistics.median(each) for each in zip(*costs, strict=True))
    return [
        Measurement(
            name="a join, no state",
            value=1000 * bare,
            unit="ms",
            conditions=f"{PROFILE} x {JOINER}, {WATCHED // SECOND} s each, {count} in turn; median CPU time",
        ),
        Measurement(
            name="a join, saved to no state",
            value=saved / bare,
            unit="ratio",
            conditions="the work of saving, the disk apart; goal: less than 1.05",
        ),
        Measurement(
            name="a join, fsync too, to no state",
            value=everything / bare,
            unit="ratio",
            conditions="with the CPU time of fsync in its own thread, and of waking up after it",
        ),
        Measurement(
            name="fsyncs a join",
            value=commits,
            unit="fsyncs",
            conditions=f"{octets:.0f} octets; frames held for {1000 * lines[2].waited / count:.2f} ms in all",
        ),
        Measurement(
            name="a join, longer by",
            value=100 * lines[2].waited / count / lasts,
            unit="%",
            conditions=f"frames held for the disk, of the {lasts:.3f} s that a join takes; goal: less than 5",
        ),
    ]
