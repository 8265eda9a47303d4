"""One profile, some joiners, one seed: a run in virtual time, from power-on to verdict.

Simulate, the matrix, the benchmarks and the comparison with the asyncio driver all run this. It is
the only composition root in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coordinator import trace
from coordinator.composition import (
    OBSERVE,
    TRUST_CENTER_NAME,
    JoinerNode,
    Setting,
    TrustCenterNode,
    simulated_eui64,
)
from coordinator.entropy import SeededEntropy
from coordinator.evidence import outcome
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.witness import Witness
from coordinator.joiner.model import JoinerModel
from coordinator.primitives import mlme
from coordinator.profiles.profile import Profile
from coordinator.sim.air import MediumConfig
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.types import (
    SECOND,
    Duration,
    Eui64,
    Instant,
    Key,
)

POWER_ON: Duration = SECOND // 2
"""The first joiner is powered this long after the network formed; further ones one second apart."""
LIMIT: Duration = 180 * SECOND
"""A run ends here at the latest, joiner or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to run. `until` bounds it in virtual time; `observe` is the window after an association."""

    profile: Profile
    joiners: Sequence[JoinerModel]
    seed: int = 1
    setting: Setting = field(default_factory=Setting)
    expect: frozenset[Outcome] = JOINED
    observe: Duration = OBSERVE
    until: Duration = LIMIT
    medium: MediumConfig | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict of a run, when it ended, and how sure we are of the joiner's model (its weakest basis)."""

    verdict: Verdict
    ended: Instant
    joiner_basis: str


class Window:
    """The observation window: it closes `observe` after the last new device's first association request.

    Nobody asks: it closes at its limit. It never closes later than that.
    """

    def __init__(self, world: World, observe: Duration, limit: Instant) -> None:
        self._world = world
        self._observe = observe
        self._seen: set[Eui64] = set()
        self.reopen(limit)

    def reopen(self, limit: Instant) -> None:
        """Begin anew, with a limit of its own: nobody was seen yet."""
        self._seen.clear()
        self._limit = self.closes = limit
        self.opened = False

    def note(self, record: trace.Record) -> None:
        """Watch for association requests."""
        if isinstance(record, trace.Indicated) and isinstance(record.indication, mlme.AssociateIndication):
            device = record.indication.device
            if device not in self._seen:
                self._seen.add(device)
                closes = min(Instant(record.at + self._observe), self._limit)
                self.closes = max(self.closes, closes) if self.opened else closes
                self._world.horizon = self.closes
                self.opened = True

    def run(self, world: World) -> Instant:
        """Run the world until the window closes; return when that is."""
        world.run_until(self.closes)
        return self.closes


class Simulation:
    """One run in virtual time: make it, let others watch, run it once.

    Frames on the air go to whoever `medium.observe`s; records to whoever `watch`es; `witness.miss`
    takes word of evidence that was lost. Whoever calls the Trust Center from outside settles `driver`
    afterwards; it is there from `start` on.
    """

    driver: Driver

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        entropy = SeededEntropy(scenario.seed)
        self.world = World(entropy.stream("world"))
        self.medium = Medium(self.world, scenario.medium)
        self.witness = Witness(expect=scenario.expect)
        self.window = Window(self.world, scenario.observe, Instant(scenario.until))
        self._sinks: list[trace.Sink] = [self.witness.note, self.window.note]
        draws, observe = entropy.stream(TRUST_CENTER_NAME), scenario.observe
        self.center = TrustCenterNode(
            scenario.profile, scenario.setting, draws, self._note, observe=observe, together=True
        )
        self.entropy = entropy

    def watch(self, sink: trace.Sink) -> None:
        """Feed one more sink with the Trust Center's records."""
        self._sinks.append(sink)

    def _note(self, record: trace.Record) -> None:
        for sink in self._sinks:
            sink(record)

    def start(self) -> None:
        """Power the coordinator, form its network, open joining."""
        radio = SimulatedRadio(self.world, self.medium, TRUST_CENTER_NAME)
        self.driver = Driver(self.world, radio, self.center.host)
        self.center.start(self.world.now)
        self.driver.settle()

    def run(self, before_close: Callable[[], None] | None = None) -> Result:
        """Run to the close of the observation window. `before_close` may still tell `witness.miss`."""
        world, scenario = self.world, self.scenario
        self.start()
        joiners = [
            power_later(world, self.medium, model, self.entropy, index, scenario.setting)[0]
            for index, model in enumerate(scenario.joiners)
        ]
        ends = self.window.run(world)
        if before_close is not None:
            before_close()
        return Result(
            verdict=self.witness.close(ends),
            ended=ends,
            joiner_basis=weakest_basis(joiners, scenario.joiners),
        )


def simulate(scenario: Scenario) -> Result:
    """Run a scenario that nobody watches."""
    return Simulation(scenario).run()


class Succession:
    """Joiners one after the other on one network: each is powered on, judged, forgotten and powered off.

    The scenario's models take turns. `observe` and `until` are each turn's own, and `setting.permit`
    must last for as many turns as there are to be.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._turns = 0
        simulation.start()

    def join(self) -> Verdict:
        """One joiner's turn: the verdict on it when its window closed."""
        simulation, scenario = self._simulation, self._simulation.scenario
        world, witness = simulation.world, simulation.witness
        model = scenario.joiners[self._turns % len(scenario.joiners)]
        name, joiner = make_joiner(model, simulation.entropy, self._turns, scenario.setting)
        self._turns += 1
        simulation.window.reopen(Instant(world.now + scenario.until))
        driver = power_on(joiner, name, world, simulation.medium)
        verdict = witness.close(simulation.window.run(world))
        for device in witness.devices:
            witness.forget(device)
        driver.power_off()
        return verdict


def simulated_joiner(seed: int, index: int = 0) -> Eui64:
    """The EUI-64 of the simulated device number `index`, unless an install code gives it another."""
    return simulated_eui64(SeededEntropy(seed).stream(_joiner_name(index)))


def _joiner_name(index: int) -> str:
    return f"joiner-{index + 1}"


def make_joiner(
    model: JoinerModel, entropy: SeededEntropy, index: int, setting: Setting, device: Eui64 | None = None
) -> tuple[str, JoinerNode]:
    """The simulated device number `index`, with its name on the air; the first ones get the install codes,
    unless the `device` is named: then it gets its own, if it has one.
    """
    name = _joiner_name(index)
    stream = entropy.stream(name)
    eui64 = simulated_eui64(stream)
    code: Key | None = None
    if device is not None:
        eui64, code = device, setting.install_codes.get(device)
    elif index < len(setting.install_codes):
        eui64, code = list(setting.install_codes.items())[index]
    return name, JoinerNode(model, stream, eui64=eui64, link_key=code)


def power_on(joiner: JoinerNode, name: str, world: World, medium: Medium) -> Driver:
    """Power a joiner now: it begins to look for a network."""
    driver = Driver(world, SimulatedRadio(world, medium, name), joiner.host)
    joiner.host.start(world.now)
    driver.settle()
    return driver


def power_later(
    world: World, medium: Medium, model: JoinerModel, entropy: SeededEntropy, index: int, setting: Setting
) -> tuple[JoinerNode, list[Driver]]:
    """Make the joiner now and power it at its time; its driver is in the list from then on."""
    name, joiner = make_joiner(model, entropy, index, setting)
    drivers: list[Driver] = []
    when = Instant(world.now + POWER_ON + index * SECOND)
    world.at(when, lambda: drivers.append(power_on(joiner, name, world, medium)))
    return joiner, drivers


def weakest_basis(joiners: Sequence[JoinerNode], models: Sequence[JoinerModel]) -> str:
    """How well the traits that decided this run are known: measured, source or assumed."""
    bases = [
        model.weakest_basis(joiner.engine.consulted) for joiner, model in zip(joiners, models, strict=True)
    ]
    order = ("measured", "source", "assumed")
    named = [basis.value for basis in bases if basis is not None]
    return max(named, key=order.index, default="source")


def verdict_line(
    verdict: Verdict,
    *,
    profile: str,
    joiner: str | None,
    seed: int | None,
    radio: str,
    joiner_basis: str | None,
) -> dict[str, object]:
    """The JSON object of one run: what `simulate --json` prints and the event file ends with.

    `joiner`, `seed` and `joiner_basis` are null where the device under test is a real one.
    """
    return {
        "profile": profile,
        "joiner": joiner,
        "seed": seed,
        "radio": radio,
        **outcome.fields(verdict),
        "joiner_basis": joiner_basis,
    }
