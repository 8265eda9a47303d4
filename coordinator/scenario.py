"""One profile, some joiners, one seed: a run in virtual time, from power-on to verdict.

Simulate, the matrix, the benchmarks and the comparison with the asyncio driver all run this. It is
the only composition root in virtual time; what a coordinator and a joiner are made of is here for the
daemon as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from coordinator import trace
from coordinator.codec import zdp
from coordinator.entropy import SeededEntropy
from coordinator.evidence import outcome
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.witness import Witness
from coordinator.joiner import engine as joiner_engine
from coordinator.joiner.model import JoinerModel, stack_policy
from coordinator.primitives import mlme, nlme
from coordinator.profiles.profile import Profile
from coordinator.security.material import LinkKeys
from coordinator.sim.air import MediumConfig
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.host import HostStack, Identity, Network
from coordinator.stack.timers import Timer
from coordinator.trust_center import engine as trust_center_engine
from coordinator.trust_center.presence import Presence
from coordinator.types import (
    GLOBAL_LINK_KEY,
    SECOND,
    Channel,
    DeviceType,
    Duration,
    Entropy,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    LinkKeyKind,
    PanId,
)

TRUST_CENTER_NAME = "trust-center"
COORDINATOR_CAPABILITY = 0x8F
"""Alternate PAN coordinator, full function, mains, receiver on, allocate address."""
HOME_AUTOMATION = 0x0104
RANGE_EXTENDER = 0x0008
CONFIGURATION_TOOL = 0x0005
BASIC_CLUSTER = 0x0000
IDENTIFY_CLUSTER = 0x0003
SIMULATED_OUI = 0x02_00_00
"""Locally administered: a simulated device never has a maker's address."""
PERMIT_MAX = 254
"""The longest Mgmt_Permit_Joining period; longer ones are renewed (zigbee2mqtt#3177)."""
OBSERVE: Duration = 40 * SECOND
"""The observation window after an association: TI needs 25 s to give up (profiles page)."""
POWER_ON: Duration = SECOND // 2
"""The first joiner is powered this long after the network formed; further ones one second apart."""
LIMIT: Duration = 180 * SECOND
"""A run ends here at the latest, joiner or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The network to form and who may join it: with `allowed` None, anybody. What else is None is drawn from
    the entropy.
    """

    channel: Channel = Channel(15)
    pan_id: PanId | None = None
    extended_pan_id: ExtendedPanId | None = None
    network_key: Key | None = None
    trust_center: Eui64 | None = None
    install_codes: Mapping[Eui64, Key] = field(default_factory=dict)
    permit: Duration = 180 * SECOND
    allowed: frozenset[Eui64] | None = None
    key_sequence: int = 0
    update_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to run. `until` bounds it in virtual time; `observe` is the window after an association."""

    profile: Profile
    joiners: Sequence[JoinerModel]
    seed: int = 1
    setting: Setting = Setting()
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


def simulated_eui64(entropy: Entropy) -> Eui64:
    """A fresh locally administered EUI-64."""
    return Eui64(SIMULATED_OUI << 40 | int.from_bytes(entropy.octets(5), "big"))


def endpoint(device: int) -> zdp.SimpleDescriptor:
    """The one application endpoint every simulated node shows."""
    return zdp.SimpleDescriptor(
        endpoint=1, profile=HOME_AUTOMATION, device=device, input_clusters=(BASIC_CLUSTER, IDENTIFY_CLUSTER)
    )


def network(setting: Setting, entropy: Entropy) -> Network:
    """The network to form, with what the setting leaves open drawn at random."""
    pan_id = setting.pan_id
    extended = setting.extended_pan_id
    return Network(
        channel=setting.channel,
        pan_id=PanId(entropy.integer(0x0001, 0x3FFF)) if pan_id is None else pan_id,
        extended_pan_id=ExtendedPanId(simulated_eui64(entropy)) if extended is None else extended,
        key=Key(entropy.octets(16)) if setting.network_key is None else setting.network_key,
        key_sequence=setting.key_sequence,
        update_id=setting.update_id,
    )


class TrustCenterNode:
    """A coordinator: host stack and Trust Center under one profile.

    `observe` is how long each device is watched; `together`: one window for all, as `Window` has it.
    """

    def __init__(
        self,
        profile: Profile,
        setting: Setting,
        entropy: Entropy,
        note: trace.Sink,
        *,
        observe: Duration = OBSERVE,
        together: bool = False,
    ) -> None:
        identity = Identity(
            eui64=simulated_eui64(entropy) if setting.trust_center is None else setting.trust_center,
            device_type=DeviceType.COORDINATOR,
            capability=COORDINATOR_CAPABILITY,
            endpoints=(endpoint(CONFIGURATION_TOOL),),
        )
        self._setting = setting
        self._note = note
        self._open_until = Instant(0)
        self._renewal: Timer | None = None
        self.host = HostStack(identity, profile.stack, entropy, self._observe, behaviours=profile.behaviours)
        self.engine = trust_center_engine.Engine(self.host, profile.trust_center)
        self.host.install(self.engine)
        self.host.nib.allowed = setting.allowed
        self._presence = Presence(self.host, self.engine.devices, observe, together=together)
        self.network = network(setting, entropy)

    def start(self, now: Instant) -> None:
        """Form the network, note the keys that joiners may come with, and open joining."""
        self.host.form(self.network, now)
        self._note(trace.KeyInUse(at=now, key=GLOBAL_LINK_KEY, kind=LinkKeyKind.GLOBAL))
        for device, key in self._setting.install_codes.items():
            self.host.link_keys.install_code(device, key)
            self._note(trace.KeyInUse(at=now, key=key, device=device, kind=LinkKeyKind.INSTALL_CODE))
        self.host.start(now)
        self.permit(self._setting.permit, now)

    def permit(self, span: Duration, now: Instant) -> None:
        """Keep joining open for `span`; a period that ends earlier is renewed: one of 254 s, the longest
        there is, or a shorter one that a joiner asked for with Mgmt_Permit_Joining_req.
        """
        self._open_until = Instant(now + span)
        self._permit(now)

    def _permit(self, now: Instant) -> None:
        seconds = min(-(-(self._open_until - now) // SECOND), PERMIT_MAX)
        self.host.request(nlme.PermitJoiningRequest(seconds=seconds), now)

    def _observe(self, record: trace.Record) -> None:
        self._note(record)
        self._presence.note(record)
        if isinstance(record, trace.Requested) and isinstance(record.request, nlme.PermitJoiningRequest):
            if self._renewal is not None:
                self._renewal.cancel()
            closes = Instant(record.at + record.request.seconds * SECOND)
            if closes < self._open_until:
                self._renewal = self.host.timers.set(closes, self._permit)


class JoinerNode:
    """A simulated device under test: host stack and joiner under one model."""

    def __init__(
        self,
        model: JoinerModel,
        entropy: Entropy,
        *,
        eui64: Eui64 | None = None,
        link_key: Key | None = None,
        note: trace.Sink | None = None,
    ) -> None:
        identity = Identity(
            eui64=simulated_eui64(entropy) if eui64 is None else eui64,
            device_type=model.device_type,
            capability=model.node.capability,
            endpoints=(endpoint(RANGE_EXTENDER),),
        )
        # Joins through a router are not served yet: a simulated router says it has no room.
        policy = replace(stack_policy(model), router_capacity=False, end_device_capacity=False)
        keys = LinkKeys() if link_key is None else LinkKeys(link_key, LinkKeyKind.INSTALL_CODE)
        self.host = HostStack(identity, policy, entropy, note or _discard, link_keys=keys)
        self.engine = joiner_engine.Engine(self.host, model)
        self.host.install(self.engine)


def _discard(_record: trace.Record) -> None:
    """A device under test keeps no trace: evidence is what is on the air."""


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
    takes word of evidence that was lost.
    """

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
        driver = Driver(
            self.world, SimulatedRadio(self.world, self.medium, TRUST_CENTER_NAME), self.center.host
        )
        self.center.start(self.world.now)
        driver.settle()

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
    model: JoinerModel, entropy: SeededEntropy, index: int, setting: Setting
) -> tuple[str, JoinerNode]:
    """The simulated device number `index`, with its name on the air; the first ones get the install codes."""
    name = _joiner_name(index)
    stream = entropy.stream(name)
    eui64 = simulated_eui64(stream)
    code: Key | None = None
    if index < len(setting.install_codes):
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
