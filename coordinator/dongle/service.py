"""An emulated dongle as a program: an air, an RCP on it, a place to listen, an orderly end.

The air is one of its own, or, with `Order.air`, one that other processes share.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from coordinator.codec.spinel import Status
from coordinator.composition import simulated_eui64
from coordinator.dongle.bench import DONGLE_NAME, Bench
from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.faults import Fault
from coordinator.dongle.listen import Announce, Where, listen
from coordinator.dongle.spinel import Model, Rcp
from coordinator.entropy import SeededEntropy
from coordinator.joiner.model import JoinerModel
from coordinator.radio.air.guest import Loss
from coordinator.radio.air.opening import open_air
from coordinator.radio.air.url import AirUrl
from coordinator.radio.errors import RadioLost
from coordinator.runtime.signals import stop_signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to emulate, and where. The joiners are for an air of its own: others bring them to one
    that is shared.
    """

    where: Where
    seed: int
    joiners: Sequence[JoinerModel] = ()
    pending_by_default: bool = True
    air: AirUrl | None = None
    faults: Sequence[Fault] = ()


async def serve(order: Order, announce: Announce) -> int | None:
    """Serve until a signal, whose number is returned, or until a listener that can end has ended: None.

    Raises listen.CannotListen, RadioUnavailable, RadioLost when a shared air went away, and what else
    ended the radio.
    """
    stop = stop_signal()
    async with _on_air(order) as (rcp, loss):
        listening = asyncio.ensure_future(listen(order.where, rcp, announce, _disturbance(order, rcp)))
        ends = [asyncio.ensure_future(event.wait()) for event in (rcp.failed, loss.happened)]
        waits: list[asyncio.Future[Any]] = [stop, listening, *ends]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits[1:]:
                task.cancel()
            await asyncio.wait(waits[1:])
        if loss.happened.is_set():
            raise RadioLost(loss.reason)
        if not listening.cancelled():
            listening.result()
        return stop.result() if stop.done() else None


@asynccontextmanager
async def _on_air(order: Order) -> AsyncIterator[tuple[Rcp, Loss]]:
    """The RCP, powered, on the air that the order wants, and word of the loss of that air."""
    if order.air is None:
        bench = Bench(seed=order.seed, joiners=order.joiners, pending_by_default=order.pending_by_default)
        async with bench:
            yield bench.rcp, Loss()
        return
    entropy = SeededEntropy(order.seed)
    eui64 = simulated_eui64(entropy.stream(DONGLE_NAME))
    async with open_air(order.air, entropy.stream("world")) as air:
        rcp = Rcp(
            air.radio(f"{DONGLE_NAME} {eui64}"),
            air.clock.now,
            Model(eui64=eui64, pending_by_default=order.pending_by_default),
        )
        await rcp.start()
        try:
            yield rcp, air.loss
        finally:
            await rcp.close()
        if rcp.error is not None and not air.loss.happened.is_set():
            raise rcp.error


def _disturbance(order: Order, rcp: Rcp) -> Disturbance | None:
    if not order.faults:
        return None
    disturbance = Disturbance(order.faults, SeededEntropy(order.seed, "faults"))
    disturbance.reset = lambda: rcp.reset(Status.RESET_FAULT)
    return disturbance
