"""An emulated dongle as a program: an air, an RCP on it, a place to listen, an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from coordinator.codec.spinel import Status
from coordinator.dongle.bench import Bench
from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.faults import Fault
from coordinator.dongle.listen import Announce, Where, listen
from coordinator.dongle.spinel import Rcp
from coordinator.entropy import SeededEntropy
from coordinator.joiner.model import JoinerModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to emulate, and where."""

    where: Where
    seed: int
    joiners: Sequence[JoinerModel] = ()
    pending_by_default: bool = True
    faults: Sequence[Fault] = ()


async def serve(order: Order, announce: Announce) -> int | None:
    """Serve until a signal, whose number is returned, or until a listener that can end has ended: None.

    Raises listen.CannotListen, and what ended the radio.
    """
    stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def stopped(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopped, number)
    async with _on_air(order) as rcp:
        disturbance = _disturbance(order, rcp)
        listening = asyncio.ensure_future(listen(order.where, rcp, announce, disturbance))
        failed = asyncio.ensure_future(rcp.failed.wait())
        try:
            await asyncio.wait((stop, listening, failed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, failed):
                task.cancel()
            await asyncio.wait((listening, failed))
        if not listening.cancelled():
            listening.result()
        return stop.result() if stop.done() else None


@asynccontextmanager
async def _on_air(order: Order) -> AsyncIterator[Rcp]:
    """The RCP, powered, on the air that the order wants; the one there is belongs to this process."""
    bench = Bench(seed=order.seed, joiners=order.joiners, pending_by_default=order.pending_by_default)
    async with bench:
        yield bench.rcp


def _disturbance(order: Order, rcp: Rcp) -> Disturbance | None:
    if not order.faults:
        return None
    disturbance = Disturbance(order.faults, SeededEntropy(order.seed, "faults"))
    disturbance.reset = lambda: rcp.reset(Status.RESET_FAULT)
    return disturbance
