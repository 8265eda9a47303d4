"""Fault 34: the wall clock jumps a day while a run is under way.

Windows, times to live, the memory of transactions and verdicts go by the monotonic clock. `t_wall` is the
wall's time at the beginning of the session and goes on from there, as the capture's times do, so that events
and frames stay in one order. Only `not_after` follows the wall, because whoever asks read it there.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

from tests.control.rig import Client, bench

DAY = 86_400.0


class Wall:
    """The wall clock, which somebody sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        self._time, self._time_ns = time.time, time.time_ns
        monkeypatch.setattr(time, "time", self.now)
        monkeypatch.setattr(time, "time_ns", lambda: self._time_ns() + round(self.ahead * 1e9))

    def now(self) -> float:
        return self._time() + self.ahead


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    return Wall(monkeypatch)


def moment(event: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(event["t_wall"]))


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_jump_of_a_day_changes_no_verdict_no_window_and_no_order(wall: Wall, jump: float) -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="one", permit_join=60, observe=3, ttl=30)
        await client.done("joiner/power", joiner="zboss-r22")
        await client.until("joined")
        wall.ahead = jump
        verdict = await client.done("verdict/get", run="one", wait=60)
        assert (verdict["verdict"], verdict["incomplete"]) == ("pass", [])
        assert (await client.done("run/get"))["active"] is True
        assert client.document("state")["permit_join_remaining"]
        assert (await client.done("health"))["ok"] is True
        await client.until("run", state="expired")

    client, _ = bench(body, permit=0)
    (joined,) = client.of("joined")
    (verdict,) = client.of("verdict")
    assert timedelta(seconds=2.5) < moment(verdict) - moment(joined) < timedelta(seconds=3.5)
    began, _, expired = (moment(event) for event in (*client.of("run"), client.of("run")[-1]))
    assert timedelta(seconds=29) < expired - began < timedelta(seconds=31)
    times = [moment(event) for event in client.events]
    assert times == sorted(times)


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_transaction_is_remembered_for_a_minute_whatever_the_wall_says(wall: Wall, jump: float) -> None:
    async def body(client: Client) -> None:
        first = await client.ask("profile/set", profile="pre-zb3", transaction="once")
        wall.ahead = jump
        assert await client.ask("profile/set", profile="pre-zb3", transaction="once") == first
        assert client.document("state")["generation"] == 2

    bench(body)


def test_not_after_is_read_on_the_wall(wall: Wall) -> None:
    async def body(client: Client) -> None:
        soon = time.time() + 60
        assert (await client.ask("profile/get", not_after=soon))["status"] == "ok"
        wall.ahead = DAY
        assert (await client.refused("profile/get", not_after=soon))["code"] == "expired"
        wall.ahead = -DAY
        assert (await client.ask("profile/get", not_after=soon))["status"] == "ok"

    bench(body)
