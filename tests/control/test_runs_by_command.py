"""Runs, verdicts, joining, captures, networks: the bench from outside."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from coordinator.cli.screen import TerminalReporter
from tests.control.rig import Client, bench


def test_a_run_stamps_what_happens_in_it_and_has_its_verdicts() -> None:
    async def body(client: Client) -> None:
        started = await client.done("run/start", run="fw-1.8.2#311", expect=["left-by-joiner"], observe=3)
        assert started["run"]["active"] is True  # type: ignore[index]
        assert client.document("state")["run"] == "fw-1.8.2#311"
        await client.done("profile/set", profile="pre-zb3")
        await client.done("joiner/power", joiner="zboss-r22")
        verdict = await client.done("verdict/get", run="fw-1.8.2#311", wait=60)
        assert verdict["verdict"] == "pass"
        stopped = await client.done("run/stop", run="fw-1.8.2#311")
        assert [each["outcome"] for each in stopped["run"]["verdicts"]] == ["left-by-joiner"]  # type: ignore[index]
        assert client.document("state")["run"] is None
        assert client.document("state")["permit_join_remaining"] == 0

    client, _ = bench(body)
    first = next(event for event in client.events if event["kind"] == "run")
    between = [event for event in client.events if event["run"] is not None]
    assert first["run"] == "fw-1.8.2#311"
    assert {event["run"] for event in between} == {"fw-1.8.2#311"}
    assert all(event["seq"] == number for number, event in enumerate(client.events, 1))


def test_the_last_documents_of_a_bench_that_ends_say_that_it_has_ended() -> None:
    async def body(client: Client) -> None:
        await client.done("health")
        await client.done("run/start", run="cut", permit_join=60)
        assert client.document("health")["ok"] is True

    client, _ = bench(body)
    health, state = client.document("health"), client.document("state")
    assert (health["ok"], health["problems"], health["radio"]) == (False, ["the bench has ended"], "lost")
    assert (health["mqtt"], health["radio_rtt_ms"], health["capture_ok"]) == ("off", None, True)
    gone = (state["radio"], state["run"], state["permit_join_until"], state["permit_join_remaining"])
    assert gone == ("lost", None, None, 0)
    assert state["profile"] == "zb3"


def test_a_look_that_ends_after_the_bench_does_not_have_the_last_word() -> None:
    async def body(client: Client) -> None:
        doctor = client.service.doctor
        await doctor.look(1.0)
        doctor.end()
        doctor.look_at_broker()
        assert (await doctor.look(1.0)).problems == ["the bench has ended"]
        assert client.document("health")["ok"] is False

    bench(body)


def test_people_are_told_of_the_window_that_a_run_has_of_its_own() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="short", observe=2.5)
        await client.done("run/stop")
        await client.done("run/start", run="plain")
        await client.done("network/form")

    out = io.StringIO()
    bench(body, observe=40.0, people=TerminalReporter(out))
    lines = out.getvalue().splitlines()
    heading = "window       40 s after the association request, or the run's own; seed 1"
    assert [line for line in lines if line.startswith("window")] == [heading] * 2
    told = " ".join(out.getvalue().split())
    assert "generation 2: run/start short, window 2.5 s * generation 3:" in told
    assert "generation 4: run/start plain" in told
    assert "run/start plain, window" not in told


def test_a_run_that_is_stopped_early_is_inconclusive_unless_the_device_has_left() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="one", observe=60)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("standing", after="verified")
        stopped = await client.done("run/stop")
        (verdict,) = stopped["run"]["verdicts"]  # type: ignore[index]
        assert verdict["verdict"] == "inconclusive"
        await client.done("profile/set", profile="pre-zb3")
        await client.done("run/start", run="two", observe=60, permit_join=60)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("left", by="device")
        stopped = await client.done("run/stop")
        (verdict,) = stopped["run"]["verdicts"]  # type: ignore[index]
        assert verdict["outcome"] == "left-by-joiner"
        assert verdict["verdict"] == "fail"

    bench(body)


def test_a_run_in_which_nobody_came_is_inconclusive() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict")
        await client.done("run/start", run="nobody")
        stopped = await client.done("run/stop")
        (verdict,) = stopped["run"]["verdicts"]  # type: ignore[index]
        assert (verdict["verdict"], verdict["step"]) == ("inconclusive", "no-joiner-heard")

    bench(body)


def test_an_abandoned_run_ends_by_itself_and_says_so() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="abandoned", ttl=30)
        assert (await client.refused("run/start", run="another"))["code"] == "refused"
        event = await client.until("run", state="expired")
        assert event["run"] == "abandoned"
        assert (await client.done("run/get", run="abandoned"))["active"] is False

    bench(body)


def test_only_a_run_that_asked_for_it_ends_when_the_broker_goes() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="stays")
        client.service.broker(False, "connection reset")
        assert (await client.done("run/get"))["active"] is True
        await client.done("run/stop")
        client.service.doctor.gauges.broker = lambda: "connected"
        await client.done("run/start", run="goes", on_disconnect="stop")
        client.service.broker(False, "connection reset")
        assert (await client.done("run/get"))["active"] is False

    bench(body)


def test_joining_opens_and_closes() -> None:
    async def body(client: Client) -> None:
        assert client.document("state")["permit_join_remaining"] == 0
        await client.done("permit-join", seconds=30)
        assert client.document("state")["permit_join_remaining"] == 30
        await client.done("permit-join", seconds=0)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("join-step", what="Beacon (closed, profile 2, router room, end-device room)")

    bench(body, permit=0)


def test_state_says_so_when_joining_has_closed_by_itself() -> None:
    async def body(client: Client) -> None:
        keeping = asyncio.ensure_future(client.service.keep())
        await client.done("permit-join", seconds=12)
        await asyncio.sleep(6)
        assert 0 < int(str(client.document("state")["permit_join_remaining"])) < 12
        await asyncio.sleep(12)
        assert client.document("state")["permit_join_until"] is None
        keeping.cancel()

    bench(body, permit=0)


def test_a_capture_begun_in_the_midst_opens_with_the_network_and_its_keys(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("standing", after="verified")
        started = await client.done("capture/start", file="late")
        assert started["file"] == "late.pcapng"
        assert (await client.refused("capture/start", file="late"))["code"] == "refused"
        assert (await client.refused("capture/start", file="../late"))["code"] == "invalid"
        await client.until("verdict")
        stopped = await client.done("capture/stop")
        assert stopped["octets"] > 1000  # type: ignore[operator]
        assert stopped["events"] == "late.jsonl"

    bench(body, folder=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "late.jsonl").read_text().splitlines()]
    assert lines[0]["kind"] == "network-formed"
    assert [line["kind"] for line in lines].count("verdict") == 1


def test_without_a_folder_no_capture_is_begun_from_outside() -> None:
    async def body(client: Client) -> None:
        assert (await client.refused("capture/start", file="x"))["code"] == "refused"

    bench(body)


def test_another_network_is_formed_under_the_same_behaviours() -> None:
    async def body(client: Client) -> None:
        await client.done("profile/set", profile="pre-zb3")
        before = await client.done("network/get")
        formed = await client.done("network/form", channel=20, pan_id="0x1234")
        assert formed["generation"] == 3
        assert formed["network"]["channel"] == 20  # type: ignore[index]
        after = await client.done("network/get")
        assert after["pan_id"] == "0x1234"
        assert after["extended_pan_id"] != before["extended_pan_id"]
        assert after["key"] is None
        state = client.document("state")
        assert (state["profile"], state["generation"], state["channel"]) == ("pre-zb3", 3, 20)
        await client.done("permit-join", seconds=60)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict", outcome="left-by-joiner")

    client, _ = bench(body)
    times = [event["t_mono_ns"] for event in client.events]
    assert times == sorted(times)  # type: ignore[type-var]


def test_a_network_that_is_kept_is_reset_but_not_formed_anew(tmp_path: Path) -> None:
    state = tmp_path / "state"

    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("standing", after="verified")
        assert (await client.refused("network/form", channel=20))["code"] == "refused"
        before = await client.done("network/get")
        assert len((await client.done("device/list"))["devices"]) == 1  # type: ignore[arg-type]
        reset = await client.done("network/reset")
        assert reset["network"]["extended_pan_id"] != before["extended_pan_id"]  # type: ignore[index]
        assert (await client.done("device/list"))["devices"] == []

    bench(body, state=state)


def test_the_health_of_a_bench() -> None:
    async def body(client: Client) -> None:
        health = await client.done("health")
        assert health["ok"] is True
        assert health["radio"] == "ok"
        assert health["mqtt"] == "off"

    bench(body)


def test_a_run_outlives_a_network_that_is_formed_in_it() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="long")
        await client.done("network/form")
        assert (await client.done("run/get"))["active"] is True
        await client.done("run/stop")

    bench(body)


@pytest.mark.parametrize("verb", ["joiner/power", "verdict/get", "run/stop", "script/cancel"])
def test_what_is_not_there_is_not_found(verb: str) -> None:
    request: dict[str, dict[str, object]] = {
        "joiner/power": {"on": False},
        "verdict/get": {},
        "run/stop": {},
        "script/cancel": {"script": "none"},
    }

    async def body(client: Client) -> None:
        assert (await client.refused(verb, **request[verb]))["code"] == "not-found"

    bench(body)
