"""A session on whichever radio it is to run: the radio, what survives it and, on a simulated air of our own,
the devices under test.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace

from coordinator import trace
from coordinator.composition import TRUST_CENTER_NAME, simulated_eui64
from coordinator.entropy import SeededEntropy, SystemEntropy
from coordinator.radio.air import url as air_url
from coordinator.radio.air.opening import open_air
from coordinator.radio.base import Device
from coordinator.radio.clock import LoopClock
from coordinator.radio.errors import RadioLost
from coordinator.radio.serial import opener
from coordinator.radio.simulated import SimulatedAir
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.radio.url import ForkPty, Line, Simulated, Tcp, Uart
from coordinator.runtime import survey
from coordinator.runtime.order import Ground, Order, Reporter
from coordinator.runtime.own_joiners import OwnJoiners
from coordinator.runtime.session import Session
from coordinator.runtime.store import Store
from coordinator.runtime.supervisor import Supervisor
from coordinator.types import Entropy


@asynccontextmanager
async def session(order: Order, reporter: Reporter, *, utc_at_zero: int) -> AsyncIterator[Session]:
    """A session on the radio that the order names, the radio and what survives it open for as long."""
    store = None if order.state is None else Store.open(order.state)
    try:
        if store is not None:
            ordinal = max(order.ordinal, store.saved.forgotten)
            order = replace(order, setting=store.setting(order.setting), ordinal=ordinal)
        async with _on_its_radio(order, reporter, utc_at_zero, store) as running:
            yield running
    finally:
        if store is not None:
            await store.close()


@asynccontextmanager
async def _on_its_radio(
    order: Order, reporter: Reporter, utc_at_zero: int, store: Store | None
) -> AsyncIterator[Session]:
    radio = order.radio
    match radio:
        case Simulated(air=None):
            with _own_air(order, reporter, utc_at_zero, store) as running:
                yield running
        case Simulated(air=str(air)):
            async with _shared_air(air, order, reporter, store) as running:
                yield running
        case Uart() | ForkPty() | Tcp():
            async with _thing(radio, order, reporter, store) as running:
                yield running
        case _:
            raise AssertionError(f"no such radio: {radio}")


@contextmanager
def _own_air(order: Order, reporter: Reporter, utc_at_zero: int, store: Store | None) -> Iterator[Session]:
    """The simulated radio, and the simulated device under test on the same air."""
    seeded = SeededEntropy(order.seed or 0)
    entropy = seeded.of_network(order.ordinal)
    air = SimulatedAir(entropy.stream("world"), order.medium)

    powered = OwnJoiners(air, seeded, order.setting)  # the same devices, whichever network they find

    def on_air(running: Session) -> None:
        if order.joiner is not None:
            running.judge.powered(powered.power_later(order.joiner), order.joiner)

    ground = Ground(
        radio=air.radio(TRUST_CENTER_NAME),
        clock=air,
        entropy=entropy.stream(TRUST_CENTER_NAME),
        utc_at_zero=utc_at_zero,
        store=store,
        sees_air=True,
        on_air=on_air,
        catch_up=air.poke,
        joiners=powered,
    )
    running = Session(order, reporter, ground)
    air.medium.observe(running.hear)
    try:
        yield running
    finally:
        air.stop()


@asynccontextmanager
async def _shared_air(
    air: str, order: Order, reporter: Reporter, store: Store | None
) -> AsyncIterator[Session]:
    """A simulated radio on an air that other processes share; their devices are theirs."""
    entropy = SeededEntropy(order.seed or 0).of_network(order.ordinal)
    async with open_air(air_url.parse(air), entropy.stream("world"), order.medium) as opened:
        now = opened.clock.now()
        ground = Ground(
            radio=opened.radio(TRUST_CENTER_NAME),
            clock=opened.clock,
            entropy=entropy.stream(TRUST_CENTER_NAME),
            utc_at_zero=time.time_ns() // 1_000 - now,
            store=store,
            failed=opened.loss.happened,
        )
        running = Session(order, reporter, ground)
        lost = asyncio.ensure_future(opened.loss.happened.wait())
        lost.add_done_callback(
            lambda done: (
                None
                if done.cancelled()
                else running.radio_changed(trace.RadioState.LOST, opened.loss.reason, True)
            )
        )
        try:
            yield running
        finally:
            lost.cancel()
        if opened.loss.happened.is_set():
            raise RadioLost(opened.loss.reason)


def _thing(
    line: Line, order: Order, reporter: Reporter, store: Store | None
) -> AbstractAsyncContextManager[Session]:
    """A radio that is a thing of its own."""
    radio = SpinelRadio(opener(line), str(line), tx_power=order.tx_power)
    return supervised(radio, order, reporter, store=store)


@asynccontextmanager
async def supervised(
    device: Device,
    order: Order,
    reporter: Reporter,
    entropy: Entropy | None = None,
    store: Store | None = None,
) -> AsyncIterator[Session]:
    """A session on a radio that can fail: looked after, and listened with before anything is formed.

    Raises RadioError and NetworkInUse. The entropy is the operating system's unless a test has its own.
    """
    entropy = entropy or SystemEntropy()
    clock = LoopClock()
    tell: list[Callable[[trace.RadioState, str, bool], None]] = []

    def changed(state: trace.RadioState, reason: str, missed: bool) -> None:
        for each in tell:
            each(state, reason, missed)

    radio = Supervisor(device, entropy, changed)
    setting = order.setting
    eui64 = simulated_eui64(entropy) if setting.trust_center is None else setting.trust_center
    kept = None if store is None else store.network
    try:
        heard = await survey.survey(radio, setting.channel, eui64)
        if radio.recoveries or radio.state is not trace.RadioState.UP:
            raise RadioLost(f"the radio was lost while it looked for other networks: {radio.reason}")
        chosen = survey.choose(setting, heard, entropy) if kept is None else survey.resume(kept, heard)
        settled = replace(survey.settled(setting, chosen), trust_center=eui64)
        ground = Ground(
            radio=radio,
            clock=clock,
            entropy=entropy,
            utc_at_zero=time.time_ns() // 1_000 - clock.now(),
            report=lambda: radio.report,
            store=store,
            verify=radio.verify,
            failed=radio.failed,
        )
        running = Session(replace(order, setting=settled), reporter, ground)
        tell.append(running.radio_changed)
        yield running
    finally:
        tell.clear()
        await radio.close()
