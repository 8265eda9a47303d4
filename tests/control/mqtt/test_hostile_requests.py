"""Whatever is published to a bench: it is answered in words where that is possible, and the bench lives."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time

import aiomqtt
import pytest

from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.profiles import Profile
from tests import pace
from tests.control.mqtt.bench import BASE, Bench, Listener, ask, bench, listener, run
from tests.control.mqtt.broker import Broker

pytestmark = pytest.mark.real_time

REPLY = "legacy-tc/_reply/me/1"
AS_RR = " as auto-"
"""How the broker logs a client that leaves its name to the broker."""


async def error_of(heard: Listener, verb: str, body: object = None, **request: object) -> dict[str, object]:
    """The error that answers this."""
    before = len(heard.on(REPLY))
    await ask(heard.client, verb, body, answer_to=REPLY, **request)  # type: ignore[arg-type]
    answer = (await heard.until(REPLY, before + 1))[-1].json
    assert answer["status"] == "error", answer
    error = answer["error"]
    assert isinstance(error, dict)
    return error


async def lives(served: Bench, heard: Listener) -> None:
    """It still answers, over the same connection."""
    before = len(heard.on(REPLY))
    await ask(heard.client, "profile/get", answer_to=REPLY)
    assert (await heard.until(REPLY, before + 1))[-1].json["status"] == "ok"
    assert served.transport.connections == 1
    assert not served.running.done()


def test_a_retained_request_is_refused_when_it_comes_and_when_the_bench_comes(own: Broker) -> None:
    async def scenario() -> None:
        async with listener(own) as heard:
            await ask(heard.client, "profile/set", {"profile": "zb3"}, answer_to=REPLY, retain=True)
            async with bench(own) as served:
                (first,) = await heard.until(REPLY)
                assert "'code': 'retained'" in str(first.json)
                error = await error_of(heard, "profile/set", {"profile": "zb3"}, retain=True)
                assert error["code"] == "retained"
                assert "without the retain flag" in str(error["hint"])
                assert served.done == []

    run(scenario())


def test_a_request_that_waited_beyond_its_expiry_while_the_bench_was_held_up_is_refused(own: Broker) -> None:
    async def scenario() -> None:
        late: list[subprocess.Popen[str]] = []

        def held(_request: Request, _context: object) -> Data:
            command = own.command(
                "rr", "-q", "1", "-t", f"{BASE}/request/profile/get", "-e", "a/2", "-m", "{}"
            )
            expiring = ("-D", "publish", "message-expiry-interval", "1")
            late.append(subprocess.Popen([*command, *expiring], stdout=subprocess.PIPE, text=True))
            pace.until(lambda: own.log.count(AS_RR) == 2)  # the one that asks for this is the other
            time.sleep(2.6)  # the event loop stands still
            return Profile(profile="zb3", title="A Trust Center", generation=1)

        async with bench(own, {"profile/list": held}) as served:
            await own.client("rr", "-q", "1", "-t", f"{BASE}/request/profile/list", "-e", "a/1", "-m", "{}")
            said, _ = await asyncio.to_thread(late[0].communicate, timeout=pace.PATIENCE)
            assert '"expired"' in said
            assert served.done == []

    run(scenario())


def test_a_request_whose_not_after_is_past_is_refused(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            error = await error_of(heard, "profile/get", {"not_after": time.time() - 1})
            assert error["code"] == "expired"
            assert served.done == []

    run(scenario())


def test_a_request_that_is_delivered_twice_is_done_once_and_answered_twice(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            for _ in range(2):
                await ask(heard.client, "profile/get", {"transaction": "once"}, answer_to=REPLY)
            first, second = await heard.until(REPLY, 2)
            assert first.payload == second.payload
            assert served.done == ["profile/get"]

    run(scenario())


def test_a_payload_of_a_mebibyte_does_not_reach_the_bench(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            await ask(heard.client, "profile/get", b" " * (1 << 20), answer_to=REPLY)
            await lives(served, heard)
            assert served.done == ["profile/get"]

    run(scenario())


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b'{"a":"' + b"x" * 100_000 + b'"}', "malformed", "more than a request may have"),
        (b"[" * 30_000 + b"]" * 30_000, "malformed", "nested 30000 deep"),
        (b'{"profile": "\xff\xfe"}', "malformed", "octet 13 is not UTF-8"),
        (b'{"profile": NaN}', "malformed", "NaN is no JSON"),
        (b'{"profil": "zb3"}', "invalid", "did you mean 'profile'"),
        (b"[]", "malformed", "a list where an object was expected"),
        (b"\x00", "malformed", "not JSON"),
        (b'{"profile": "\\ud800"}', "invalid", "profile"),
        (b'{"profile":"a","profile":"b"}', "malformed", "there twice"),
    ],
    ids=["100KB", "deep", "not-utf8", "nan", "unknown-key", "list", "nul", "surrogate", "twice"],
)
def test_a_bad_payload_is_answered_in_words(shared: Broker, body: bytes, code: str, says: str) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            error = await error_of(heard, "profile/set", body)
            assert error["code"] == code
            assert says in str(error["message"])
            assert served.done == []
            await lives(served, heard)

    run(scenario())


def test_no_payload_is_an_empty_request(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            await ask(heard.client, "profile/get", b"", answer_to=REPLY)
            assert (await heard.until(REPLY))[0].json["status"] == "ok"
            assert served.done == ["profile/get"]

    run(scenario())


@pytest.mark.parametrize(
    "verb",
    [
        *("profile get", "profil/get", "PROFILE/GET", "profile/get/", "request/profile/get"),
        *("", "/", "..", "../../tc1/request/profile/get", "$SYS", "%s%n{0}", "é☃", "x" * 20_000),
    ],
)
def test_a_verb_that_does_not_exist_is_answered_in_a_short_line(shared: Broker, verb: str) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            error = await error_of(heard, verb)
            assert error["code"] == "unknown-command"
            assert len(str(error["message"])) < 400
            assert str(error["message"]).isascii()
            assert served.done == []
            await lives(served, heard)

    run(scenario())


def test_the_root_of_the_requests_is_no_command(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            await heard.client.publish(f"{BASE}/request", b"{}", qos=1)
            (answer,) = await heard.until(f"{BASE}/response/")
            assert "no such command: ''" in str(answer.json)
            await lives(served, heard)

    run(scenario())


@pytest.mark.parametrize(
    "topic",
    [
        f"{BASE}/request/profile/set",
        f"{BASE}/availability",
        f"{BASE}/state",
        f"{BASE}/event/verdict",
        "legacy-tc/tc1/state",
        "legacy-tc/tc1/request/profile/set",
        "zigbee2mqtt/bridge/request/permit_join",
        "$SYS/broker/uptime",
        "x" * 2_000,
    ],
)
def test_a_response_topic_cannot_make_the_bench_speak_where_its_sender_has_no_business(
    shared: Broker, topic: str
) -> None:
    async def scenario() -> None:
        async with listener(shared, "#") as heard, bench(shared) as served:
            await heard.until(f"{BASE}/health")
            await ask(heard.client, "profile/get", {"transaction": "hostile"}, answer_to=topic)
            await heard.until(f"{BASE}/response/profile/get")
            await lives(served, heard)
            answered = {each.topic for each in heard.heard if b'"status"' in each.payload}
            assert answered == {f"{BASE}/response/profile/get", REPLY}
            assert served.done == ["profile/get"] * 2

    run(scenario())


def test_a_response_topic_elsewhere_is_answered(shared: Broker) -> None:
    async def scenario() -> None:
        async with listener(shared, "ci/#") as heard, bench(shared):
            await ask(heard.client, "profile/get", answer_to="ci/job 7/answers")
            assert (await heard.until("ci/job 7/answers"))[0].json["status"] == "ok"

    run(scenario())


@pytest.mark.parametrize("topic", ["a/#", "a/+/b", ""])
def test_an_illegal_response_topic_harms_nobody_but_its_sender(shared: Broker, topic: str) -> None:
    async def scenario() -> None:
        async with listener(shared) as heard, bench(shared) as served:
            async with aiomqtt.Client(
                "127.0.0.1", shared.port, protocol=aiomqtt.ProtocolVersion.V5, timeout=pace.PATIENCE
            ) as sender:
                with contextlib.suppress(aiomqtt.MqttError):  # the broker ends the sender's connection
                    await ask(sender, "profile/get", answer_to=topic)
            await lives(served, heard)

    run(scenario())
