"""A whole bench at work: what it really answers and tells is what the published schemas say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from coordinator.control import payload
from coordinator.control.dispatch import Call
from coordinator.control.json_schemas import answer_name, event_name, request_name, schemas
from coordinator.control.schema.commands import COMMANDS, Response
from coordinator.control.schema.events import EVENTS
from tests.control.rig import Client, Json, bench

NOT_HEARD = {"broker", "dropped", "request", "first-frame", "radio", "turned-away"}
"""Kinds that this story does not bring forth: they need a broker, a loss, a slow air, a radio."""


def faults(name: str, document: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(schemas()[name])
    return [f"{name}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]


class Asker:
    """Asks, and holds question and answer against their schemas."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.verbs: set[str] = set()
        self.refused: set[str] = set()
        self.faults: list[str] = []

    async def ask(self, verb: str, **request: object) -> Json:
        """The answer as it is sent."""
        call = Call(verb=verb, body=json.dumps(request).encode(), origin="a test")
        response: Response = await self._client.service.plane.dispatcher.answer(call)
        body: Json = json.loads(payload.encode(response))
        self.faults += faults(answer_name(verb), body)
        if body["status"] == "ok":
            self.faults += faults(request_name(verb), request)
            self.verbs.add(verb)
        else:
            self.refused.add(verb)
        return body


async def first_half(asker: Asker, client: Client) -> None:
    for verb in ("profile/get", "profile/list", "behaviour/list", "network/get", "run/get", "health"):
        await asker.ask(verb)
    await asker.ask("run/start", run="fw#1", observe=3, permit_join=60, capture="run")
    await asker.ask("fault/arm", fault="x", action="repeat", match={"frame": "beacon"})
    await asker.ask("fault/list")
    await asker.ask("joiner/power", joiner="zboss-r22")
    await asker.ask("verdict/get", wait=60)
    await asker.ask("fault/arm", fault="y", action="drop", count=None)
    await asker.ask("fault/disarm")
    await asker.ask("profile/set", profile="pre-zb3", transaction="t")
    await asker.ask("behaviour/add", name="reqkey.delay", settings={"seconds": 2.0})
    await asker.ask("behaviour/update", name="reqkey.delay", settings={"seconds": 1.5})
    await asker.ask("behaviour/remove", name="reqkey.delay")
    await asker.ask("profile/reload")
    await asker.ask("script/run", script="s", steps=[{"when": "now", "profile": "zb3"}])
    steps = [{"when": {"after": {"event": "leave"}}, "profile": "zb3"}]
    waiting = asyncio.ensure_future(asker.ask("script/run", script="s", steps=steps))
    await asyncio.sleep(0)
    await asker.ask("script/cancel", script="s")
    await waiting
    await asker.ask("run/stop")


async def second_half(asker: Asker, client: Client) -> None:
    device = next(event["device"] for event in client.events if event["kind"] == "joined")
    await asker.ask("device/list")
    await asker.ask("permit-join", seconds=30)
    await asker.ask("key/rotate")
    await asker.ask("device/remove", device=device)
    await asker.ask("inject", psdu="030864ffffffff07")
    await asker.ask("device/forget", device=device)
    await asker.ask("joiner/power", on=False, device=device)
    await asker.ask("capture/start", file="late")
    await asker.ask("capture/stop")
    await asker.ask("network/form", channel=20)
    await client.service.bench.formed.wait()
    await asker.ask("network/reset")
    await asker.ask("profile/set", profile="zb3", if_generation=999)
    await asker.ask("profile/set", profile="zb3", when={"after": {"event": "leave"}}, within=0.5)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Asker, Client]:
    askers: list[Asker] = []

    async def body(client: Client) -> None:
        askers.append(Asker(client))
        await first_half(askers[0], client)
        await second_half(askers[0], client)

    folder: Path = tmp_path_factory.mktemp("evidence")
    client, _ = bench(body, folder=folder, frames=True)
    return askers[0], client


def test_every_answer_is_what_its_schema_says(worked: tuple[Asker, Client]) -> None:
    asker, _ = worked
    assert asker.faults == []
    assert asker.verbs == set(COMMANDS)
    assert "profile/set" in asker.refused


def test_every_event_is_what_its_schema_says(worked: tuple[Asker, Client]) -> None:
    _, client = worked
    assert [fault for event in client.events for fault in faults(event_name(str(event["kind"])), event)] == []
    assert {str(event["kind"]) for event in client.events} >= set(EVENTS) - NOT_HEARD


@pytest.mark.parametrize("name", ["info", "state", "health"])
def test_every_document_is_what_its_schema_says(worked: tuple[Asker, Client], name: str) -> None:
    _, client = worked
    assert faults(name, client.document(name)) == []


def test_an_answer_that_lost_a_key_would_be_seen() -> None:
    check: Callable[[object], list[str]] = lambda body: faults("answer.profile-list", body)  # noqa: E731
    assert check({"status": "ok", "data": {"entries": []}}) == []
    assert check({"status": "ok", "data": {}}) != []
