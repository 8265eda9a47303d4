"""The default verb, a Trust Center until told to stop, on an event loop whose time jumps."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import pytest

from coordinator.cli import invoke
from coordinator.runtime.virtual_time import VirtualTimeLoop

Line = dict[str, object]
Result = TypeVar("Result")


def in_virtual_time(coroutine: Coroutine[object, object, Result]) -> Result:
    """What `asyncio.run` does, without the waiting."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


@pytest.fixture(autouse=True)
def _time_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.cli.run.asyncio.run", in_virtual_time)


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> StopAfter:
    """Somebody who sends us a signal some virtual seconds after we began."""
    return StopAfter(monkeypatch)


class StopAfter:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, seconds: float, number: signal.Signals) -> None:
        async def stopped(coroutine: Coroutine[object, object, Result]) -> Result:
            asyncio.get_running_loop().call_later(seconds, os.kill, os.getpid(), number)
            return await coroutine

        self._monkeypatch.setattr(
            "coordinator.cli.run.asyncio.run", lambda coroutine: in_virtual_time(stopped(coroutine))
        )


def live(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and stdout; there is nothing to complain of."""
    code = invoke(["--seed", "1", *arguments])
    out, err = capsys.readouterr()
    assert not err
    return code, out


def lines(text: str) -> list[Line]:
    return [cast(Line, json.loads(line)) for line in text.splitlines()]


def test_the_default_joiner_is_the_seeds_router(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = live(capsys, "--profile", "pre-zb3", "--once")
    assert code == 1
    assert out.index("SIMULATED RADIO") < out.index("zboss-r22") < out.index("Association Request")
    assert "FAIL  left-by-joiner at transport-link-key" in out
    assert "radio: sim" in out.partition("-- verdict")[2]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--profile", "pre-zb3", "--expect", "left-by-joiner"), 0),
        (("--profile", "zb3"), 0),
        (("--profile", "zb3", "--joiner", "ha12"), 1),
        (("--profile", "zb3", "--joiner", "ha12", "--expect", "removed-by-trust-center"), 0),
        (("--profile", "zb3", "--channel", "26", "--permit-join", "1"), 7),
    ],
)
def test_once_ends_with_the_code_of_the_first_verdict(
    arguments: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert live(capsys, *arguments, "--once")[0] == code


def test_a_live_run_tells_what_a_simulated_one_tells(capsys: pytest.CaptureFixture[str]) -> None:
    names = ("--profile", "pre-zb3", "--joiner", "zboss-r22-legacy-update")
    _, out = live(capsys, *names, "--once")
    invoke(["simulate", *names])
    assert out == capsys.readouterr().out


def test_json_is_started_steps_and_a_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = live(capsys, "--profile", "pre-zb3", "--once", "--json")
    assert code == 1
    started, *steps, verdict = lines(out)
    assert (started["kind"], started["radio"], started["profile"]) == ("started", "sim", "pre-zb3")
    assert {step["kind"] for step in steps} == {"step"}
    assert len(steps) > 10
    assert (verdict["kind"], verdict["radio"], verdict["outcome"]) == ("verdict", "sim", "left-by-joiner")
    times = [(line["t_mono_us"], line["t_utc"]) for line in (started, *steps, verdict)]
    assert times == sorted(times, key=lambda pair: cast(int, pair[0]))
    assert all(str(utc).endswith("Z") for _, utc in times)
    deviating = [step for step in steps if step["deviations"]]
    assert len(deviating) == 1
    assert "tclk.reuse_global" in str(deviating[0]["deviations"])


def test_nobody_heard_while_joining_was_open_is_inconclusive(capsys: pytest.CaptureFixture[str]) -> None:
    # The joiner scans channel 11 first and comes to 26 two seconds later, when joining is closed.
    arguments = ("--profile", "zb3", "--channel", "26", "--permit-join", "1")
    code, out = live(capsys, *arguments, "--once", "--json")
    assert code == 7
    verdict = lines(out)[-1]
    assert (verdict["outcome"], verdict["device"]) == ("inconclusive", None)


def test_a_joiner_that_finds_the_network_closed_does_not_associate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out = live(capsys, "--profile", "zb3", "--permit-join", "0", "--once", "--json")
    assert code == 1
    assert lines(out)[-1]["outcome"] == "not-associated"
    assert "association is not permitted" in str(lines(out)[-1]["explanation"])


def permits(events: Path) -> list[tuple[float, int]]:
    """When joining was opened, in seconds, and for how long."""
    found = []
    for event in lines(events.read_text()):
        request = event.get("request")
        if isinstance(request, dict) and request.get("primitive") == "NLME-PERMIT-JOINING.request":
            found.append((cast(int, event["t_mono_us"]) / 1_000_000, cast(int, request["seconds"])))
    return found


def test_joining_longer_than_254_seconds_is_renewed_when_it_would_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # zigbee2mqtt#3177: one request opens joining for 254 s at most. This joiner, which leaves, opens none.
    events = tmp_path / "run.jsonl"
    arguments = (
        "--profile",
        "key-reuse",
        "--permit-join",
        "600",
        "--observe",
        "650",
        "--events",
        str(events),
    )
    code, _ = live(capsys, *arguments, "--once")
    assert code == 1
    assert permits(events) == [(0, 254), (254, 254), (508, 92)]


def test_a_joiner_that_opens_joining_for_a_shorter_time_does_not_close_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The last steering step is a Mgmt_Permit_Joining_req of 180 s (protocol.md 1.6).
    events = tmp_path / "run.jsonl"
    arguments = ("--profile", "zb3", "--permit-join", "600", "--observe", "650", "--events", str(events))
    code, _ = live(capsys, *arguments, "--once")
    assert code == 0
    opened = permits(events)
    assert (opened[0], opened[1][1]) == ((0, 254), 180)
    for (began, span), (following, _) in pairwise(opened):
        assert following <= began + span
    began, span = opened[-1]
    assert 600 <= began + span < 601


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_without_once_it_runs_until_a_signal_and_closes_its_files(
    number: signal.Signals,
    code: int,
    stop_after: StopAfter,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capture, events = tmp_path / "run.pcapng", tmp_path / "run.jsonl"
    stop_after(3600, number)
    arguments = ("--profile", "pre-zb3", "--capture", str(capture), "--events", str(events))
    ended, out = live(capsys, *arguments)
    assert ended == code
    assert out.count("-- verdict") == 1
    written = lines(events.read_text())
    assert written[-1]["kind"] != "verdict"  # the coordinator went on after it
    assert cast(int, written[-1]["t_mono_us"]) > 3500 * 1_000_000
    (verdict,) = [line for line in written if line["kind"] == "verdict"]
    assert verdict["outcome"] == "left-by-joiner"
    assert capture.stat().st_size > 1000


def test_a_signal_before_the_window_closed_gives_an_inconclusive_verdict_that_says_so(
    stop_after: StopAfter, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_after(5, signal.SIGTERM)
    code, out = live(capsys, "--profile", "pre-zb3", "--once", "--json")
    assert code == 143
    verdict = lines(out)[-1]
    assert (verdict["kind"], verdict["verdict"]) == ("verdict", "inconclusive")
    assert verdict["incomplete"] == ["interrupted before the window closed"]


def test_our_own_bug_in_the_stack_ends_the_run_with_code_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("coordinator.trust_center.engine.Engine.indicate", fail)
    assert invoke(["--profile", "zb3", "--once"]) == 70
    assert capsys.readouterr().err.count("\n") == 1
