"""A switch so many seconds from now, asked for in states of a join, over a real broker and in real time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.control.mqtt.broker import Broker
from tests.end_to_end.control.rack import Client, Json, bench, run
from tests.end_to_end.control.test_each_state import JOINER, LEFT, SECURE, SLOW, STATES

pytestmark = pytest.mark.real_time

SECONDS = 0.25
IN_STATES = ("before the beacon", "associated", "Request-Key heard", "verified")
LATE = 5.0
"""Seconds for what should take a moment, on a machine that has other things to do."""


async def switched_in(tc: Client, name: str) -> None:
    """One join, and one switch asked for in a state of it."""
    state = STATES[name]
    generation = (await tc.done("profile/set", profile=SLOW, when="now"))["generation"]
    since = tc.last
    powering: Json = {"joiner": JOINER}
    if state.reached is not None:
        device = (await tc.done("joiner/power", **powering))["device"]
        await state.reached(tc, since)
    asking = await tc.begin("profile/set", profile="pre-zb3", when={"after": {"seconds": SECONDS}})
    waiting = await tc.until("pending", since, state="waiting")
    if state.reached is None:
        device = (await tc.done("joiner/power", **powering))["device"]
    answer = await tc.answer("profile/set", asking)
    assert answer["status"] == "ok", answer
    assert answer["data"]["generation"] == generation + 1
    switched = await tc.until("switched", since, gen=generation + 1)
    took = (switched["t_mono_ns"] - waiting["t_mono_ns"]) / 1e9
    assert SECONDS - 0.01 <= took < SECONDS + LATE
    assert switched["effective"]["t_mono_ns"] == answer["data"]["effective"]["t_mono_ns"]
    verdict = await tc.until("verdict", since, device=device)
    asked = await tc.step("Request-Key", since)
    old = asked["seq"] < switched["seq"]
    assert verdict["outcome"] == (SECURE if old else LEFT), (name, asked, switched)
    if name in ("Request-Key heard", "verified"):
        assert old
    await tc.done("joiner/power", on=False)


def test_a_switch_so_many_seconds_from_now_comes_then_whatever_state_a_join_is_in(
    own: Broker, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, own, "--permit-join", "180", "--observe", "2.5") as (_served, tc):
            for name in IN_STATES:
                await switched_in(tc, name)

    run(scenario())
