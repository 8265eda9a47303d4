"""One scenario on two radios: the simulated one in this process, and an RCP behind a line or a pty.

Outcomes are the same, and so are the frames each side sends, in their order: layer by layer, field by
field, but for what counts up and what time decides (ACKs, polls, retransmissions, link status).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

import pytest

from coordinator import trace
from coordinator.composition import TRUST_CENTER_NAME
from coordinator.dongle import listen, memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.entropy import SeededEntropy
from coordinator.evidence.dissect import Dissector
from coordinator.evidence.dissection import Fields, Value
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.radio.serial import Opener, opener
from coordinator.radio.simulated import SimulatedAir
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.radio.url import Uart
from coordinator.runtime.order import Begun, Ground, Order
from coordinator.runtime.session import Session
from coordinator.runtime.supervisor import Supervisor
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.scenario import power_later
from coordinator.sim.air import AirFrame
from coordinator.types import SECOND, Duration
from tests.pace import unhurried

SEED = 1
VOLATILE = {"sequence", "counter", "frame_counter", "mic", "key_sequence", "transaction", "key_origin"}
"""What counts up, what depends on what counts up, and what is said about a key and not on the air."""

Result = TypeVar("Result")
Frames = dict[str, list[Fields]]


@dataclass(slots=True)
class Watcher:
    """A reporter that keeps the verdict, and an air observer that keeps the frames by transmitter."""

    verdicts: list[Verdict] = field(default_factory=list)
    frames: Frames = field(default_factory=dict)
    _dissector: Dissector = field(default_factory=Dissector)
    _seen: set[tuple[object, ...]] = field(default_factory=set)

    def started(self, run: Begun) -> None: ...

    def row(self, row: Row) -> None: ...

    def radio(self, change: trace.RadioChanged) -> None: ...

    def waiting(self, left: Duration | None, observing: bool) -> None: ...

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        self.verdicts.append(verdict)

    def hear(self, frame: AirFrame) -> None:
        read = self._dissector.bare(frame.psdu)
        assert not read.errors
        layers = cast(dict[str, Fields], read.layers)
        if self._is_aside(layers, frame):
            return
        sender = "joiner" if frame.transmitter.startswith("joiner") else "trust center"
        self.frames.setdefault(sender, []).append(cast(Fields, steady(layers)))

    def _is_aside(self, layers: dict[str, Fields], frame: AirFrame) -> bool:
        mac, nwk, aps = layers["mac"], layers.get("nwk"), layers.get("aps")
        if mac["frame_type_name"] == "ack" or (aps is not None and aps["frame_type_name"] == "ack"):
            return True
        if layers.get("mac_command", {}).get("command_name") == "Data Request":
            return True
        if layers.get("nwk_command", {}).get("command_name") == "Link Status":
            return True
        if mac["frame_type_name"] == "data" and nwk is None:
            return True  # an RCP promises every poll a frame, and what it gets for nothing is an empty one
        if nwk is not None:
            repeated = (frame.transmitter, nwk["source"], nwk["sequence"])
        else:
            repeated = (frame.transmitter, frame.channel, mac["sequence"])
        if repeated in self._seen:
            return True
        self._seen.add(repeated)
        return False


def steady(value: Value) -> Value:
    """A dissection without its volatile fields."""
    if isinstance(value, Mapping):
        return {name: steady(part) for name, part in value.items() if name not in VOLATILE}
    return value


def order(profile: str, joiner: str, observe: float) -> Order:
    model = None if joiner == "" else joiners.load(joiner)
    return Order(
        profile=profiles.load(profile),
        joiner=model,
        seed=SEED,
        observe=Duration(round(observe * SECOND)),
        once=True,
    )


async def run(running: Session) -> Verdict:
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(400):
        ending = await running.run(never)
    assert ending.verdict is not None
    return ending.verdict


async def on_the_simulated_radio(profile: str, joiner: str, observe: float) -> Watcher:
    watcher, entropy = Watcher(), SeededEntropy(SEED)
    air = SimulatedAir(entropy.stream("world"))
    air.medium.observe(watcher.hear)
    wanted = order(profile, joiner, observe)

    def on_air(_session: Session) -> None:
        assert wanted.joiner is not None
        power_later(air.world, air.medium, wanted.joiner, entropy, 0, wanted.setting)
        air.poke()

    ground = Ground(
        radio=air.radio(TRUST_CENTER_NAME),
        clock=air,
        entropy=entropy.stream(TRUST_CENTER_NAME),
        utc_at_zero=0,
        on_air=on_air,
    )
    await run(Session(wanted, watcher, ground))
    air.stop()
    return watcher


async def on_an_rcp(bench: Bench, line: Opener[Client], profile: str, observe: float) -> Watcher:
    watcher, entropy = Watcher(), SeededEntropy(SEED)
    bench.air.medium.observe(watcher.hear)
    told: list[str] = []
    radio = Supervisor(
        SpinelRadio(line, "the line"),
        entropy.stream("supervisor"),
        lambda state, _reason, _missed: told.append(state.value),
    )
    ground = Ground(
        radio=radio,
        clock=bench.air,
        entropy=entropy.stream(TRUST_CENTER_NAME),
        utc_at_zero=0,
        report=lambda: radio.report,
    )
    await run(Session(order(profile, "", observe), watcher, ground))
    assert told == ["starting", "up"]
    return watcher


async def behind_a_line(profile: str, joiner: str, observe: float) -> Watcher:
    async with Bench(seed=SEED, joiners=[joiners.load(joiner)]) as bench:

        async def open_line(factory: Callable[[], Client]) -> Client:
            return memory.connect(factory(), Connection(bench.rcp), memory.Line())

        return await on_an_rcp(bench, open_line, profile, observe)


@asynccontextmanager
async def _pty(bench: Bench) -> AsyncIterator[str]:
    path: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    listening = asyncio.ensure_future(listen.listen(listen.Pty(), bench.rcp, path.set_result))
    try:
        yield await path
    finally:
        listening.cancel()
        await asyncio.wait((listening,))


async def behind_a_pty(profile: str, joiner: str, observe: float) -> Watcher:
    async with Bench(seed=SEED, joiners=[joiners.load(joiner)]) as bench, _pty(bench) as path:
        return await on_an_rcp(bench, opener(Uart(path=path)), profile, observe)


def in_virtual_time(coroutine: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


def assert_alike(one: Watcher, other: Watcher) -> None:
    (expected,), (found,) = one.verdicts, other.verdicts
    assert (found.outcome, found.step, found.link_key) == (expected.outcome, expected.step, expected.link_key)
    assert [each.behaviour for each in found.deviations] == [each.behaviour for each in expected.deviations]
    assert set(one.frames) == set(other.frames) == {"joiner", "trust center"}
    for sender, frames in one.frames.items():
        for number, (left, right) in enumerate(zip(frames, other.frames[sender], strict=True)):
            assert left == right, f"{sender}, frame {number}"
    assert len(one.frames["joiner"]) > 15  # it scanned, at least


@pytest.mark.parametrize("profile", profiles.catalogue())
@pytest.mark.parametrize("joiner", ["zboss-r22", "zboss-r22-legacy-update", "telink", "sleepy-zb3", "ha12"])
def test_an_rcp_behind_a_line_gives_what_the_simulated_radio_gives(profile: str, joiner: str) -> None:
    assert_alike(
        in_virtual_time(on_the_simulated_radio(profile, joiner, 40)),
        in_virtual_time(behind_a_line(profile, joiner, 40)),
    )


@pytest.mark.real_time
def test_an_rcp_behind_a_real_pty_gives_what_the_simulated_radio_gives() -> None:
    pairs = [("pre-zb3", "zboss-r22"), ("zb3", "telink"), ("negative-confirm", "nxp"), ("ha12", "emberznet")]

    async def all_at_once() -> list[Watcher]:
        return await asyncio.gather(*(behind_a_pty(profile, joiner, 6) for profile, joiner in pairs))

    expected = [in_virtual_time(on_the_simulated_radio(profile, joiner, 6)) for profile, joiner in pairs]

    def attempt() -> None:
        for one, other in zip(expected, asyncio.run(all_at_once()), strict=True):
            assert_alike(one, other)

    unhurried(attempt)
