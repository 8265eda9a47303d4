"""What waits when a network is given up or the bench ends: each is answered, and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from coordinator.cli.screen import JsonReporter, TerminalReporter
from coordinator.daemon import sessions, steering
from coordinator.runtime.order import Order, Reporter
from coordinator.runtime.session import Session
from coordinator.runtime.survey import NetworkInUse
from coordinator.runtime.virtual_time import VirtualTimeLoop
from tests.control.rig import Client, Json, bench
from tests.operation.debian import program, run

NOBODY = "00:00:00:00:00:00:00:01"
NEVER = {"after": {"event": "removal"}}
WAITING: dict[str, Json] = {
    "profile/set": {"profile": "pre-zb3", "when": NEVER},
    "behaviour/add": {
        "name": "reqkey.delay",
        "settings": {"seconds": 2.0},
        "when": NEVER,
        "first_frame_within": 50,
    },
    "script/run": {"script": "s", "steps": [{"when": NEVER, "profile": "zb3"}]},
    "fault/arm": {"fault": "f", "action": "drop", "when": NEVER},
    "key/rotate": {},
}
FORMING = 50.0
"""Seconds that the second network takes to come up, where a test needs a while without one."""


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Asyncio has nothing to complain of: no error that nobody retrieved, no task that nobody awaited."""
    complaints: list[str] = []

    class Strict(VirtualTimeLoop):
        def __init__(self) -> None:
            super().__init__()
            self.set_debug(True)
            self.set_exception_handler(lambda _loop, context: complaints.append(str(context)))

    monkeypatch.setattr("tests.control.rig.VirtualTimeLoop", Strict)
    yield
    gc.collect()
    assert complaints == []


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second network takes its time to come up."""
    entered = 0

    @asynccontextmanager
    async def session(order: Order, reporter: Reporter, *, utc_at_zero: int) -> AsyncIterator[Session]:
        nonlocal entered
        entered += 1
        if entered > 1:
            await asyncio.sleep(FORMING)
        async with original(order, reporter, utc_at_zero=utc_at_zero) as running:
            yield running

    original = sessions.session
    monkeypatch.setattr(steering, "session", session)


async def _begin(client: Client) -> dict[str, asyncio.Task[Json]]:
    asked = {verb: asyncio.ensure_future(client.ask(verb, **request)) for verb, request in WAITING.items()}
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in asked.values())
    return asked


def test_whatever_waits_when_another_network_is_formed_is_answered_before_that_is() -> None:
    async def body(client: Client) -> None:
        asked = await _begin(client)
        began = asyncio.get_running_loop().time()
        await client.done("network/form")
        answers = {verb: await task for verb, task in asked.items()}
        assert asyncio.get_running_loop().time() - began < 1
        assert {verb: answer["error"]["code"] for verb, answer in answers.items()} == dict.fromkeys(  # type: ignore[index]
            WAITING, "timeout"
        )
        assert client.document("state")["pending"] == 0
        assert (await client.done("profile/set", profile="pre-zb3"))["profile"] == "pre-zb3"

    bench(body)


def test_whatever_waits_when_the_bench_ends_is_answered() -> None:
    answers: dict[str, Json] = {}

    async def body(client: Client) -> None:
        asked = await _begin(client)
        await client.done("run/start", run="unfinished")
        asked["verdict/get"] = asyncio.ensure_future(client.ask("verdict/get", device=NOBODY, wait=5000))
        await asyncio.sleep(0)
        client.stop.set_result(15)
        await client.until("pending", state="withdrawn")
        await client.service.close()
        answers.update({verb: await task for verb, task in asked.items()})

    client, ending = bench(body)
    assert ending.signal == 15
    assert {answer["status"] for answer in answers.values()} == {"error"}
    assert set(answers) == {*WAITING, "verdict/get"}
    (stopped,) = (event for event in client.of("run") if event["state"] == "stopped")
    assert stopped["run"] == "unfinished"


def test_a_script_that_runs_out_of_time_says_how_far_it_came() -> None:
    async def body(client: Client) -> None:
        error = await client.refused(
            "script/run",
            script="s",
            within=3,
            steps=[{"when": "now", "profile": "pre-zb3"}, {"when": NEVER, "profile": "zb3"}],
        )
        assert error["code"] == "timeout"
        assert "step 2" in str(error["message"])
        assert "step 1: generation 2" in str(error["hint"])
        assert (await client.refused("script/cancel", script="s"))["code"] == "not-found"

    bench(body)


def test_a_change_whose_moment_and_limit_come_together_is_answered_as_what_it_is() -> None:
    async def body(client: Client) -> None:
        for within in (2.0, 1.999999, 2.000001):
            before = client.document("state")["generation"]
            answer = await client.ask(
                "profile/set", profile="pre-zb3", when={"after": {"seconds": 2.0}}, within=within
            )
            await asyncio.sleep(1)
            changed = client.document("state")["generation"] != before
            assert changed == (answer["status"] == "ok"), within
            script = await client.ask(
                "script/run",
                script="s",
                within=within,
                steps=[{"when": {"after": {"seconds": 2.0}}, "profile": "zb3"}],
            )
            await asyncio.sleep(1)
            is_zb3 = client.document("state")["profile"] == "zb3"
            assert is_zb3 == (script["status"] == "ok"), within
            await client.done("profile/set", profile="pre-zb3")

    bench(body)


def test_a_second_network_that_is_asked_for_meanwhile_is_refused(slowly: None) -> None:
    async def body(client: Client) -> None:
        first = asyncio.ensure_future(client.done("network/form", channel=20))
        second = asyncio.ensure_future(client.refused("network/form", channel=21))
        assert (await second)["code"] == "refused"
        await asyncio.sleep(1)
        asked: dict[str, Json] = {**WAITING, "permit-join": {"seconds": 5}, "run/start": {"run": "x"}}
        for verb, request in asked.items():
            assert (await client.refused(verb, **request))["code"] == "refused"
        assert client.document("state")["radio"] == "recovering"
        assert (await first)["network"]["channel"] == 20  # type: ignore[index]

    bench(body)


def test_a_run_whose_time_is_over_while_a_network_is_formed_ends_when_it_is(slowly: None) -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="short", ttl=10)
        await client.done("network/form")
        ended = await client.done("run/get", run="short")
        assert ended["active"] is False
        assert [each["verdict"] for each in ended["verdicts"]] == ["inconclusive"]  # type: ignore[attr-defined]
        assert client.document("state")["run"] is None

    client, _ = bench(body)
    assert [event["state"] for event in client.of("run")] == ["started", "expired"]


def test_the_bench_can_be_ended_while_a_network_is_formed(slowly: None) -> None:
    took: list[float] = []

    async def body(client: Client) -> None:
        loop = asyncio.get_running_loop()
        forming = asyncio.ensure_future(client.ask("network/form"))
        await asyncio.sleep(5)
        began = loop.time()
        client.stop.set_result(15)
        await asyncio.sleep(0.01)
        await client.service.close()
        assert (await forming)["status"] == "error"
        took.append(loop.time() - began)

    _, ending = bench(body)
    assert ending.signal == 15
    assert took[0] < 1


def test_a_run_is_judged_and_captured_in_the_next_network_too(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        await client.done(
            "run/start", run="r", capture="fw", expect=["left-by-joiner"], observe=3, permit_join=60
        )
        await client.done("profile/set", profile="pre-zb3")
        await client.done("fault/arm", fault="f", match={"frame": "beacon"}, action="drop", count=5)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.done("network/form", permit_join=60)
        assert (await client.done("fault/list"))["faults"][0]["left"] == 5  # type: ignore[index]
        await client.done("fault/disarm")
        await client.done("joiner/power", joiner="zboss-r22")
        verdict = await client.until("verdict", outcome="left-by-joiner")
        assert verdict["verdict"] == "pass"
        await client.done("run/stop")
        await client.done("network/form", permit_join=60)
        await client.done("joiner/power", joiner="zboss-r22")
        verdict = await client.until("verdict", verdict="fail")

    client, _ = bench(body, folder=tmp_path)
    told = [(event["state"], event["file"]) for event in client.of("capture")]
    assert told == [
        ("started", "fw.pcapng"),
        ("stopped", "fw.pcapng"),
        ("started", "fw-2.pcapng"),
        ("stopped", "fw-2.pcapng"),
    ]
    lines = [json.loads(line) for line in (tmp_path / "fw-2.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines].count("verdict") == 1
    assert (tmp_path / "fw.pcapng").stat().st_size > 0
    assert [event["on"] for event in client.of("joiner")] == [True, False, True, False, True, False]


def test_the_capture_of_the_first_network_is_not_written_over_by_the_next(tmp_path: Path) -> None:
    capture = tmp_path / "all.pcapng"

    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict")
        await client.done("network/form", channel=20)
        await client.done("network/form", channel=21)

    bench(body, capture=capture)
    sizes = [(tmp_path / name).stat().st_size for name in ("all.pcapng", "all-2.pcapng", "all-3.pcapng")]
    assert sizes[0] > sizes[1] > 0
    assert sizes[2] > 0


@pytest.mark.tshark
def test_each_network_is_told_of_with_the_behaviours_that_are_in_force_in_it(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        await client.done("profile/set", profile="pre-zb3", when="now")
        await client.done("capture/start", file="late")
        await client.done("behaviour/add", name="reqkey.delay", settings={"seconds": 2.0}, when="now")
        await client.done("network/form")

    (tmp_path / "again").mkdir()
    plain, lines = io.StringIO(), io.StringIO()
    bench(body, folder=tmp_path, capture=tmp_path / "all.pcapng", people=TerminalReporter(plain))
    bench(body, folder=tmp_path / "again", people=JsonReporter(lines))
    assert re.findall(r"^profile +(\S+):", plain.getvalue(), re.MULTILINE) == ["zb3", "pre-zb3"]
    assert "reqkey.delay" in plain.getvalue().rpartition("behaviours")[2].partition("network")[0]
    started = [
        each for line in lines.getvalue().splitlines() if (each := json.loads(line))["kind"] == "started"
    ]
    assert [each["profile"] for each in started] == ["zb3", "pre-zb3"]
    assert started[1]["behaviours"][-1] == "reqkey.delay"
    captures = {
        each.name: run(program("capinfos", "wireshark-common"), "-k", each).stdout
        for each in tmp_path.glob("*.pcapng")
    }
    assert {name: re.findall(r"profile: (\S+)", said) for name, said in captures.items()} == {
        "all.pcapng": ["zb3"],
        "late.pcapng": ["pre-zb3"],
        "all-2.pcapng": ["pre-zb3"],
    }


def test_frames_are_numbered_anew_in_each_network_in_events_as_in_answers() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("verdict")
        await client.done("network/form", permit_join=60)
        seen = len(client.events)
        await client.done("joiner/power", joiner="zboss-r22")
        await asyncio.sleep(4)
        answer = await client.done("permit-join", seconds=0)
        sent = [each["frame"] for each in client.events[seen:] if each["kind"] == "frame" and each["sent"]]
        assert len(sent) > 5
        assert sent == list(range(1, 1 + len(sent)))
        assert answer["effective"]["last_frame_old"]["frame"] == sent[-1]  # type: ignore[index]

    bench(body, frames=True)


def test_events_of_several_networks_have_one_clock() -> None:
    async def body(client: Client) -> None:
        await client.done("network/form")
        await client.done("profile/set", profile="pre-zb3", when={"after": {"seconds": 3}})
        await client.done("network/form")

    client, _ = bench(body)
    times = [event["t_mono_ns"] for event in client.events]
    assert times == sorted(times)  # type: ignore[type-var]
    assert [event["gen"] for event in client.of("switched")] == [2, 3, 4]


def test_a_network_that_somebody_else_has_does_not_end_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def session(order: Order, reporter: Reporter, *, utc_at_zero: int) -> AsyncIterator[Session]:
        if order.setting.pan_id == 0x1234:
            raise NetworkInUse("PAN 0x1234 is in use on channel 20: choose another")
        async with original(order, reporter, utc_at_zero=utc_at_zero) as running:
            yield running

    original = sessions.session
    monkeypatch.setattr(steering, "session", session)

    async def body(client: Client) -> None:
        error = await client.refused("network/form", channel=20, pan_id="0x1234")
        assert error["code"] == "timeout"
        assert "in use" in str(error["message"])
        formed = await client.done("network/get")
        assert formed["channel"] == 20
        assert formed["pan_id"] != "0x1234"
        assert (await client.done("network/form", pan_id="0x4321"))["network"]["pan_id"] == "0x4321"  # type: ignore[index]

    bench(body)


@pytest.mark.parametrize(
    ("key", "value"),
    [("pan_id", "0xffff"), ("extended_pan_id", "00:00:00:00:00:00:00:00")],
)
def test_what_is_no_networks_identifier_is_invalid_and_the_network_stays(key: str, value: str) -> None:
    async def body(client: Client) -> None:
        before = await client.done("network/get")
        assert (await client.refused("network/form", **{key: value}))["code"] == "invalid"
        assert await client.done("network/get") == before

    bench(body)


def test_captures_that_are_under_way_are_bounded(tmp_path: Path) -> None:
    async def body(client: Client) -> None:
        for number in range(8):
            await client.done("capture/start", file=f"c{number}")
        assert (await client.refused("capture/start", file="c8"))["code"] == "refused"
        await client.done("capture/stop")
        await client.done("capture/start", file="c8")

    client, _ = bench(body, folder=tmp_path)
    stopped = [event for event in client.of("capture") if event["state"] == "stopped"]
    assert len(stopped) == 9
