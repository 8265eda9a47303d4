"""`legacy-tc request --mqtt`, as a process, against benches and against nobody."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from coordinator.control.mqtt.client import NoAnswerError, request
from coordinator.control.mqtt.link import at
from coordinator.control.schema.base import Data
from tests.control.http.bench import waiting
from tests.control.mqtt.authority import Authority
from tests.control.mqtt.bench import BASE, bench, run
from tests.control.mqtt.broker import Broker, broker
from tests.pace import PATIENCE

pytestmark = pytest.mark.real_time

PROGRAM = Path(sys.executable).parent / "legacy-tc"


async def cli(url: str, *arguments: str, tc_id: str = "tc0") -> tuple[int | None, str, str]:
    """Exit code, stdout and stderr."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "request", *arguments, "--mqtt", url, "--tc-id", tc_id, stdout=pipe, stderr=pipe
    )
    async with asyncio.timeout(PATIENCE):
        out, complaint = await process.communicate()
    return process.returncode, out.decode(), complaint.decode()


async def unanswered(says: str, url: str, timeout: float = 20.0, **link: Any) -> None:
    """What the program would print before it exits with 6."""
    with pytest.raises(NoAnswerError) as error:
        await request(at(url, id="tc0", **link), "tc0", "profile/get", b"{}", timeout)
    assert says in str(error.value)


async def fails(code: int, says: str, url: str, *arguments: str, tc_id: str = "tc0") -> None:
    """One line on stderr, without a traceback, and this exit code."""
    done = await cli(url, *arguments, tc_id=tc_id)
    assert done[0] == code, done
    assert done[1] == ""
    lines = done[2].splitlines()
    assert says in " ".join(line.strip(" │") for line in lines), done
    assert code == 2 or len(lines) == 1


@asynccontextmanager
async def claims_to_be_there(made: Broker, **client: str) -> AsyncIterator[aiomqtt.Client]:
    """Somebody who says that tc0 is online."""
    async with aiomqtt.Client(
        "127.0.0.1",
        made.port,
        protocol=aiomqtt.ProtocolVersion.V5,
        **client,  # type: ignore[arg-type]
    ) as somebody:
        await somebody.publish(f"{BASE}/availability", b"online", qos=1, retain=True)
        yield somebody


def test_the_answer_is_printed_as_json(own: Broker) -> None:
    async def scenario() -> None:
        async with bench(own) as served:
            code, out, complaint = await cli(own.url, "profile/get", "--json")
            assert (code, complaint) == (0, "")
            assert json.loads(out)["profile"] == "zb3"
            assert served.done == ["profile/get"]

    run(scenario())


def test_what_the_bench_refuses_is_told_with_exit_code_1(own: Broker) -> None:
    async def scenario() -> None:
        async with bench(own):
            await fails(1, "refused: device/list cannot be done by this bench", own.url, "device/list")

    run(scenario())


def test_what_cannot_be_asked_like_that_is_told_with_exit_code_2(own: Broker) -> None:
    async def scenario() -> None:
        await fails(2, "mqtt:// is plain text", "mqtt://broker.example", "profile/get")
        await fails(2, "1 to 32 of a to z", own.url, "profile/get", tc_id="tc0/#")

    run(scenario())


def test_a_broker_that_is_not_there_is_told_with_exit_code_6(own: Broker) -> None:
    own.kill()

    async def scenario() -> None:
        await fails(6, f"{own.url}: Connection refused", own.url, "profile/get")

    run(scenario())


def test_a_frozen_broker_is_told_within_the_timeout(own: Broker) -> None:
    own.freeze()

    async def scenario() -> None:
        await fails(6, "the broker does not answer within 1 s", own.url, "profile/get", "--timeout", "1")
        began = time.monotonic()  # the program takes as long as the machine to load itself
        await unanswered("the broker does not answer within 1 s", own.url, 1.0)
        assert time.monotonic() - began < 4

    run(scenario())


def test_a_bench_that_is_offline_or_unknown_is_told_at_once(own: Broker) -> None:
    async def scenario() -> None:
        await unanswered("there is no bench tc0", own.url)
        async with bench(own):
            pass
        await unanswered("tc0 is offline", own.url)

    run(scenario())


def test_a_bench_that_nobody_plays_any_more_is_told_at_once(own: Broker) -> None:
    async def scenario() -> None:
        async with claims_to_be_there(own):
            await unanswered("nobody listens to requests to tc0", own.url)

    run(scenario())


def test_no_answer_in_time_is_told_and_that_nobody_knows_whether_it_was_done(own: Broker) -> None:
    async def scenario() -> None:
        never: asyncio.Future[Data] = asyncio.get_running_loop().create_future()
        async with bench(own, {"profile/get": waiting(never)}):
            says = "no answer from tc0 within 3 s; whether it was done is not known"
            await unanswered(says, own.url, 3.0)

    run(scenario())


def test_a_bench_that_goes_before_it_answers_is_told_at_once(own: Broker) -> None:
    async def scenario() -> None:
        async with claims_to_be_there(own) as somebody:
            await somebody.subscribe(f"{BASE}/request/#")
            asking = asyncio.ensure_future(cli(own.url, "profile/get"))
            await anext(aiter(somebody.messages))
            await somebody.publish(f"{BASE}/availability", b"offline", qos=1, retain=True)
            code, _, complaint = await asking
            assert code == 6
            assert "tc0 is offline; whether it was done is not known" in complaint

    run(scenario())


def test_a_broker_that_dies_before_the_answer_is_told(own: Broker) -> None:
    async def scenario() -> None:
        async with claims_to_be_there(own) as somebody:
            await somebody.subscribe(f"{BASE}/request/#")
            asking = asyncio.ensure_future(cli(own.url, "profile/get"))
            await anext(aiter(somebody.messages))
            own.kill()
            code, _, complaint = await asking
            assert code == 6
            assert "the connection was lost; whether it was done is not known" in complaint

    run(scenario())


def test_only_the_answer_with_our_correlation_data_counts_and_the_request_ends_with_the_timeout(
    own: Broker,
) -> None:
    async def scenario() -> None:
        async with claims_to_be_there(own) as somebody:
            await somebody.subscribe(f"{BASE}/request/#")
            link = at(own.url, id="tc0", username="ci-runner")
            asking = asyncio.ensure_future(request(link, "tc0", "profile/get", b"{}", 37.0))
            asked = await anext(aiter(somebody.messages))
            assert str(asked.topic) == f"{BASE}/request/profile/get"
            assert not asked.retain
            answer_to = asked.properties.ResponseTopic  # type: ignore[union-attr]
            assert answer_to.startswith("legacy-tc/_reply/ci-runner/")
            assert asked.properties.MessageExpiryInterval == 37  # type: ignore[union-attr]
            for correlation in (b"another", None, asked.properties.CorrelationData):  # type: ignore[union-attr]
                properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
                if correlation is not None:
                    properties.CorrelationData = correlation
                await somebody.publish(answer_to, repr(correlation).encode(), properties=properties)
            assert await asking == repr(correlation).encode()

    run(scenario())


def test_a_user_name_that_would_listen_to_everybody_is_refused(own: Broker) -> None:
    async def scenario() -> None:
        with pytest.raises(NoAnswerError, match="cannot stand in the topic"):
            await request(at(own.url, id="tc0", username="#"), "tc0", "profile/get", b"{}", 1.0)

    run(scenario())


def test_who_may_not_ask_is_told_so(guarded: Broker, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("right\n")
    secret = ("--password-file", str(password))

    async def scenario() -> None:
        async with bench(guarded, username="bench", password="right"):
            code, out, complaint = await cli(guarded.url, "profile/get", "--username", "runner", *secret)
            assert (code, complaint) == (0, "")
            assert json.loads(out)["profile"] == "zb3"
            says = "the broker refuses what is published: not authorized"
            await unanswered(says, guarded.url, username="screen", password="right")
            says = "the broker says: not authorized; are the username 'nobody' and its password right?"
            await unanswered(says, guarded.url, username="nobody", password="right")

    run(scenario())


def test_a_certificate_opens_a_broker_that_takes_names_from_certificates(
    tmp_path: Path, authority: Authority
) -> None:
    acl = tmp_path / "acl"
    acl.write_text(
        f"user bench\ntopic write {BASE}/#\ntopic read {BASE}/request/#\ntopic write legacy-tc/_reply/#\n"
        f"user runner\ntopic read {BASE}/#\ntopic write {BASE}/request/#\n"
        "pattern read legacy-tc/_reply/%u/#\n",
        encoding="utf-8",
    )
    config = authority.config("good", "require_certificate true", "use_identity_as_username true")
    ours: tuple[str, ...] = (
        "--ca",
        str(authority.file("ca.pem")),
        "--cert",
        str(authority.file("runner.pem")),
    )
    ours += ("--key", str(authority.file("runner.key")))

    async def scenario(made: Broker) -> None:
        url = made.url.replace("mqtt:", "mqtts:")
        async with bench(url, **authority.link("bench")):
            code, out, complaint = await cli(url, "profile/get", *ours, "--username", "runner")
            assert (code, complaint) == (0, "")
            assert json.loads(out)["profile"] == "zb3"
            says = "the broker may want its common name as the username"
            await fails(6, says, url, "profile/get", *ours, "--timeout", "4")

    with broker(tmp_path, f"{config}\nacl_file {acl}") as made:
        run(scenario(made))
