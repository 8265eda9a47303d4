"""Commands that make the Trust Center another one, before, in and after a join."""

from __future__ import annotations

from tests.control.rig import Client, bench


def test_a_profile_set_while_nothing_happens_is_answered_at_once_and_names_the_boundary() -> None:
    async def body(client: Client) -> None:
        before = client.document("state")
        answer = await client.done("profile/set", profile="pre-zb3")
        assert before["generation"] == 1
        assert answer["generation"] == 2
        assert answer["profile"] == "pre-zb3"
        effective = answer["effective"]
        assert isinstance(effective, dict)
        assert effective["outstanding_old"] == 0
        first = effective["first_frame_new"]
        assert isinstance(first, dict)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict")
        assert client.document("state")["profile"] == "pre-zb3"
        assert client.document("state")["behaviours"] == ["tclk.reuse_global"]

    client, _ = bench(body)
    (verdict,) = client.of("verdict")
    assert verdict["outcome"] == "left-by-joiner"
    assert verdict["profile"] == "pre-zb3"
    (switched,) = client.of("switched")
    assert switched["gen"] == 2
    assert switched["change"] == "profile/set pre-zb3"


def test_a_switch_between_the_request_for_a_key_and_its_answer() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        answer = await client.done(
            "profile/set", profile="pre-zb3", when={"after": {"event": "request-key", "answer": "new"}}
        )
        assert answer["generation"] == 2
        await client.until("verdict")

    client, _ = bench(body)
    (verdict,) = client.of("verdict")
    assert verdict["outcome"] == "left-by-joiner"
    assert verdict["profile"] == "zb3"
    switches = verdict["switches"]
    assert isinstance(switches, list)
    assert [switch["profile"] for switch in switches] == ["pre-zb3"]


def test_a_script_switches_after_the_second_request_key() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        answer = await client.done(
            "script/run",
            script="late mercy",
            steps=[
                {"when": {"after": {"event": "request-key", "count": 2, "answer": "new"}}, "profile": "zb3"},
                {"when": {"after": {"event": "confirm-key"}}, "profile": "pre-zb3"},
            ],
        )
        steps = answer["steps"]
        assert isinstance(steps, list)
        assert [step["profile"] for step in steps] == ["zb3", "pre-zb3"]
        await client.until("verdict")

    client, _ = bench(body, profile="silent-request-key", observe=20)
    (verdict,) = client.of("verdict")
    assert verdict["outcome"] == "joined-secure"


def test_every_misfit_is_named_and_nothing_is_changed() -> None:
    async def body(client: Client) -> None:
        error = await client.refused("profile/set", profile={"titel": "x", "extends": "zb4"})
        assert error["code"] == "invalid"
        details = error["details"]
        assert isinstance(details, list)
        assert len(details) >= 2
        assert (await client.refused("behaviour/remove", name="reqkey.delay"))["code"] == "refused"
        assert (await client.refused("profile/set", profile="zb3", if_generation=7))["code"] == "conflict"
        assert (await client.refused("profile/set", profile="/etc/passwd"))["code"] == "invalid"
        assert (await client.refused("profile/set", profile="x.toml"))["code"] == "not-found"
        assert (await client.refused("profile/set", profile={"title": "x", "extends": "../x.toml"}))[
            "code"
        ] == "invalid"
        assert client.document("state")["generation"] == 1

    bench(body)


def test_behaviours_come_change_and_go() -> None:
    async def body(client: Client) -> None:
        await client.done("behaviour/add", name="reqkey.delay", settings={"seconds": 2.0})
        assert client.document("state")["behaviours"] == ["reqkey.delay"]
        await client.done("behaviour/update", name="reqkey.delay", settings={"seconds": 1.5})
        got = await client.done("profile/get")
        assert got["behaviours"][0]["settings"] == {"seconds": 1.5}  # type: ignore[index]
        assert got["changed"] is True
        await client.done("behaviour/remove", name="reqkey.delay")
        assert (await client.done("profile/get"))["changed"] is False
        assert client.document("state")["generation"] == 4

    bench(body)


def test_what_does_not_come_within_its_time_is_withdrawn() -> None:
    async def body(client: Client) -> None:
        error = await client.refused(
            "profile/set", profile="pre-zb3", when={"after": {"event": "verify-key"}}, within=2
        )
        assert error["code"] == "timeout"
        assert client.document("state")["generation"] == 1
        assert client.document("state")["pending"] == 0

    client, _ = bench(body)
    assert [event["state"] for event in client.of("pending")] == ["waiting", "withdrawn"]
