"""What a session is asked to run, what it stands on, and whom it tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from coordinator import trace
from coordinator.composition import OBSERVE, JoinerNode, Setting
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.rungs import Row
from coordinator.joiner.model import JoinerModel
from coordinator.profiles.profile import Profile
from coordinator.radio.base import Radio
from coordinator.radio.capabilities import Report
from coordinator.radio.url import RadioUrl, Simulated
from coordinator.runtime.driver import Clock
from coordinator.runtime.store import Store
from coordinator.sim.air import MediumConfig
from coordinator.stack.frame_fault import FrameFault
from coordinator.stack.host import Network
from coordinator.switching.change import InForce
from coordinator.switching.switcher import Assess
from coordinator.types import Duration, Entropy, Eui64

if TYPE_CHECKING:
    from coordinator.runtime.session import Session

SIMULATED = Simulated()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run. `joiner` is the simulated device under test, None where the devices are real or others'.

    `seed` makes the draws of a simulated run repeatable; None draws from the operating system.
    """

    profile: Profile
    joiner: JoinerModel | None = None
    seed: int | None = None
    radio: RadioUrl = SIMULATED
    tx_power: int | None = None
    setting: Setting = field(default_factory=Setting)
    expect: frozenset[Outcome] = JOINED
    observe: Duration = OBSERVE
    medium: MediumConfig | None = None
    once: bool = False
    capture: Path | None = None
    events: Path | None = None
    state: Path | None = None
    profile_source: str | None = None
    """What the profile was loaded from: a name or a path."""
    in_force: InForce | None = None
    """What is in force from the beginning, where that is not the profile as its file has it."""
    generation: int = 1
    """The number of the first generation: higher where an earlier session has counted."""
    faults: tuple[FrameFault, ...] = ()
    """Frame faults that are armed from the beginning."""
    ordinal: int = 0
    """How many networks came before this one: the draws of a seed are others for each."""
    aps_counter: int = 0
    """Where the counter of all link keys begins: a later network may have link keys of an earlier one."""
    change: str | None = None
    """The change that this session itself is, a generation of its own."""

    @property
    def begins_with(self) -> InForce:
        """The profile and the behaviours that are in force from the beginning."""
        return self.in_force or InForce.of(self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that has begun. `utc_at_zero` is the UTC time of `Instant(0)`, microseconds since the epoch.

    `report` is what a radio that is a thing of its own said of itself. `steered`: commands begin runs in it,
    which may have windows of their own.
    """

    order: Order
    network: Network
    trust_center: Eui64
    radio: str
    utc_at_zero: int
    report: Report | None = None
    steered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reform:
    """Another network to form: its setting, the change that it is, whether what was saved is forgotten."""

    setting: Setting
    change: str
    forget: bool = False


class Reporter(Protocol):
    """Shows a run to people."""

    def started(self, run: Begun) -> None:
        """The network is up."""
        ...

    def row(self, row: Row) -> None:
        """One step of a join."""
        ...

    def radio(self, change: trace.RadioChanged) -> None:
        """The radio came, went or restarted."""
        ...

    def waiting(self, left: Duration | None, observing: bool) -> None:
        """Nothing happens: `left` until the window closes, or, not `observing`, until joining does; None
        when joining is closed."""
        ...

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """A window closed; `line` is the verdict as the event file has it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the session ended: by a signal's number, or with the verdict it was to give once.

    `radio_lost` says that there was no radio when it ended.
    """

    verdict: Verdict | None = None
    signal: int | None = None
    radio_lost: bool = False
    reform: Reform | None = None
    """Another network is to be formed, and this session made room for it."""


class Joiners(Protocol):
    """Powers simulated devices under test on the session's own air."""

    def power_on(self, model: JoinerModel, device: Eui64 | None) -> JoinerNode:
        """Power a device, factory new; a new one unless an EUI-64 is given. Raises ValueError when that one
        is on already.
        """
        ...

    def power_off(self, device: Eui64) -> str:
        """Pull the plug; return the name of its model. Raises KeyError when it is not on."""
        ...

    @property
    def powered(self) -> Mapping[Eui64, str]:
        """Who is on, with the name of its model."""
        ...


ALTITUDES = ("policy", "plan", "frame", "octets")
"""Where the Trust Center can be made to deviate when every frame is ours."""


def _everything_fits(_in_force: InForce) -> tuple[str, ...]:
    """Every frame is ours, so everything can be done."""
    return ()


async def _nothing_to_verify() -> None:
    """A radio that is part of this process cannot be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a session stands on. `sees_air` when somebody feeds `Session.hear` with all of the air;
    `on_air` is called when the network is up, for whoever powers a device; `verify` before a verdict is
    given, to learn of a loss that nobody noticed; `failed` is set when the ground gives way by our error.
    `store` is open, and stays so. `catch_up` does what is due on the air before somebody acts from outside.
    `joiners` can power simulated devices, where the air is ours. `assess` says of what shall be in force
    everything that this radio cannot do, without asking it; `altitudes` are those at which it lets the
    Trust Center deviate.
    """

    radio: Radio
    clock: Clock
    entropy: Entropy
    utc_at_zero: int
    store: Store | None = None
    sees_air: bool = False
    on_air: Callable[[Session], None] = lambda _session: None
    report: Callable[[], Report | None] = lambda: None
    verify: Callable[[], Awaitable[None]] = _nothing_to_verify
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    catch_up: Callable[[], None] = lambda: None
    joiners: Joiners | None = None
    assess: Assess = _everything_fits
    altitudes: tuple[str, ...] = ALTITUDES
