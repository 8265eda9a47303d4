"""A panel in Home Assistant: what the bench says of itself is read as Home Assistant reads it, by its
documented schema and by Jinja, and what a panel would send is sent by mosquitto's own client.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import jinja2.sandbox
import jsonschema
import pytest

from coordinator.control.mqtt import link
from coordinator.control.mqtt.transport import MqttTransport
from coordinator.control.schema.documents import Health
from tests.control.mqtt import bench as stub
from tests.control.mqtt.bench import BASE, QUICK, listener, plane_of
from tests.control.mqtt.broker import Broker
from tests.dongle.program import ROOT
from tests.end_to_end.control.rack import Daemon, daemon, run, until
from tests.pace import PATIENCE

pytestmark = pytest.mark.real_time

Json = dict[str, Any]

TOPIC = "homeassistant/device/legacy-tc-tc0/config"
ON = {"LEGACY_TC__MQTT__HOME_ASSISTANT": "true", "LEGACY_TC__RUN__OBSERVE_SECONDS": "2"}

# From https://www.home-assistant.io/integrations/mqtt/ and the pages of its platforms: what each must have,
# and what else it may have of what is used here. Home Assistant ignores a device with another key at the top.


def texts(*names: str) -> Json:
    return {name: {"type": "string"} for name in names}


ENTITY = {**texts("name", "unique_id", "state_topic", "value_template"), "qos": {"enum": [0, 1, 2]}}
COMMAND = texts("command_topic")
ATTRIBUTES = texts("json_attributes_topic", "json_attributes_template")
TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def platform(name: str, required: list[str], **properties: object) -> Json:
    return {
        "properties": {**ENTITY, **properties, "platform": {"const": name}},
        "required": ["platform", "unique_id", *required],
        "additionalProperties": False,
    }


OF_A_DEVICE = {
    "type": "object",
    "properties": {
        "device": {
            "properties": {
                **texts("name", "manufacturer", "model", "sw_version"),
                "identifiers": TEXTS,
            },
            "required": ["identifiers"],
            "additionalProperties": False,
        },
        "origin": {
            "properties": texts("name", "sw_version"),
            "required": ["name"],
            "additionalProperties": False,
        },
        "availability_topic": {"type": "string"},
        "components": {
            "type": "object",
            "additionalProperties": {
                "oneOf": [
                    platform(
                        "select", ["options", "command_topic"],
                        options=TEXTS, **texts("command_template"), **COMMAND,
                    ),
                    platform(
                        "switch", ["command_topic"], **COMMAND,
                        **texts("payload_on", "payload_off", "state_on", "state_off"),
                    ),
                    platform(
                        "sensor", ["state_topic"], **ATTRIBUTES,
                        options=TEXTS, device_class={"const": "enum"}, force_update={"type": "boolean"},
                    ),
                    platform(
                        "binary_sensor", ["state_topic"], **ATTRIBUTES,
                        device_class={"const": "connectivity"}, entity_category={"const": "diagnostic"},
                    ),
                ]
            },
        },
    },
    "required": ["device", "origin", "components"],
    "additionalProperties": False,
}  # fmt: skip


def rendered(template: str, **values: object) -> str:
    """As Home Assistant renders a template of MQTT."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return environment.from_string(template).render(**values)


def shown(component: Json, payload: bytes | str) -> str:
    """What an entity makes of a message on its state topic."""
    return rendered(component["value_template"], value_json=json.loads(payload))


def test_what_the_bench_says_is_a_device_of_home_assistant_and_is_retained(
    own: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with daemon(tmp_path, own.url, environment=ON) as served:
            await formed(served)
            told = await Panel(own).described()
            jsonschema.Draft202012Validator(OF_A_DEVICE).validate(told)
            assert told["availability_topic"] == f"{BASE}/availability"
            kinds = {name: each["platform"] for name, each in told["components"].items()}
            assert kinds == {
                "profile": "select", "permit_join": "switch", "verdict": "sensor", "radio": "binary_sensor",
            }  # fmt: skip
            unique = {each["unique_id"] for each in told["components"].values()}
            assert len(unique) == len(kinds)
            listing = await served.post("profile/list")
            assert told["components"]["profile"]["options"] == [
                each["name"] for each in listing["data"]["entries"]
            ]

    run(scenario())


def test_each_profile_that_a_panel_offers_can_be_chosen_and_one_that_it_does_not_is_shown_as_none(
    own: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with daemon(tmp_path, own.url, environment=ON) as served:
            await formed(served)
            panel = Panel(own)
            select = (await panel.described())["components"]["profile"]
            assert shown(select, await panel.retained(select["state_topic"])) == "zb3"
            for option in reversed(select["options"]):
                await panel.sends(select["command_topic"], rendered(select["command_template"], value=option))
                await panel.shows(select, option)
            answer = await served.post("profile/get")
            assert answer["data"]["profile"] == select["options"][0]
            written_out = {"extends": "zb3", "title": "Ours", "imitates": "nothing"}
            answer = await served.post("profile/set", profile=written_out)
            assert answer["status"] == "ok", answer
            await panel.shows(select, "None")

    run(scenario())


def test_joining_is_opened_and_closed_and_every_verdict_is_shown(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with daemon(tmp_path, own.url, environment=ON) as served:
            await formed(served)
            panel = Panel(own)
            entities = (await panel.described())["components"]
            switch, sensor, radio = (entities[name] for name in ("permit_join", "verdict", "radio"))
            assert shown(switch, await panel.retained(switch["state_topic"])) == switch["state_off"]
            await panel.sends(switch["command_topic"], switch["payload_on"])
            await panel.shows(switch, switch["state_on"])
            async with listener(own, sensor["state_topic"]) as heard:
                assert (await served.post("joiner/power", joiner="zboss-r22"))["status"] == "ok"
                (event,) = await heard.until(sensor["state_topic"], 1, PATIENCE)
                assert (await served.post("run/start", run="nobody"))["status"] == "ok"
                assert (await served.post("run/stop"))["status"] == "ok"
                without = (await heard.until(sensor["state_topic"], 2, PATIENCE))[1]
            assert shown(sensor, event.payload) == "pass"
            assert "pass" in sensor["options"]
            assert "inconclusive" in sensor["options"]
            attributes = json.loads(rendered(sensor["json_attributes_template"], value_json=event.json))
            assert attributes["outcome"] == "joined-secure"
            assert (attributes["profile"], attributes["run"]) == ("zb3", None)
            assert attributes["device"] == event.json["device"]
            assert shown(sensor, without.payload) == "inconclusive"
            attributes = json.loads(rendered(sensor["json_attributes_template"], value_json=without.json))
            assert (attributes["device"], attributes["run"]) == (None, "nobody")
            await panel.sends(switch["command_topic"], switch["payload_off"])
            await panel.shows(switch, switch["state_off"])
            await panel.shows(radio, "ON")
            health = json.loads(await panel.retained(radio["json_attributes_topic"]))
            said = json.loads(rendered(radio["json_attributes_template"], value_json=health))
            assert said == {"radio": "ok", "problems": []}

    run(scenario())


def test_a_bench_that_has_ended_is_unavailable_and_still_described(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        panel = Panel(own)
        async with daemon(tmp_path, own.url, environment=ON) as served:
            await formed(served)
            before = await panel.described()
        assert await panel.retained(before["availability_topic"]) == "offline"
        assert await panel.described() == before
        radio = before["components"]["radio"]
        assert shown(radio, await panel.retained(radio["state_topic"])) == "OFF"

    run(scenario())


def test_nobody_is_told_of_a_bench_that_was_not_asked_for_it(own: Broker) -> None:
    async def scenario() -> None:
        async with listener(own, "#") as heard, stub.bench(own):
            await heard.until(f"{BASE}/health")
            await asyncio.sleep(0.2)
            assert [each.topic for each in heard.heard if not each.topic.startswith(f"{BASE}/")] == []

    run(scenario())


def test_it_is_said_again_to_a_broker_that_forgot_and_when_the_profiles_change(own: Broker) -> None:
    async def scenario() -> None:
        names = ["zb3", "pre-zb3"]
        plane = dataclasses.replace(plane_of({}, []), profiles=lambda: tuple(names))
        place = link.at(own.url, id="tc0", keepalive=1, home_assistant="home/assistant")
        transport = MqttTransport(plane, place, lambda _up, _why: None, patience=QUICK)
        running = asyncio.ensure_future(transport.run())
        topic = "home/assistant/device/legacy-tc-tc0/config"
        try:
            for times in (1, 2):
                await until(lambda times=times: transport.connections == times)  # type: ignore[misc]
                assert (await Panel(own, topic).described())["components"]["profile"]["options"] == names
                if times == 1:
                    own.kill()
                    own.start()
            async with listener(own, topic) as heard:
                await heard.until(topic)
                names.append("customer")
                health = json.loads(plane.board.documents["health"])
                health["ok"] = not health["ok"]
                plane.board.post("health", Health(**health))
                told = (await heard.until(topic, 2))[1].json
                assert told["components"]["profile"]["options"] == names  # type: ignore[index]
                assert len(heard.on(topic)) == 2
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    run(scenario())


def test_a_broker_that_forbids_it_is_told_of_by_the_topic_and_the_rest_goes_on(guarded: Broker) -> None:
    async def scenario() -> None:
        more = {"username": "bench", "password": "right", "home_assistant": "homeassistant"}
        async with stub.bench(guarded, **more) as served:  # type: ignore[arg-type]  # fields of Link
            await until(lambda: len(served.told) == 2)
            assert served.told[1] == (
                True, f"the broker refuses what is published: not authorized ({TOPIC})",
            )  # fmt: skip
            assert served.transport.connected

    run(scenario())


def test_the_access_list_that_ships_offers_the_line_for_it() -> None:
    line = f"#topic write {TOPIC.replace('tc0', 'rack7-tc0')}"
    assert line in (ROOT / "deploy" / "mosquitto" / "acl").read_text("utf-8").splitlines()


async def formed(served: Daemon) -> None:
    """Until the network is up."""
    await served.logged("network")


class Panel:
    """Home Assistant's part, with mosquitto's clients."""

    def __init__(self, broker: Broker, topic: str = TOPIC) -> None:
        self._broker = broker
        self._topic = topic

    async def described(self) -> Json:
        """The description that the broker keeps."""
        found: Json = json.loads(await self.retained(self._topic))
        return found

    async def retained(self, topic: str) -> str:
        """What the broker keeps on a topic; what has just come there is asked for again."""
        retained = "0"
        while retained == "0":
            said = await self._broker.client("sub", "-t", topic, "-C", "1", "-W", "10", "-F", "%r %p")
            retained, _, payload = said.strip().partition(" ")
        return payload

    async def sends(self, topic: str, payload: str) -> None:
        """As a panel does: MQTT 3.1.1, not retained, no response topic."""
        await self._broker.client("pub", "-q", "1", "-t", topic, "-m", payload, v="311")

    async def shows(self, component: Json, value: str) -> None:
        """Until the entity shows this."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while (now := shown(component, await self.retained(component["state_topic"]))) != value:
            assert asyncio.get_running_loop().time() < deadline, (now, value)
            await asyncio.sleep(0.01)
