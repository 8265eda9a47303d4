"""A join in virtual time with a switcher on it, and everything that either of them says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coordinator import trace
from coordinator.composition import Setting
from coordinator.evidence.outcome import Verdict
from coordinator.profiles import joiners, load
from coordinator.profiles.profile import Profile
from coordinator.scenario import Scenario, Simulation
from coordinator.sim.air import MediumConfig
from coordinator.switching.change import Edit, Misfit, become
from coordinator.switching.effect import Effect
from coordinator.switching.moment import Moment, When
from coordinator.switching.switcher import Pending, Switcher
from coordinator.types import SECOND, Duration, Instant

BEFORE_ALL = Instant(SECOND // 4)
"""The network is formed, and nobody is powered."""
AFTERWARDS: Duration = 30 * SECOND
"""A run goes on for so long after its window, so that whatever waits has been sent or given up."""


@dataclass(slots=True, kw_only=True)
class Ask:
    """One change that was asked for, where in the trace that was, and what was heard of it."""

    at: Instant
    index: int
    pending: Pending | None = None
    effects: list[Effect] = field(default_factory=list)
    withdrawn: list[Misfit | None] = field(default_factory=list)

    @property
    def effect(self) -> Effect:
        """The one effect that it had."""
        (effect,) = self.effects
        assert not self.withdrawn
        return effect


class Bench:
    """One Trust Center under a profile, the joiners named, and a switcher."""

    def __init__(
        self,
        profile: str | Profile,
        *names: str,
        seed: int = 1,
        setting: Setting | None = None,
        medium: MediumConfig | None = None,
    ) -> None:
        self.profile = load.load(profile) if isinstance(profile, str) else profile
        models = tuple(joiners.load(name) for name in names)
        scenario = Scenario(
            profile=self.profile, joiners=models, seed=seed, setting=setting or Setting(), medium=medium
        )
        self.simulation = Simulation(scenario)
        self.records: list[trace.Record] = []
        self.asks: list[Ask] = []
        self.simulation.watch(self.records.append)
        self.switcher = Switcher(self.simulation.center, self.profile)

    @property
    def now(self) -> Instant:
        """The world's time."""
        return self.simulation.world.now

    def ask(
        self,
        edit: Edit | str,
        moment: Moment = When.NOW,
        *,
        generation: int | None = None,
        change: str = "a change",
        done: Callable[[Effect], None] | None = None,
    ) -> Ask:
        """Ask for a change, or for a profile by its name. Raises Misfit. From outside, settle afterwards."""
        ask = Ask(at=self.now, index=len(self.records))

        def told(effect: Effect) -> None:
            ask.effects.append(effect)
            if done is not None:
                done(effect)

        ask.pending = self.switcher.ask(
            become(load.load(edit)) if isinstance(edit, str) else edit,
            change,
            moment,
            self.now,
            done=told,
            withdrawn=ask.withdrawn.append,
            generation=generation,
        )
        self.asks.append(ask)
        return ask

    def settle(self) -> None:
        """What was asked from outside has moved deadlines."""
        self.simulation.driver.settle()

    def at(self, when: Duration, call: Callable[[], object]) -> None:
        """From outside, at this time of the world: make the call and settle."""

        def made() -> None:
            call()
            self.settle()

        self.simulation.world.at(Instant(when), made)

    def once(
        self, reached: Callable[[trace.Record], bool], call: Callable[[], object], *, within: bool = False
    ) -> None:
        """Make the call the first time that a record says so: `within` the Trust Center's own call, or from
        outside, as soon as that has ended.
        """
        waiting = [call]

        def note(record: trace.Record) -> None:
            if waiting and reached(record):
                made = waiting.pop()
                if within:
                    made()
                else:
                    self.at(self.now, made)

        self.simulation.center.observers.append(note)

    def run(self) -> Verdict:
        """The whole run, and a while longer."""
        verdict = self.simulation.run().verdict
        self.simulation.world.run_until(Instant(self.now + AFTERWARDS))
        return verdict

    def of(self, *kinds: type[trace.Record]) -> Sequence[trace.Record]:
        """The records of these kinds."""
        return [record for record in self.records if isinstance(record, kinds)]

    @property
    def sent(self) -> list[trace.Sent]:
        """The frames that the Trust Center handed to its radio."""
        return [record for record in self.records if isinstance(record, trace.Sent)]

    @property
    def switched(self) -> list[trace.Switched]:
        """The switches that the trace has."""
        return [record for record in self.records if isinstance(record, trace.Switched)]


def formed(profile: str = "zb3") -> Bench:
    """A Trust Center that nobody joins: time passes when `run_until` says so."""
    bench = Bench(profile)
    bench.simulation.start()
    bench.simulation.world.run_until(BEFORE_ALL)
    return bench
