"""Fault 35: the event loop stands still for three seconds. Health says so, and what was watched meanwhile is
inconclusive: what the Trust Center was to do, it did late. What comes later is as if nothing had been.
"""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.control.rig import Client, bench
from tests.faults.host.daemon import daemon


def test_what_was_watched_while_the_host_stood_still_is_inconclusive_and_nothing_later() -> None:
    async def body(client: Client) -> None:
        session = client.service.bench.session
        assert session is not None
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("standing", after="keyed")
        session.stalled(3.0)
        told = await client.until("verdict")
        assert told["verdict"] == "inconclusive"
        assert told["incomplete"] == ["the host stood still for 3.0 s: what was due meanwhile was done late"]
        await client.done("joiner/power", joiner="zboss-r22")
        told = await client.until("verdict", verdict="pass")
        assert told["incomplete"] == []

    client, _ = bench(body)
    assert client.of("radio") == []  # on an air of our own no frame is missing


@pytest.mark.real_time
def test_a_process_that_stands_still_for_three_seconds_notices() -> None:
    with daemon() as running:
        running.done("run/start", run="one", permit_join=60, observe=8)  # longer than we may be late
        running.done("joiner/power", joiner="zboss-r22")
        running.until("joined")
        os.kill(running.process.pid, signal.SIGSTOP)
        time.sleep(3)
        os.kill(running.process.pid, signal.SIGCONT)
        health = running.done("health")
        assert health["ok"] is False
        assert 2500 < float(str(health["loop_lag_ms"])) < 30_000
        assert any("event loop ran" in problem for problem in health["problems"])  # type: ignore[attr-defined]
        verdict = running.done("verdict/get", run="one", wait=60)
        assert verdict["verdict"] == "inconclusive"
        assert any("the host stood still for" in each for each in verdict["incomplete"])  # type: ignore[attr-defined]
        running.done("run/stop")

        running.done("run/start", run="two", permit_join=60, observe=3)
        running.done("joiner/power", joiner="zboss-r22")
        verdict = running.done("verdict/get", run="two", wait=60)
        assert (verdict["verdict"], verdict["incomplete"]) == ("pass", [])
