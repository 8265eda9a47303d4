"""A profile of one's own, with which a bench was started, can be had by its name; no other file can."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control.rig import Client, Json, bench

OWN = """
title = "A customer's coordinator"
extends = "zb3"

[[behaviours]]
name = "{behaviour}"
seconds = 2
clause = "none"
seen = "a test"
"""


@pytest.fixture(params=["customer", "Kunde 7 (alt)"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / f"{request.param}.toml"
    file.write_text(OWN.format(behaviour="reqkey.delay"), "utf-8")
    return file


async def in_force(client: Client) -> tuple[object, list[object]]:
    got = await client.done("profile/get")
    return got["profile"], [each["name"] for each in got["behaviours"]]  # type: ignore[attr-defined]


async def names(client: Client) -> dict[str, str]:
    entries = (await client.done("profile/list"))["entries"]
    return {each["name"]: each["title"] for each in entries}  # type: ignore[attr-defined]


def test_it_is_listed_and_can_be_set_again_after_another(own: Path) -> None:
    async def body(client: Client) -> None:
        listed = await names(client)
        assert listed[own.stem] == "A customer's coordinator"
        assert "zb3" in listed
        assert list(listed) == sorted(listed)
        assert client.document("state")["profile"] == own.stem
        await client.done("profile/set", profile="zb3")
        assert await in_force(client) == ("zb3", [])
        await client.done("profile/set", profile=own.stem)
        assert await in_force(client) == (own.stem, ["reqkey.delay"])
        steps: list[Json] = [{"when": "now", "profile": "zb3"}, {"when": "now", "profile": own.stem}]
        done = await client.done("script/run", script="s", steps=steps)
        assert [step["profile"] for step in done["steps"]] == ["zb3", own.stem]  # type: ignore[attr-defined]

    client, _ = bench(body, profile=str(own))
    assert client.of("switched")[-1]["profile"] == own.stem


def test_it_outlives_another_network(own: Path) -> None:
    async def body(client: Client) -> None:
        await client.done("profile/set", profile="zb3")
        await client.done("network/form")
        own.write_text(OWN.format(behaviour="confirm.delay"), "utf-8")
        await client.done("profile/reload")
        await client.done("network/form")
        await client.done("profile/set", profile=own.stem)
        assert await in_force(client) == (own.stem, ["confirm.delay"])

    bench(body, profile=str(own))


def test_no_path_and_no_other_file_can_be_had(own: Path) -> None:
    (own.parent / "beside.toml").write_text(OWN.format(behaviour="reqkey.delay"), "utf-8")

    async def body(client: Client) -> None:
        for name in (str(own), f"./{own.name}", f"../{own.stem}"):
            assert (await client.refused("profile/set", profile=name))["code"] == "invalid"
        for name in ("beside", "beside.toml", own.name):
            assert (await client.refused("profile/set", profile=name))["code"] == "not-found"
        error = await client.refused("profile/set", profile=own.name)
        assert f"did you mean '{own.stem}'?" in str(error["message"])
        assert "did you mean 'zb3'?" in str((await client.refused("profile/set", profile="ZB3"))["message"])
        assert (await client.refused("profile/set", profile={"title": "x", "extends": own.stem}))[
            "code"
        ] == "invalid"

    bench(body, profile=str(own))


@pytest.mark.parametrize("present", ["zb3", "own", "inline"])
def test_a_reload_reads_it_whatever_is_in_force_and_a_broken_one_changes_nothing(
    own: Path, present: str
) -> None:
    async def body(client: Client) -> None:
        inline = {"title": "in a request", "extends": "zb3"}
        profile = {"zb3": "zb3", "own": own.stem, "inline": inline}[present]
        await client.done("profile/set", profile=profile)
        before = await in_force(client)

        own.write_text(OWN.format(behaviour="confirm.dela"), "utf-8")
        error = await client.refused("profile/reload")
        assert error["code"] == "invalid"
        message = str(error["message"])
        assert own.name in message
        assert "did you mean 'confirm.delay'?" in message
        assert "\n" not in message
        assert await in_force(client) == before
        await client.done("profile/set", profile=own.stem)  # as it was when it was last whole
        assert await in_force(client) == (own.stem, ["reqkey.delay"])
        await client.done("profile/set", profile=profile)

        own.unlink()
        assert own.name in str((await client.refused("profile/reload"))["message"])
        own.write_text(OWN.format(behaviour="confirm.delay"), "utf-8")
        if present == "inline":
            assert (await client.refused("profile/reload"))["code"] == "refused"
        else:
            await client.done("profile/reload")
        await client.done("profile/set", profile=own.stem)
        assert await in_force(client) == (own.stem, ["confirm.delay"])

    bench(body, profile=str(own))


def test_it_goes_before_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    file = tmp_path / "ha12.toml"
    file.write_text(OWN.format(behaviour="reqkey.delay"), "utf-8")

    async def body(client: Client) -> None:
        await client.done("profile/set", profile="zb3")
        await client.done("profile/set", profile="ha12")
        assert await in_force(client) == ("ha12", ["reqkey.delay"])
        assert (await names(client))["ha12"] == "A customer's coordinator"

    bench(body, profile=str(file))


def test_a_bench_that_ships_what_it_was_started_with_lists_what_ships() -> None:
    async def body(client: Client) -> None:
        shipped = Path(__file__).parents[2] / "configs" / "profiles"
        assert list(await names(client)) == sorted(file.stem for file in shipped.glob("*.toml"))

    bench(body, profile="zb3")
