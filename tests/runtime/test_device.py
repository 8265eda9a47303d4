"""One simulated device on a shared air: how its run ends, and what it tells of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from coordinator import trace
from coordinator.cli.options import parse_install_codes
from coordinator.composition import Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.evidence.witness import Witness
from coordinator.joiner.device import State
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.radio.air.hub import Hub
from coordinator.radio.air.opening import open_air
from coordinator.radio.errors import RadioLost
from coordinator.runtime.device import Begun, Device, Ending, Order, Turn
from coordinator.runtime.driver import Driver
from coordinator.scenario import make_joiner
from coordinator.types import SECOND, Eui64, Instant, Key
from tests.radio.loopback import hub, run

pytestmark = pytest.mark.real_time

OWNER = Eui64(0xF4CE360011223344)
CODES = parse_install_codes([f"{OWNER}=83FED3407A939723A5C639B26916D505C3B5"])


class Log:
    """What a device tells, remembered."""

    def __init__(self) -> None:
        self.begun: Begun | None = None
        self.records: list[trace.Record] = []
        self.turns: list[Turn] = []

    def started(self, begun: Begun) -> None:
        self.begun = begun

    def record(self, record: trace.Record) -> None:
        self.records.append(record)

    def turned(self, turn: Turn) -> None:
        self.turns.append(turn)


def order(
    host: Hub,
    joiner: str,
    *,
    once: bool = True,
    limit: int | None = None,
    eui64: Eui64 | None = None,
    link_key: Key | None = None,
) -> Order:
    return Order(
        url=host.url,
        model=joiners.load(joiner),
        seed=1,
        once=once,
        limit=limit,
        eui64=eui64,
        link_key=link_key,
    )


async def lives(what: Order, log: Log, stop: asyncio.Future[int] | None = None) -> Ending:
    entropy = SeededEntropy(what.seed)
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with open_air(what.url, entropy.stream("world")) as air:
        return await Device(what, log, entropy.stream("joiner-1"), air).run(stop or never)


class Center:
    """``async with Center(host, profile)``: a coordinator in the host's own process."""

    def __init__(self, host: Hub, profile: str, setting: Setting | None = None) -> None:
        self._host = host
        self._stack = AsyncExitStack()
        self.witness = Witness()
        self._center = TrustCenterNode(
            profiles.load(profile), setting or Setting(), SeededEntropy(2), self.witness.note
        )

    async def __aenter__(self) -> Center:
        driver = await self._stack.enter_async_context(
            Driver(self._center.host, self._host.radio("center"), self._host.air)
        )
        self._center.start(self._host.air.now())
        driver.settle()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


@pytest.mark.parametrize(
    ("profile", "joiner", "state"),
    [
        ("zb3", "zboss-r22", State.JOINED),
        ("zb3", "sleepy-zb3", State.JOINED),
        ("pre-zb3", "zboss-r22", State.LEFT),
    ],
)
def test_once_ends_with_what_became_of_the_device(profile: str, joiner: str, state: State) -> None:
    async def story() -> tuple[Ending, str]:
        host = hub()
        async with Center(host, profile) as center:
            ending = await lives(order(host, joiner), log)
            outcome = center.witness.close(host.air.now()).outcome.value
        host.close()
        return ending, outcome

    log = Log()
    ending, outcome = run(story())
    assert ending == Ending(state=state, signal=None)
    assert outcome == ("joined-secure" if state is State.JOINED else "left-by-joiner")
    assert log.turns[-1].state is state
    assert log.turns[-1].traits


def test_a_device_that_finds_nobody_gives_up_and_one_that_was_told_to_stop_stops() -> None:
    async def story() -> tuple[Ending, Ending, Ending]:
        host = hub()
        alone = await lives(order(host, "zboss-r22"), Log())
        stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(1, stop.set_result, 15)
        stopped = await lives(order(host, "zboss-r22", once=False), Log(), stop)
        limited = await lives(order(host, "zboss-r22", once=False, limit=SECOND), Log())
        host.close()
        return alone, stopped, limited

    alone, stopped, limited = run(story())
    assert alone == Ending(state=State.GAVE_UP, signal=None)
    assert stopped == Ending(state=State.SCANNING, signal=15)
    assert limited == Ending(state=State.SCANNING, signal=None)


def test_a_device_in_a_network_ends_when_it_has_stayed() -> None:
    async def story() -> Instant:
        host = hub()
        async with Center(host, "zb3"):
            await lives(order(host, "zboss-r22"), log)
            ended = host.air.now()
        host.close()
        return ended

    log = Log()
    ended = run(story())
    joined = log.turns[-1]
    assert joined.state is State.JOINED
    assert 10 * SECOND <= ended - joined.at < 11 * SECOND


def test_an_install_code_is_the_key_that_its_owner_comes_with() -> None:
    async def story(link_key: Key | None) -> State:
        host = hub()
        async with Center(host, "zb3", Setting(install_codes=CODES)):
            device = order(host, "zboss-r22", eui64=OWNER, link_key=link_key, limit=60 * SECOND)
            ending = await lives(device, log)
        host.close()
        return ending.state

    log = Log()
    assert run(story(CODES[OWNER])) is State.JOINED
    assert log.begun is not None
    assert log.begun.eui64 == OWNER
    assert run(story(None)) is not State.JOINED


def test_the_same_seed_is_the_same_device_as_in_a_simulation() -> None:
    async def story() -> None:
        host = hub()
        await lives(order(host, "zboss-r22", limit=SECOND), log)
        host.close()

    log = Log()
    run(story())
    _, simulated = make_joiner(joiners.load("zboss-r22"), SeededEntropy(1), 0, Setting())
    assert log.begun is not None
    assert log.begun.eui64 == simulated.host.eui64


def test_the_loss_of_the_air_ends_the_device() -> None:
    async def story() -> None:
        host = hub()
        living = asyncio.ensure_future(lives(order(host, "zboss-r22"), Log()))
        await asyncio.sleep(1)
        host.close()
        with pytest.raises(RadioLost, match="its host has ended"):
            await living

    run(story())
