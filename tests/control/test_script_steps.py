"""What a step of a script can change: the profile, behaviours and their settings, frame faults."""

from __future__ import annotations

import asyncio

from coordinator.stack.frame_faults import CAPACITY
from tests.control.rig import Client, Json, bench

SOON = {"after": {"seconds": 5.0}}
LOST: Json = {"fault": "lost", "match": {"frame": "transport-key-tclk"}, "action": "drop", "count": None}


async def run(client: Client, *steps: Json) -> Json:
    return await client.done("script/run", script="s", steps=list(steps))


async def refused(client: Client, *steps: Json) -> list[tuple[str, str]]:
    """The places and messages of a script that must leave everything as it was."""
    before = (await client.done("profile/get"), client.document("state"))
    error = await client.refused("script/run", script="s", steps=list(steps))
    assert (await client.done("profile/get"), client.document("state")) == before
    details = error["details"]
    assert isinstance(details, list)
    return [(each["path"], each["message"]) for each in details]


async def armed(client: Client) -> list[str]:
    faults = (await client.done("fault/list"))["faults"]
    assert isinstance(faults, list)
    return [each["fault"] for each in faults]


def test_a_step_arms_a_fault_between_two_frames_of_a_join_and_a_later_one_takes_it_off() -> None:
    async def body(client: Client) -> None:
        asked = asyncio.ensure_future(
            run(
                client,
                {"when": {"after": {"event": "request-key", "answer": "new"}}, "arm": [LOST]},
                {"when": {"after": {"event": "request-key", "answer": "new"}}, "disarm": ["lost"]},
            )
        )
        await client.until("pending", state="waiting")
        await client.done("joiner/power", joiner="zboss-r22")
        steps = (await asked)["steps"]
        assert [each["generation"] for each in steps] == [2, 3]  # type: ignore[attr-defined]
        assert await armed(client) == []
        await client.until("verdict", outcome="joined-secure")

    client, _ = bench(body, observe=40)
    # The first key was answered and every attempt at it was lost; the second request had its answer.
    lost = [event for event in client.of("deviation") if event["behaviour"] == "fault.lost"]
    assert lost
    assert {event["gen"] for event in lost} == {2}
    assert [event["change"] for event in client.of("switched")] == [
        "script s, step 1: +fault.lost",
        "script s, step 2: -fault.lost",
    ]


def test_a_step_gives_a_behaviour_that_an_earlier_one_added_other_settings() -> None:
    async def body(client: Client) -> None:
        await run(
            client,
            {"when": "now", "add": [{"name": "reqkey.delay", "settings": {"seconds": 2.0}}]},
            {"when": SOON, "update": [{"name": "reqkey.delay", "settings": {"seconds": 9.0}}]},
        )
        behaviours = (await client.done("profile/get"))["behaviours"]
        assert [each["settings"] for each in behaviours] == [{"seconds": 9.0}]  # type: ignore[attr-defined]

    bench(body)


def test_all_of_a_step_takes_effect_in_one_generation() -> None:
    async def body(client: Client) -> None:
        await client.done("fault/arm", fault="old", action="drop")
        step: Json = {
            "when": "now",
            "profile": "pre-zb3",
            "add": [{"name": "reqkey.delay", "settings": {"seconds": 2.0}}],
            "update": [],
            "disarm": ["old"],
            "arm": [LOST],
        }
        steps = (await run(client, step))["steps"]
        assert [each["generation"] for each in steps] == [3]  # type: ignore[attr-defined]
        state = client.document("state")
        assert (state["profile"], state["behaviours"]) == ("pre-zb3", ["tclk.reuse_global", "reqkey.delay"])
        assert await armed(client) == ["lost"]

    bench(body)


def test_faults_and_settings_that_will_not_fit_are_found_before_the_first_step_is_done() -> None:
    async def body(client: Client) -> None:
        assert await refused(
            client,
            {"when": "now", "arm": [LOST]},
            {"when": "now", "disarm": ["lost", "losst"]},
            {"when": "now", "disarm": ["lost"], "update": [{"name": "reqkey.delay", "settings": {}}]},
        ) == [
            ("steps[1].disarm[1]", "no fault 'losst' is armed; armed: none"),
            ("steps[2].update[0]", "reqkey.delay is not in force; in force: none"),
            ("steps[2].disarm[0]", "no fault 'lost' is armed; armed: none"),
        ]
        wrong = {**LOST, "match": {"frame": "confirmkey"}}
        assert await refused(
            client, {"when": "now", "profile": "zb3"}, {"when": SOON, "arm": [LOST, wrong]}
        ) == [
            (
                "steps[1].arm[1].match.frame",
                "no frame is called 'confirmkey'; did you mean 'confirm-key'?",
            )
        ]
        assert await refused(client, {"when": "now", "arm": [LOST, LOST]}) == [
            ("steps[0].arm[1]", "this step arms 'lost' already")
        ]
        ((path, message),) = await refused(
            client,
            {"when": "now", "add": [{"name": "reqkey.delay", "settings": {"seconds": 2.0}}]},
            {"when": SOON, "update": [{"name": "reqkey.delay", "settings": {"secnds": 9.0}}]},
        )
        assert path == "steps[1].update[0]"
        assert "secnds" in message

    bench(body)


def test_a_step_that_would_arm_too_many_faults_changes_nothing_of_itself() -> None:
    async def body(client: Client) -> None:
        for number in range(CAPACITY - 1):
            await client.done("fault/arm", fault=f"f{number}", action="drop", match={"frame": "leave"})
        step: Json = {
            "when": SOON,
            "profile": "pre-zb3",
            "disarm": ["f0"],
            "arm": [{**LOST, "fault": name} for name in ("a", "b", "c")],
        }
        error = await client.refused(
            "script/run", script="s", steps=[{"when": "now", "profile": "zb3"}, step]
        )
        assert error["code"] == "partly-done"
        assert f"{CAPACITY} can be" in str(error["message"])
        assert await armed(client) == [f"f{number}" for number in range(CAPACITY - 1)]
        assert client.document("state")["profile"] == "zb3"
        step["arm"] = step["arm"][:2]  # type: ignore[index]
        await run(client, step)
        assert len(await armed(client)) == CAPACITY

    bench(body)


def test_a_fault_that_is_spent_when_its_step_comes_is_off_already() -> None:
    async def body(client: Client) -> None:
        once = {**LOST, "match": {"frame": "beacon"}, "count": 1}
        asked = asyncio.ensure_future(
            run(
                client,
                {"when": "now", "arm": [once]},
                {"when": {"after": {"event": "leave"}}, "disarm": ["lost"]},
            )
        )
        await client.until("pending", state="waiting")
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("fault-spent", fault="lost")
        await client.done("joiner/power", joiner="zboss-r22")
        assert len((await asked)["steps"]) == 2  # type: ignore[arg-type]

    bench(body, profile="pre-zb3")
