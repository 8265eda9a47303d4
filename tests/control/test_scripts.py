"""Scripts: all of it is looked at before the first step is done, and what comes later is told as it is."""

from __future__ import annotations

import asyncio

import pytest

from tests.control.rig import Client, Json, bench

SOON = {"after": {"seconds": 5.0}}


def places(error: Json) -> list[tuple[str, str]]:
    details = error["details"]
    assert isinstance(details, list)
    return [(each["path"], each["message"]) for each in details]


async def refused(client: Client, *steps: Json, **request: object) -> Json:
    """The error of a script that must leave everything as it was."""
    before, asked = client.document("state"), await client.done("profile/get")
    error = await client.refused("script/run", script="s", steps=list(steps), **request)
    assert client.document("state") == before
    assert await client.done("profile/get") == asked
    return error


def test_a_step_that_will_not_fit_is_found_before_the_first_is_done() -> None:
    async def body(client: Client) -> None:
        error = await refused(
            client,
            {"when": "now", "profile": "pre-zb3"},
            {"when": "now", "remove": ["reqkey.ignore", "tclk.reuse_global"]},
            {"when": SOON, "remove": ["tclk.reuse_global"]},
        )
        assert error["code"] == "refused"
        assert "nothing was changed" in str(error["message"])
        assert places(error) == [
            ("steps[1].remove[0]", "reqkey.ignore is not in force; in force: tclk.reuse_global"),
            ("steps[2].remove[0]", "tclk.reuse_global is not in force; in force: none"),
        ]

    client, _ = bench(body)
    assert client.of("switched") == []
    assert client.of("pending") == []


def test_a_step_fits_what_those_before_it_will_have_made() -> None:
    async def body(client: Client) -> None:
        steps = [
            {"when": "now", "add": [{"name": "reqkey.ignore"}]},
            {"when": SOON, "remove": ["reqkey.ignore"]},
        ]
        answer = await client.done("script/run", script="s", steps=steps)
        assert [each["generation"] for each in answer["steps"]] == [2, 3]  # type: ignore[attr-defined]

    bench(body)


def test_everything_that_steps_name_wrongly_is_told_with_its_place() -> None:
    async def body(client: Client) -> None:
        error = await refused(
            client,
            {"when": "now", "add": [{"name": "reqkey.delay", "settings": {"secnds": 2.0}}]},
            {"when": "now", "profile": "pre-zb4"},
            {"when": "now", "profile": {"titel": "x", "extends": "zb3"}},
            {"when": "now", "add": [{"name": "reqkey.ignore"}, {"name": "reqkey.ignor"}]},
        )
        assert error["code"] == "invalid"
        found = places(error)
        assert [path for path, _ in found] == [
            "steps[0].add[0].settings.secnds",
            "steps[1].profile",
            "steps[2].profile.titel",
            "steps[3].add[1]",
        ]
        for path, meant in (("steps[0].add[0].settings.secnds", "seconds"), ("steps[3].add[1]", "ignore")):
            assert any(each == path and meant in message for each, message in found), found
        assert "steps[0].add[0].settings.secnds: " in str(error["message"])

    bench(body)


def test_another_generation_is_a_conflict_before_anything_is_looked_at() -> None:
    async def body(client: Client) -> None:
        error = await refused(client, {"when": "now", "remove": ["none.such"]}, if_generation=7)
        assert error["code"] == "conflict"

    bench(body)


def test_what_nobody_could_foresee_says_what_became_of_each_step() -> None:
    async def body(client: Client) -> None:
        steps = [
            {"when": "now", "profile": "pre-zb3"},
            {"when": SOON, "remove": ["tclk.reuse_global"]},
            {"when": SOON, "profile": "zb3"},
        ]
        asked = asyncio.ensure_future(client.ask("script/run", script="s", steps=steps))
        await client.until("pending", state="waiting")
        await client.done("behaviour/remove", name="tclk.reuse_global")
        answer = await asked
        error = answer["error"]
        assert isinstance(error, dict)
        assert error["code"] == "partly-done"
        reason = "tclk.reuse_global is not in force; in force: none"
        assert error["message"] == f"step 2 did not take effect: {reason}"
        assert places(error) == [
            ("steps[0]", "took effect: generation 2"),
            ("steps[1]", reason),
            ("steps[2]", "not done"),
        ]
        assert (await client.done("profile/get"))["profile"] == "pre-zb3"

    bench(body)


def test_a_first_step_that_does_not_fit_when_its_moment_comes_has_changed_nothing() -> None:
    async def body(client: Client) -> None:
        steps = [{"when": SOON, "remove": ["tclk.reuse_global"]}, {"when": SOON, "profile": "zb3"}]
        asked = asyncio.ensure_future(client.ask("script/run", script="s", steps=steps))
        await client.until("pending", state="waiting")
        await client.done("behaviour/remove", name="tclk.reuse_global")
        error = (await asked)["error"]
        assert isinstance(error, dict)
        assert error["code"] == "refused"
        assert places(error)[1:] == [("steps[1]", "not done")]

    bench(body, profile="pre-zb3")


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_script_that_ends_early_has_each_step_in_its_details(cancelled: bool) -> None:
    async def body(client: Client) -> None:
        steps = [{"when": "now", "profile": "pre-zb3"}, {"when": SOON, "profile": "zb3"}]
        asked = asyncio.ensure_future(client.ask("script/run", script="s", steps=steps, within=2))
        await client.until("pending", state="waiting")
        if cancelled:
            assert (await client.done("script/cancel", script="s"))["withdrawn"] == 1
        error = (await asked)["error"]
        assert isinstance(error, dict)
        assert error["code"] == "timeout"
        assert [path for path, _ in places(error)] == ["steps[0]", "steps[1]"]

    bench(body)
