"""A coordinator with a store, on simulated air, and joiners that come one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coordinator import trace
from coordinator.composition import JoinerNode, Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.joiner.model import JoinerModel
from coordinator.profiles import joiners, load
from coordinator.runtime.durable import DurableNode
from coordinator.runtime.files import Files
from coordinator.runtime.store import Store
from coordinator.scenario import make_joiner, power_on
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.node import Action, Node
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND, Instant

FOLDER = Path("/state")
JOINED = 6 * SECOND


class Town:
    """Powered from the start. `on_air` hears the next free counter values before any frame leaves."""

    def __init__(
        self,
        files: Files | None,
        seed: int = 1,
        *,
        folder: Path = FOLDER,
        profile: str = "zb3",
        on_air: Callable[[int, int], None] | None = None,
        threaded: bool = False,
        nap: Callable[[], None] | None = None,
    ) -> None:
        self.entropy = entropy = SeededEntropy(seed)
        self.world = World(entropy.stream("world"))
        self.medium = Medium(self.world)
        self.store = Store.open(folder, files, lambda: self.world.now / SECOND)
        self.records: list[trace.Record] = []
        setting = self.store.setting(Setting(permit=86_400 * SECOND))
        self.center = TrustCenterNode(
            load.load(profile), setting, entropy.stream("trust-center"), self.records.append
        )
        self.store.attach(self.center, self.world.now)
        wait: Callable[[], None] | None = None
        if threaded:
            self.store.start()
            wait = nap or _nap
        node: Node = DurableNode(self.center.host, self.store, wait)
        if on_air is not None:
            node = Told(node, self.center, on_air)
        self.driver = Driver(self.world, SimulatedRadio(self.world, self.medium, "trust-center"), node)
        self.center.start(self.world.now)
        self.driver.settle()
        self.turns = 0

    def wait(self, span: int) -> None:
        self.world.run_until(Instant(self.world.now + span))

    def join(self, model: JoinerModel | None = None, span: int = JOINED) -> tuple[JoinerNode, Driver]:
        chosen = model or joiners.load("zboss-r22")
        name, joiner = make_joiner(chosen, self.entropy, self.turns, Setting())
        self.turns += 1
        driver = power_on(joiner, name, self.world, self.medium)
        self.wait(span)
        return joiner, driver

    def standing(self, joiner: JoinerNode) -> Standing:
        device = self.center.engine.devices.find(joiner.host.eui64)
        return Standing.UNKNOWN if device is None else device.standing

    def next_counters(self) -> tuple[int, int]:
        return next_counters(self.center)

    def reasons(self) -> list[str]:
        return [record.reason for record in self.records if isinstance(record, trace.Dropped)]

    def findings(self) -> list[str]:
        return [record.summary for record in self.records if isinstance(record, trace.Finding)]


def next_counters(center: TrustCenterNode) -> tuple[int, int]:
    active = center.host.network_keys.active
    assert active is not None
    return active.outgoing.value, center.host.link_keys.outgoing.value


def _nap() -> None:
    time.sleep(0.000_1)


class Told:
    """Says, before acts are let go, which counter values they may hold."""

    def __init__(self, node: Node, center: TrustCenterNode, on_air: Callable[[int, int], None]) -> None:
        self._node, self._center, self._on_air = node, center, on_air
        self.receive, self.confirm = node.receive, node.confirm
        self.next_deadline, self.handle_timeout = node.next_deadline, node.handle_timeout

    def take(self) -> Sequence[Action]:
        actions = self._node.take()
        if actions:
            self._on_air(*next_counters(self._center))
        return actions
