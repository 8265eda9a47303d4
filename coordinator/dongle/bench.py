"""An emulated RCP on an air of its own, with the simulated devices that are to find its host's network."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from coordinator.composition import JoinerNode, Setting, simulated_eui64
from coordinator.dongle.spinel import Model, Rcp
from coordinator.entropy import SeededEntropy
from coordinator.joiner.model import JoinerModel
from coordinator.radio.simulated import SimulatedAir
from coordinator.scenario import power_later
from coordinator.sim.air import MediumConfig

DONGLE_NAME = "dongle"
"""Its name on the air and in captures."""


class Bench:
    """``async with Bench(seed=1, joiners=[...]) as bench``: an RCP to connect to, powered while entered.

    The joiners are powered when the host first has PHY and raw stream enabled, the first of them
    `scenario.POWER_ON` later and each further one a second after the last; `joiners` are their nodes.
    Leaving the block raises what ended the RCP, if anything did.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        joiners: Sequence[JoinerModel] = (),
        pending_by_default: bool = True,
        medium: MediumConfig | None = None,
    ) -> None:
        self._entropy = SeededEntropy(seed)
        self._models = tuple(joiners)
        self.air = SimulatedAir(self._entropy.stream("world"), medium)
        self.joiners: list[JoinerNode] = []
        eui64 = simulated_eui64(self._entropy.stream(DONGLE_NAME))
        self.rcp = Rcp(
            self.air.radio(DONGLE_NAME),
            self.air.now,
            Model(eui64=eui64, pending_by_default=pending_by_default),
        )
        self.rcp.up = self._power_joiners

    async def __aenter__(self) -> Bench:
        await self.rcp.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.rcp.close()
        self.air.stop()
        if self.rcp.error is not None and error is None:
            raise self.rcp.error

    def _power_joiners(self) -> None:
        """Once: a host that restarts its radio finds them as they are."""
        models, self._models = self._models, ()
        for index, model in enumerate(models):
            joiner, _ = power_later(self.air.world, self.air.medium, model, self._entropy, index, Setting())
            self.joiners.append(joiner)
        self.air.poke()
