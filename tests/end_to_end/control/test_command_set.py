"""Every command over a real broker: once as it is meant, once as it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.control.schema.commands import COMMANDS
from tests.control.mqtt.broker import Broker
from tests.end_to_end.control.rack import Client, Json, bench, run, until

pytestmark = pytest.mark.real_time

STRANGER = "00:12:4b:00:ff:ff:ff:ff"


async def look(tc: Client) -> None:
    for verb in ("profile/get", "profile/list", "behaviour/list", "network/get", "device/list", "health"):
        await tc.done(verb)


async def a_join(tc: Client) -> str:
    """A run with a join that is damaged a little, and everything that goes with it; who joined."""
    await tc.done("run/start", run="fw#1", observe=2.0, permit_join=60.0, capture="fw1")
    await tc.done("fault/arm", fault="x", action="repeat", match={"frame": "beacon"})
    assert len((await tc.done("fault/list"))["faults"]) == 1
    powered = await tc.done("joiner/power", joiner="zboss-r22")
    verdict = await tc.done("verdict/get", wait=50.0)
    assert (verdict["outcome"], verdict["run"]) == ("joined-secure", "fw#1")
    assert (await tc.done("run/get"))["active"]
    await tc.done("run/stop", run="fw#1")
    return str(powered["device"])


async def changes(tc: Client) -> None:
    await tc.done("profile/set", profile="pre-zb3", when="now")
    await tc.done("behaviour/add", name="confirm.delay", settings={"seconds": 1.0}, when="now")
    await tc.done("behaviour/update", name="confirm.delay", settings={"seconds": 2.0}, when="now")
    await tc.done("behaviour/remove", name="confirm.delay", when="now")
    await tc.done("profile/reload", when="now")
    await tc.done("fault/arm", fault="y", action="drop", count=None)
    await tc.done("fault/disarm")
    steps = [{"when": "now", "profile": "zb3"}, {"when": "now", "profile": "zigbee-2007"}]
    assert len((await tc.done("script/run", script="two", steps=steps))["steps"]) == 2
    waits = [{"when": {"after": {"event": "leave", "count": 1000}}, "profile": "zb3"}]
    waiting = await tc.begin("script/run", script="never", steps=waits)
    await tc.until("pending", state="waiting")
    assert (await tc.done("script/cancel", script="never"))["withdrawn"] == 1
    assert (await tc.answer("script/run", waiting))["error"]["code"] == "timeout"


async def administration(tc: Client, device: str) -> None:
    await tc.done("permit-join", seconds=10.0)
    await tc.done("inject", psdu="030864ffffffff07")
    await tc.done("capture/start", file="later")
    assert (await tc.done("capture/stop"))["octets"] > 0
    before = (await tc.done("network/get"))["key_sequence"]
    await tc.done("key/rotate")
    assert (await tc.done("network/get"))["key_sequence"] != before
    await tc.done("device/remove", device=device)
    await tc.until("left", device=device, by="device")
    await tc.done("device/forget", device=device)
    assert device not in str(await tc.done("device/list"))
    assert (await tc.done("network/form", channel=20))["network"]["channel"] == 20
    await tc.done("network/reset")


BAD: dict[str, dict[str, object]] = {
    "profile/set": {"profile": "pre-zb", "when": "now"},
    "behaviour/add": {"name": "no.such"},
    "behaviour/remove": {"name": "confirm.delay"},
    "behaviour/update": {"name": "confirm.delay", "settings": {"seconds": 1.0}},
    "fault/disarm": {"fault": "nobody"},
    "script/run": {"script": "x", "steps": []},
    "script/cancel": {"script": "nobody"},
    "inject": {"psdu": "zz"},
    "permit-join": {"seconds": -1.0},
    "run/start": {"run": "x", "expect": ["joined-secur"]},
    "run/stop": {"run": "nobody"},
    "run/get": {"run": "nobody"},
    "verdict/get": {"device": STRANGER},
    "device/forget": {"device": STRANGER},
    "device/remove": {"device": STRANGER},
    "key/rotate": {"if_generation": 999},
    "network/form": {"channel": 27},
    "network/reset": {"if_generation": 999},
    "capture/start": {"file": "../outside"},
    "capture/stop": {"file": "nobody"},
    "joiner/power": {"joiner": "zbos-r22"},
}
"""A bad request of each command for which one can be made up; any other gets a key it does not know."""


async def refusals(tc: Client) -> None:
    generation = tc.documents["state"]["generation"]
    for verb in COMMANDS:
        request = BAD.get(verb, {"no_such_key": 1})
        error = await tc.refused(verb, **request)
        assert error["message"].strip(), verb
        assert "\n" not in error["message"], verb
        assert error["code"] not in ("internal", "timeout"), (verb, error)
    assert tc.documents["state"]["generation"] == generation


def assert_log(lines: list[Json], events: list[Json]) -> None:
    """Each line says when and how grave; an event's is the event, with its run, generation and number."""
    assert all(line["timestamp"] and line["level"] for line in lines)
    told = {event["seq"]: event for event in events}
    logged = [line for line in lines if line.get("seq") in told]
    assert len(logged) > 50
    for line in logged:
        event = told[line["seq"]]
        assert (line["event"], line["gen"], line.get("run")) == (event["kind"], event["gen"], event["run"])
    assert {line.get("run") for line in logged} == {None, "fw#1"}
    (joined,) = [line for line in logged if line["event"] == "joined"]
    assert joined["eui"] == told[joined["seq"]]["device"]
    assert [line for line in logged if "Confirm-Key" in line.get("step", "")]


def test_every_command_is_done_over_mqtt_and_refused_when_it_is_wrong(own: Broker, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own) as (served, tc):
            await look(tc)
            device = await a_join(tc)
            await changes(tc)
            await administration(tc, device)
            await refusals(tc)
            assert tc.answered == set(COMMANDS)
            assert tc.refused_verbs == set(COMMANDS)
            seqs = [event["seq"] for event in tc.events]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            kinds = {event["kind"] for event in tc.events}
            assert kinds >= {"network", "join-step", "standing", "joined", "left", "switched", "pending",
                             "fault-spent", "run", "verdict", "capture", "joiner", "request"}  # fmt: skip
            await until(lambda: served.log[-1].get("seq") == tc.last, what="the whole log")
            assert_log(served.log, tc.events)

    run(scenario())
