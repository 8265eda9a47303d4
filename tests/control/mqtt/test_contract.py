"""What stands in docs/mqtt.md, seen by mosquitto's own clients and a plain aiomqtt."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path

import pytest

from coordinator.control.dispatch import Context
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.documents import Health, State
from coordinator.control.schema.errors import ErrorCode
from coordinator.control.schema.profiles import Profile
from tests.control.mqtt.bench import BASE, Bench, ask, bench, listener, run
from tests.control.mqtt.broker import Broker

pytestmark = pytest.mark.real_time


def test_after_a_connection_availability_info_state_and_health_come_in_this_order(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared):
            await heard.until(f"{BASE}/health")
            topics = [each.topic for each in heard.heard]
            first = topics.index(f"{BASE}/availability")
            names = ("availability", "info", "state", "health")
            assert topics[first : first + 4] == [f"{BASE}/{name}" for name in names]

    run(scenario())


def test_the_documents_are_retained_with_qos_1_and_events_and_answers_are_not(shared: Broker) -> None:
    async def scenario() -> None:
        async with bench(shared) as served:
            served.plane.feed.publish("left", {"device": "00:12:4b:00:01:02:03:04"})
            await shared.client("rr", "-q", "1", "-t", f"{BASE}/request/profile/get", "-e", "a/b", "-m", "{}")
            said = await shared.client(
                "sub", "-q", "1", "-t", f"{BASE}/#", "-F", "%r %q %t", "-C", "4", "-W", "60"
            )
            assert set(said.splitlines()) == {
                f"1 1 {BASE}/{name}" for name in ("availability", "info", "state", "health")
            }

    run(scenario())


def test_availability_is_the_plain_word_that_everybody_knows(shared: Broker) -> None:
    async def scenario() -> None:
        watch = ("-q", "1", "-t", f"{BASE}/availability", "-C", "1", "-F", "%p")
        async with bench(shared):
            assert (await shared.client("sub", *watch)).strip() == "online"
        assert (await shared.client("sub", *watch)).strip() == "offline"

    run(scenario())


def test_a_document_that_changes_is_published_again_whole(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared, f"{BASE}/state") as heard, bench(shared) as served:
            await heard.until(f"{BASE}/state")
            served.plane.board.post("state", State(profile="pre-zb3", generation=2, radio="ok"))
            last = (await heard.until(f"{BASE}/state", 2 + (1 if heard.heard[0].retain else 0)))[-1]
            assert (last.json["profile"], last.json["generation"]) == ("pre-zb3", 2)

    run(scenario())


def test_whoever_has_an_answer_has_the_state_that_it_left(shared: Broker) -> None:
    """Also while the broker has yet to acknowledge a document that was published before."""

    async def scenario() -> None:
        served: Bench

        async def change(_request: Request, _context: Context) -> Data:
            board = served.plane.board
            generation = 1 + len(heard.on("a/b"))
            board.post("health", Health(ok=True, radio="ok", loop_lag_ms=float(generation)))
            for _ in range(3):
                await asyncio.sleep(0)
            board.post("state", State(profile="zb3", generation=generation, radio="ok"))
            return Profile(profile="zb3", title="A Trust Center", generation=generation)

        async with (
            listener(shared, "legacy-tc/#", "a/b") as heard,
            bench(shared, {"profile/set": change}) as served,
        ):
            for count in range(1, 21):
                await ask(heard.client, "profile/set", {"profile": "zb3"}, answer_to="a/b")
                answered = (await heard.until("a/b", count))[-1]
                before = heard.heard[: heard.heard.index(answered)]
                states = [each for each in before if each.topic == f"{BASE}/state"]
                assert states[-1].json["generation"] == count

    run(scenario())


def test_mosquitto_rr_gets_its_answer(shared: Broker) -> None:
    async def scenario() -> None:
        async with bench(shared):
            said = await shared.client(
                *("rr", "-q", "1", "-t", f"{BASE}/request/profile/get", "-e", "legacy-tc/_reply/me/1"),
                *("-m", '{"transaction": "t1"}', "-W", "60"),
            )
            answer = json.loads(said)
            assert (answer["status"], answer["transaction"]) == ("ok", "t1")
            assert answer["data"]["profile"] == "zb3"

    run(scenario())


def test_a_client_of_mqtt_3_1_1_finds_its_answer_below_response(shared: Broker) -> None:
    async def scenario() -> None:
        async with bench(shared):
            listening = asyncio.ensure_future(
                shared.client("sub", "-q", "1", "-t", f"{BASE}/response/#", "-C", "1", "-F", "%t %p", v="311")
            )
            answers = 0
            while not listening.done():
                await shared.client("pub", "-t", f"{BASE}/request/profile/get", "-m", "{}", v="311")
                await asyncio.wait((listening,), timeout=0.1)
                answers += 1
            topic, _, body = listening.result().partition(" ")
            assert topic == f"{BASE}/response/profile/get"
            assert json.loads(body)["status"] == "ok"

    run(scenario())


def test_the_answer_carries_the_correlation_data_and_an_end(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared, "legacy-tc/_reply/#", f"{BASE}/response/#") as heard, bench(shared):
            await ask(
                heard.client, "profile/get", answer_to="legacy-tc/_reply/me/7", correlation=b"\x00\xff seven"
            )
            (direct,) = await heard.until("legacy-tc/_reply/me/7")
            (plain,) = await heard.until(f"{BASE}/response/profile/get")
            assert direct.correlation == plain.correlation == b"\x00\xff seven"
            assert direct.payload == plain.payload
            assert not direct.retain
            assert direct.expiry is not None
            assert 0 < direct.expiry <= 60

    run(scenario())


def test_who_has_its_answer_sent_below_response_gets_it_once(shared: Broker) -> None:
    async def scenario() -> None:
        plain = f"{BASE}/response/profile/get"
        async with listener(shared, f"{BASE}/response/#") as heard, bench(shared):
            await ask(heard.client, "profile/get", answer_to=plain)
            await ask(heard.client, "nonsense")
            await heard.until(f"{BASE}/response/nonsense")
            assert len(heard.on(plain)) == 1

    run(scenario())


def test_events_arrive_once_in_order_below_their_kind(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared, f"{BASE}/event/#") as heard, bench(shared) as served:
            kinds = ["joined", "left", "verdict"] * 100
            sent = [served.plane.feed.publish(kind, {"n": n}) for n, kind in enumerate(kinds)]
            events = await heard.until(f"{BASE}/event/", len(kinds))
            assert [each.topic for each in events] == [f"{BASE}/event/{kind}" for kind in kinds]
            assert [each.payload for each in events] == [each.octets for each in sent]
            assert not any(each.retain for each in events)

    run(scenario())


def test_the_bench_hears_its_requests_and_nothing_else(shared: Broker) -> None:
    async def scenario() -> None:
        async with bench(shared) as served:
            for other in (f"{BASE}/state", f"{BASE}/event/left", "legacy-tc/tc1/request/profile/get"):
                await shared.client("pub", "-t", other, "-m", "{}")
            await shared.client("rr", "-q", "1", "-t", f"{BASE}/request/profile/get", "-e", "a/b", "-m", "{}")
            assert served.done == ["profile/get"]

    run(scenario())


def test_small_messages_leave_at_once(shared: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker sets TCP_NODELAY on its side; on ours, the kernel is asked."""
    made: list[socket.socket] = []
    connect = socket.create_connection

    def noted(*arguments: object, **named: object) -> socket.socket:
        made.append(connect(*arguments, **named))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(socket, "create_connection", noted)

    async def scenario() -> None:
        async with bench(shared):
            assert made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

    run(scenario())


def test_the_document_names_every_error_code_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text("utf-8")
    table = text.partition("| code | |\n")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == {code.value for code in ErrorCode}
