"""The whole bench on a broker: what happens to the broker is nothing to the Trust Center."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from coordinator.composition import Setting
from coordinator.control.mqtt import link
from coordinator.control.options import Options
from coordinator.daemon.control import Control
from coordinator.daemon.steering import steered
from coordinator.evidence.outcome import Outcome, Verdict
from coordinator.profiles import joiners, load
from coordinator.runtime.order import Order
from coordinator.types import SECOND
from tests.control.mqtt.bench import BASE, Listener, ask, listener, until
from tests.control.mqtt.broker import Broker
from tests.control.mqtt.proxy import Proxy, proxy
from tests.control.rig import Nobody
from tests.pace import PATIENCE

pytestmark = pytest.mark.real_time


@dataclass
class Reporter(Nobody):
    """Keeps the verdicts."""

    verdicts: list[Verdict] = field(default_factory=list)

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        self.verdicts.append(verdict)


Body = Callable[[Reporter, Listener, Proxy], Awaitable[None]]


def daemon(broker: Broker, body: Body, *, profile: str, joiner: str | None) -> None:
    """A whole bench behind a network, for as long as `body` takes."""

    async def scenario() -> None:
        order = Order(
            profile=load.load(profile),
            profile_source=profile,
            joiner=None if joiner is None else joiners.load(joiner),
            seed=1,
            setting=Setting(permit=180 * SECOND),
            observe=3 * SECOND,
        )
        reporter = Reporter()
        stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with proxy(broker.port) as net, listener(broker) as heard:
            control = Control(
                options=Options(id="tc0"), mqtt=link.at(net.url, id="tc0", keepalive=round(PATIENCE))
            )
            running = asyncio.ensure_future(steered(order, reporter, control, stop))
            working = asyncio.ensure_future(body(reporter, heard, net))
            await asyncio.wait((running, working), return_when=asyncio.FIRST_COMPLETED)
            stop.set_result(15)
            await running
            await working
            await until(lambda: heard.on(f"{BASE}/availability")[-1].payload == b"offline")

    async def bounded() -> None:
        async with asyncio.timeout(240):
            await scenario()

    asyncio.run(bounded())


def test_a_broker_that_is_lost_in_the_middle_of_a_join_changes_nothing_about_it(own: Broker) -> None:
    async def body(reporter: Reporter, heard: Listener, net: Proxy) -> None:
        await heard.until(f"{BASE}/event/joined")
        net.refuses = True
        net.cut()
        await until(lambda: bool(reporter.verdicts))
        assert not heard.on(f"{BASE}/event/verdict")
        net.refuses = False
        (verdict,) = await heard.until(f"{BASE}/event/verdict")
        assert reporter.verdicts[0].outcome is Outcome.JOINED_SECURE
        assert verdict.json["outcome"] == Outcome.JOINED_SECURE.value
        assert verdict.json["gen"] == 1
        seqs = heard.seqs()
        assert sorted(set(seqs)) == list(range(seqs[0], seqs[0] + len(set(seqs))))
        states = [each.json["state"] for each in heard.on(f"{BASE}/event/broker")]
        assert (states[0], states[1], states[-1]) == ("connected", "disconnected", "connected")

    daemon(own, body, profile="zb3", joiner="zboss-r22")


def test_commands_reach_the_trust_center_and_state_follows(own: Broker) -> None:
    async def body(_reporter: Reporter, heard: Listener, _net: Proxy) -> None:
        await heard.until(f"{BASE}/state")
        await ask(
            heard.client,
            "profile/set",
            {"profile": "pre-zb3", "when": "now"},
            answer_to="legacy-tc/_reply/me/1",
        )
        answer = (await heard.until("legacy-tc/_reply/me/1"))[0].json
        assert answer["status"] == "ok", answer
        await until(lambda: heard.on(f"{BASE}/state")[-1].json["profile"] == "pre-zb3")
        state = heard.on(f"{BASE}/state")[-1]
        assert state.json["generation"] == 2
        info = json.loads(heard.on(f"{BASE}/info")[-1].payload)
        assert "profile/set" in info["commands"]
        await until(lambda: heard.on(f"{BASE}/health")[-1].json["mqtt"] == "connected")

    daemon(own, body, profile="zb3", joiner=None)
