"""A switch in each state of a join, at each `when`, over a real broker and in real time.

A daemon for each state, all at once; in each, a join for each `when`. The state is reached by waiting for its
event, so the request comes as late as a rack's would. One that came too late for the state is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.control.mqtt.broker import broker
from tests.end_to_end.control.rack import Client, Json, bench, run

pytestmark = pytest.mark.real_time

SLOW: Json = {
    "extends": "zb3",
    "title": "Takes its time, so that a state lasts",
    "behaviours": [
        {"name": "reqkey.delay", "seconds": 0.4},
        {"name": "confirm.delay", "seconds": 0.4},
    ],
}
SECURE, LEFT = "joined-secure", "left-by-joiner"
JOINER = "zboss-r22"
ASKED = "asked"
"""How the transactions of the switches in question begin."""
ATTEMPTS = 8
"""A state lasts half a second or more: so many requests in a row are not all late."""


async def power(tc: Client) -> str:
    return str((await tc.done("joiner/power", joiner=JOINER))["device"])


def stands(standing: str) -> Callable[[Client, int], Awaitable[Json]]:
    return lambda tc, since: tc.until("standing", since, after=standing)


Over = Callable[[Json], bool]


def at_standing(standing: str) -> Over:
    return lambda event: event["kind"] == "standing" and event["after"] == standing


def at_step(words: str) -> Over:
    return lambda event: event["kind"] == "join-step" and not event["ghost"] and words in event["what"]


@dataclass(frozen=True, kw_only=True)
class State:
    """How it is reached, which event ends it, a step that comes after it, and how each switch there ends.

    `reached` is None before anybody is there. `again`: the step is one of the next device's. `open`: the kind
    of thing that is under way, which `next-exchange` or `next-join` waits for.
    """

    reached: Callable[[Client, int], Awaitable[Json]] | None
    step: str
    ends: dict[str, str]
    over: Over = lambda _event: False
    again: bool = False
    open: tuple[str, ...] = ()
    before: str | Json = "slow"
    after: str = "pre-zb3"


def ends(now: str, next_exchange: str, next_join: str, old: str, new: str) -> dict[str, str]:
    return dict(zip(WHENS, (now, next_exchange, next_join, old, new), strict=True))


WHENS = ("now", "next-exchange", "next-join", "after, its answer still old", "after, its answer new already")

STATES = {
    "before the beacon": State(
        reached=None, step="association-request", ends=ends(LEFT, LEFT, LEFT, LEFT, LEFT)
    ),
    "associated": State(
        reached=lambda tc, since: tc.until("joined", since),
        over=at_step("Node_Desc_req"),
        step="request-key",
        ends=ends(LEFT, LEFT, SECURE, SECURE, LEFT),
        open=("next-join",),
    ),
    "keyed": State(
        reached=stands("keyed"),
        over=at_step("Node_Desc_req"),
        step="request-key",
        ends=ends(LEFT, LEFT, SECURE, SECURE, LEFT),
        open=("next-join",),
    ),
    "authenticated": State(
        reached=stands("authenticated"),
        over=at_step("Node_Desc_req"),
        step="node-descriptor-request",
        ends=ends(LEFT, LEFT, SECURE, LEFT, LEFT),
        open=("next-join",),
    ),
    "Request-Key heard": State(
        reached=lambda tc, since: tc.step("Request-Key", since),
        over=at_standing("offered"),
        step="verify-key",
        ends=ends(SECURE, SECURE, SECURE, SECURE, SECURE),
        open=("next-exchange", "next-join"),
    ),
    "offered": State(
        reached=stands("offered"),
        over=at_standing("verified"),
        step="confirm-key",
        ends=ends(SECURE, SECURE, SECURE, SECURE, SECURE),
        open=("next-exchange", "next-join"),
    ),
    "verified": State(
        reached=stands("verified"),
        step="beacon-request",
        ends=ends(SECURE, SECURE, SECURE, SECURE, SECURE),
        again=True,
    ),
    "after it left": State(
        reached=lambda tc, since: tc.until("left", since, by="device"),
        step="association-response",
        ends=ends(LEFT, LEFT, LEFT, LEFT, LEFT),
        again=True,
        before="pre-zb3",
        after="zb3",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One switch: what was asked and answered, `state` then, and everything that was told."""

    generation_before: int
    data: Json
    generation_at_answer: int
    asked: int
    events: list[Json]

    def one(self, kind: str, **fields: object) -> Json:
        """The one event of this kind with these fields."""
        (found,) = [
            event
            for event in self.events
            if event["kind"] == kind and all(event.get(name) == fields[name] for name in fields)
        ]
        return found

    @property
    def request(self) -> Json:
        """The event of the request's answer."""
        (found,) = [event for event in self.events if str(event.get("transaction")).startswith(ASKED)
                    and event["kind"] == "request"]  # fmt: skip
        return found

    @property
    def switched(self) -> Json:
        """The event of the generation that was answered."""
        return self.one("switched", gen=self.data["generation"])


def when_of(state: State, when: str) -> Any:
    if not when.startswith("after"):
        return when
    return {"after": {"event": state.step, "answer": "new" if when == WHENS[-1] else "old"}}


def reacted(event: Json) -> bool:
    """The bench has the request, and waits for its moment or has come to it."""
    return event["kind"] == "switched" or (event["kind"], event.get("state")) == ("pending", "waiting")


async def in_time(tc: Client, state: State, when: str) -> Seen:
    """A switch that was asked for while the state lasted."""
    for _ in range(ATTEMPTS):
        seen = await switch(tc, state, when)
        if seen is not None:
            return seen
    raise AssertionError(f"no request came while the state lasted: {when}")


async def switch(tc: Client, state: State, when: str) -> Seen | None:
    """One join from its begin to its verdict, and one switch in it; None if that was asked for too late."""
    before = SLOW if state.before == "slow" else state.before
    generation = (await tc.done("profile/set", profile=before, when="now"))["generation"]
    since = tc.last
    if state.reached is not None:
        device = await power(tc)
        await state.reached(tc, since)
    asked = tc.last
    change = {"profile": state.after, "when": when_of(state, when), "within": 20.0}
    answering = await tc.begin("profile/set", **change, transaction=f"{ASKED}-{since}")
    if state.reached is None:
        device = await power(tc)
    elif state.again and when.startswith("after"):
        await power(tc)
    answer = await tc.answer("profile/set", answering)
    at_answer = tc.generation_at_answer
    reaction = next((event["seq"] for event in tc.events if event["seq"] > asked and reacted(event)), tc.last)
    if any(state.over(event) for event in tc.events if since < event["seq"] < reaction):
        await tc.until("verdict", since, device=device)
        while (await tc.ask("joiner/power", on=False))["status"] == "ok":
            pass
        return None
    assert answer["status"] == "ok", answer
    await tc.until("switched", since, gen=answer["data"]["generation"])
    await tc.until("verdict", since, device=device)
    if len(tc.of("joiner", since, on=True)) > 1:
        await tc.until("standing", since, after="verified" if state.after == "zb3" else "left")
    events = [event for event in tc.events if event["seq"] > since]
    while (await tc.ask("joiner/power", on=False))["status"] == "ok":
        pass
    return Seen(
        generation_before=generation,
        data=answer["data"],
        generation_at_answer=at_answer,
        asked=asked,
        events=events,
    )


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Seen]:
    """Every switch in every state."""
    folder = tmp_path_factory.mktemp("states")
    found: dict[tuple[str, str], Seen] = {}

    async def one_state(number: int, name: str) -> None:
        options = ("--permit-join", "180", "--observe", "3.5", "--seed", str(number))
        async with bench(folder, there, *options, id=f"tc{number}") as (_served, tc):
            for when in WHENS:
                found[name, when] = await in_time(tc, STATES[name], when)

    async def all_states() -> None:
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(STATES):
                group.create_task(one_state(number, name))

    (folder / "broker").mkdir()
    with broker(folder / "broker") as there:
        run(all_states())
    return found


every_switch = pytest.mark.parametrize("when", WHENS)
every_state = pytest.mark.parametrize("state", STATES)


@every_state
@every_switch
def test_the_answer_comes_when_state_and_event_say_the_same(
    seen: dict[tuple[str, str], Seen], state: str, when: str
) -> None:
    found = seen[state, when]
    told, answered = found.switched["effective"], found.data["effective"]
    assert found.switched["seq"] < found.request["seq"]
    assert found.data["generation"] == found.generation_before + 1
    assert found.generation_at_answer == found.data["generation"]
    assert found.data["profile"] == found.switched["profile"] == STATES[state].after
    assert found.switched["change"] == f"profile/set {STATES[state].after}"
    for name in ("t_mono_ns", "t_wall", "last_frame_old", "outstanding_old"):
        assert told[name] == answered[name]
    first, first_told = answered["first_frame_new"], told["first_frame_new"]
    if first and first_told:
        assert first["frame"] == first_told["frame"]
    if first and answered["last_frame_old"]:
        assert first["frame"] > answered["last_frame_old"]["frame"]


@every_state
@every_switch
def test_the_join_ends_as_the_behaviour_of_its_steps_makes_it(
    seen: dict[tuple[str, str], Seen], state: str, when: str
) -> None:
    found = seen[state, when]
    device = next(event["device"] for event in found.events if event["kind"] == "joiner" and event["on"])
    assert found.one("verdict", device=device)["outcome"] == STATES[state].ends[when]


@every_state
@every_switch
def test_the_switch_comes_at_its_moment(seen: dict[tuple[str, str], Seen], state: str, when: str) -> None:
    found = seen[state, when]
    kinds = [(event["kind"], event.get("state")) for event in found.events if event["seq"] > found.asked]
    waits = when.startswith("after") or when in STATES[state].open
    assert (("pending", "waiting") in kinds) == waits
    if when in STATES[state].open:
        device = next(event["device"] for event in found.events if event["kind"] == "joined")
        settled = found.one("standing", device=device, after="verified")
        assert found.switched["t_mono_ns"] >= settled["t_mono_ns"]
        assert found.switched["seq"] > settled["seq"]
    elif not waits and STATES[state].open:
        later = [event for event in found.events if event["seq"] > found.switched["seq"]]
        assert any(event["kind"] == "standing" for event in later)
