"""Simulated devices under test on the session's own air: powered on, factory new, and off again."""

from __future__ import annotations

from collections.abc import Mapping

from coordinator.composition import JoinerNode, Setting
from coordinator.entropy import SeededEntropy
from coordinator.joiner.model import JoinerModel
from coordinator.radio.simulated import SimulatedAir
from coordinator.scenario import POWER_ON, make_joiner, power_on
from coordinator.sim.driver import Driver
from coordinator.types import Eui64, Instant

ROOM = 64
"""Devices that may be powered at a time."""


class OwnJoiners:
    """Implements `order.Joiners`. Each is drawn from the run's seed, in the order they are made."""

    def __init__(self, air: SimulatedAir, entropy: SeededEntropy, setting: Setting) -> None:
        self._air = air
        self._entropy = entropy
        self._setting = setting
        self._made = 0
        self._on: dict[Eui64, tuple[str, Driver | None]] = {}

    def power_later(self, model: JoinerModel) -> JoinerNode:
        """Make the first device now, and power it when the network has been up for a moment."""
        name, joiner = self._make(model, None)
        world = self._air.world
        self._on[joiner.host.eui64] = (model.name, None)
        world.at(Instant(world.now + POWER_ON), lambda: self._power(joiner, name, model))
        self._air.poke()
        return joiner

    def power_on(self, model: JoinerModel, device: Eui64 | None) -> JoinerNode:
        """Power a device now; a new one unless an EUI-64 is given. Raises ValueError when that one is on, or
        too many are.
        """
        if device in self._on:
            raise ValueError(f"{device} is on already")
        if len(self._on) >= ROOM:
            raise ValueError(f"{ROOM} simulated devices are on already")
        name, joiner = self._make(model, device)
        self._air.at_once(lambda: self._power(joiner, name, model))
        return joiner

    def power_off(self, device: Eui64) -> str:
        """Pull the plug; return the name of its model. Raises KeyError when it is not on."""
        name, driver = self._on.pop(device)
        if driver is not None:
            self._air.at_once(driver.power_off)
        return name

    @property
    def powered(self) -> Mapping[Eui64, str]:
        """Who is on, with the name of its model."""
        return {device: name for device, (name, _) in self._on.items()}

    def _make(self, model: JoinerModel, device: Eui64 | None) -> tuple[str, JoinerNode]:
        name, joiner = make_joiner(model, self._entropy, self._made, self._setting, device)
        self._made += 1
        return name, joiner

    def _power(self, joiner: JoinerNode, name: str, model: JoinerModel) -> None:
        self._on[joiner.host.eui64] = (
            model.name,
            power_on(joiner, name, self._air.world, self._air.medium),
        )
