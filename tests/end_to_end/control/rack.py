"""A rack as its users have it: the program in processes of its own, a real mosquitto, and a client that asks.

Whatever the client hears is held against the published schemas, read from their files.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import aiomqtt
import jsonschema
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.control.mqtt.broker import Broker
from tests.dongle.program import DEADLINE, PROGRAM, ROOT
from tests.pace import PATIENCE

Json = dict[str, Any]
Result = TypeVar("Result")

SCHEMAS = ROOT / "docs" / "api" / "schemas"
DOCUMENTS = ("info", "state", "health")
LIMIT = PATIENCE

OWN_PROFILE = """
extends = "zb3"
title = "One of our own"
imitates = "nothing"

[[behaviours]]
name = "{behaviour}"
seconds = 1.0
"""
"""A profile of somebody's own, with one behaviour that takes its time."""


def run(scenario: Coroutine[Any, Any, Result], limit: float = 600.0) -> Result:
    """Run it, for so many seconds at most."""

    async def bounded() -> Result:
        async with asyncio.timeout(limit):
            return await scenario

    return asyncio.run(bounded())


async def until(condition: Callable[[], object], limit: float = LIMIT, what: object = "") -> None:
    """Look until it is so."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"not within {limit:g} s: {what}"
        await asyncio.sleep(0.005)


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """The judge of one kind of document, from its published file."""
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))


def faults(name: str, document: object) -> list[str]:
    """Everything that is not as published."""
    return [f"{name}: {error.json_path}: {error.message}" for error in validator(name).iter_errors(document)]


def program(*arguments: str, python: Sequence[str] = PROGRAM, **more: Any) -> subprocess.Popen[bytes]:
    """``legacy-tc ...``"""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEGACY_TC")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), **more.pop("environment", {})}
    return subprocess.Popen([*python, *arguments], env=environment, stdin=subprocess.DEVNULL, **more)


async def said_by(*arguments: str) -> tuple[int, str, str]:
    """Exit code, output and complaints of the program."""
    pipe = subprocess.PIPE
    process = program(*arguments, stdout=pipe, stderr=pipe)
    out, err = await asyncio.to_thread(process.communicate, None, DEADLINE)
    return process.returncode, out.decode(), err.decode()


@dataclass
class Daemon:
    """The program as a service: its process, and the log that it writes to standard error."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> list[Json]:
        """Its log so far, each whole line parsed."""
        text = self.log_path.read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    async def logged(self, event: str, **fields: object) -> Json:
        """The first line of this event with these fields."""

        def found() -> list[Json]:
            return [
                line
                for line in self.log
                if line["event"] == event and all(line.get(name) == fields[name] for name in fields)
            ]

        await until(found, what=(event, fields, self.process.poll()))
        return found()[0]

    async def url(self) -> str:
        """Where it serves HTTP."""
        return str((await self.logged("http"))["listens"])

    async def get(self, path: str) -> bytes:
        """What HTTP serves."""
        url = await self.url()
        return await asyncio.to_thread(_fetched, f"{url}{path}", None)

    async def post(self, verb: str, **request: object) -> Json:
        """A command's answer over HTTP."""
        url = await self.url()
        body = json.dumps(request).encode()
        answer: Json = json.loads(await asyncio.to_thread(_fetched, f"{url}/api/v1/{verb}", body))
        return answer

    async def ends(self, limit: float = 5.0) -> int:
        """Its exit code, within so many seconds."""
        began = time.monotonic()
        code = await asyncio.to_thread(self.process.wait, DEADLINE)
        assert time.monotonic() - began < limit
        return code


def _fetched(url: str, body: bytes | None) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return bytes(answer.read())


@contextlib.asynccontextmanager
async def daemon(
    folder: Path,
    broker: str | None,
    *more: str,
    id: str = "tc0",
    environment: Mapping[str, str] | None = None,
    python: Sequence[str] = PROGRAM,
) -> AsyncIterator[Daemon]:
    """A service on a simulated radio, unless `more` names another; told to end at the end."""
    path = folder / f"{id}.log"
    steered = () if broker is None else ("--mqtt", broker, "--tc-id", id)
    arguments = ["--json", "--http", "127.0.0.1:0", *steered, *more]
    if "--profile" not in more:
        arguments += ["--profile", "zb3"]
    variables = {"LEGACY_TC__EVIDENCE__FOLDER": str(folder / "evidence"), **(environment or {})}
    with path.open("wb") as log, (folder / f"{id}.out").open("wb") as out:
        process = program(*arguments, python=python, stdout=out, stderr=log, environment=variables)
    try:
        yield Daemon(process, path)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait, DEADLINE)
    finally:
        process.kill()
        process.wait()


@dataclass
class Client:
    """Somebody on the broker who asks one bench, and keeps all that it says."""

    id: str
    connection: aiomqtt.Client
    events: list[Json] = field(default_factory=list)
    documents: dict[str, Json] = field(default_factory=dict)
    availability: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    generation_at_answer: int = 0
    """What `state` said when the newest answer came."""
    answered: set[str] = field(default_factory=set)
    refused_verbs: set[str] = field(default_factory=set)
    _answers: dict[bytes, asyncio.Future[Json]] = field(default_factory=dict)
    _asked: int = 0

    def hear(self, topic: str, payload: bytes, correlation: bytes | None) -> None:
        """One message."""
        name, _, rest = topic.removeprefix(f"legacy-tc/{self.id}/").partition("/")
        if name == "availability":
            self.availability.append(payload.decode())
        elif name in DOCUMENTS:
            self.documents[name] = json.loads(payload)
            self.faults += faults(name, self.documents[name])
        elif name == "event":
            event = json.loads(payload)
            self.events.append(event)
            assert event["kind"] == rest
            self.faults += faults(f"event.{rest}", event)
        elif topic == f"legacy-tc/_reply/{self.id}" and correlation in self._answers:
            self.generation_at_answer = self.documents["state"]["generation"]
            self._answers.pop(correlation).set_result(json.loads(payload))

    async def begin(self, verb: str, **request: object) -> asyncio.Future[Json]:
        """Ask; the answer comes later."""
        self._asked += 1
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic = f"legacy-tc/_reply/{self.id}"
        properties.CorrelationData = correlation = str(self._asked).encode()
        answer = self._answers[correlation] = asyncio.get_running_loop().create_future()
        topic = f"legacy-tc/{self.id}/request/{verb}"
        await self.connection.publish(topic, json.dumps(request), qos=1, properties=properties)
        return answer

    async def ask(self, verb: str, **request: object) -> Json:
        """The whole answer."""
        return await self.answer(verb, await self.begin(verb, **request))

    async def answer(self, verb: str, asked: asyncio.Future[Json]) -> Json:
        """The answer to a question that was asked before."""
        async with asyncio.timeout(LIMIT):
            answer = await asked
        self.faults += faults(f"answer.{verb.replace('/', '-')}", answer)
        (self.answered if answer["status"] == "ok" else self.refused_verbs).add(verb)
        return answer

    async def done(self, verb: str, **request: object) -> Json:
        """The data of an answer that must be ok."""
        self.faults += faults(f"request.{verb.replace('/', '-')}", request)
        answer = await self.ask(verb, **request)
        assert answer["status"] == "ok", (verb, request, answer)
        data: Json = answer["data"]
        return data

    async def refused(self, verb: str, **request: object) -> Json:
        """The error of an answer that must be one."""
        answer = await self.ask(verb, **request)
        assert answer["status"] == "error", (verb, request, answer)
        error: Json = answer["error"]
        return error

    def of(self, kind: str, since: int = 0, **fields: object) -> list[Json]:
        """The events of a kind with these fields, after the event with this number."""
        return [
            event
            for event in self.events
            if event["kind"] == kind
            and event["seq"] > since
            and all(event.get(name) == value for name, value in fields.items())
        ]

    async def until(self, kind: str, since: int = 0, limit: float = LIMIT, **fields: object) -> Json:
        """The first such event."""
        await until(lambda: self.of(kind, since, **fields), limit, (kind, fields, self.last))
        return self.of(kind, since, **fields)[0]

    async def step(self, words: str, since: int = 0) -> Json:
        """The first step of a join with these words in it that has happened."""

        def found() -> list[Json]:
            steps = self.of("join-step", since, ghost=False)
            return [step for step in steps if words in step["what"]]

        await until(found, what=(words, self.last))
        return found()[0]

    @property
    def last(self) -> int:
        """The number of the newest event."""
        return int(self.events[-1]["seq"]) if self.events else 0


@contextlib.asynccontextmanager
async def client(broker: Broker, id: str = "tc0", *, formed: bool = True) -> AsyncIterator[Client]:
    """Connected, and, unless it is not to wait for that, with the bench's network up."""
    protocol = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=protocol) as connection:
        made = Client(id, connection)
        await connection.subscribe(f"legacy-tc/{id}/#", qos=1)
        await connection.subscribe(f"legacy-tc/_reply/{id}", qos=1)

        async def listen() -> None:
            with contextlib.suppress(aiomqtt.MqttError):
                async for message in connection.messages:
                    correlation = getattr(message.properties, "CorrelationData", None)
                    made.hear(str(message.topic), bytes(message.payload), correlation)

        listening = asyncio.ensure_future(listen())
        try:
            if formed:
                await until(lambda: made.documents.get("state", {}).get("channel"), what="a network")
            yield made
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    assert made.faults == []


@contextlib.asynccontextmanager
async def bench(
    folder: Path, broker: Broker, *more: str, id: str = "tc0", **daemons: Any
) -> AsyncIterator[tuple[Daemon, Client]]:
    """A service and a client of it."""
    async with daemon(folder, broker.url, *more, id=id, **daemons) as served, client(broker, id) as asking:
        yield served, asking
