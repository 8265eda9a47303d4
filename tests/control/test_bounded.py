"""Fault 31, and what lasts for weeks: whatever is asked, however often, a bench keeps part of it."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import deque
from functools import partial

from coordinator.control.bench.runs import RUNS_KEPT, VERDICTS_KEPT
from coordinator.control.dispatch import REMEMBERED, Call
from coordinator.control.options import IN_FLIGHT
from coordinator.control.schema.commands import Response
from coordinator.switching.switcher import PENDING
from tests.control.rig import Client, bench

MANY = 10_000
LARGEST = REMEMBERED + 8
"""Entries of the largest table that a bench may keep: the answers to transactions."""
SWITCHES = 3_000
LARGEST_OF_SWITCHING = 1_024
JOINED = {"after": {"event": "join"}}


def tables(root: object) -> dict[str, int]:
    """Every table of the control plane and of the switching that can be reached from here, by its owner."""
    seen: set[int] = set()
    found: dict[str, int] = {}
    waiting: deque[tuple[str, object]] = deque([("", root)])
    while waiting:
        owner, each = waiting.popleft()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, (dict, list, set, deque)):
            found[owner] = max(found.get(owner, 0), len(each))
        module = type(each).__module__
        ours = module.startswith(("coordinator.control", "coordinator.switching", "coordinator.runtime"))
        name = type(each).__qualname__ if ours else owner
        if ours or isinstance(each, (dict, list, set, deque, tuple)):
            waiting.extend((name, further) for further in gc.get_referents(each))
    return found


def put_down(answered: list[int], number: int, _answer: object) -> None:
    answered.append(number)


def begin(client: Client, verb: str, **request: object) -> Response | asyncio.Future[Response]:
    call = Call(verb=verb, body=json.dumps(request).encode(), origin="a test")
    return client.service.plane.dispatcher.begin(call)


def test_a_thousand_who_wait_for_a_verdict_are_answered_in_the_order_they_asked_and_one_more_is_not() -> None:
    async def body(client: Client) -> None:
        answered: list[int] = []
        waiting: list[asyncio.Future[Response]] = []
        for number in range(IN_FLIGHT):
            begun = begin(client, "verdict/get", wait=60)
            assert not isinstance(begun, Response)
            begun.add_done_callback(partial(put_down, answered, number))
            waiting.append(begun)
        assert (await client.refused("verdict/get", wait=60))["code"] == "busy"
        assert (await client.done("health"))["requests_in_flight"] == IN_FLIGHT + 1
        await client.done("joiner/power", joiner="zboss-r22")
        responses = await asyncio.gather(*waiting)
        assert {response.status for response in responses} == {"ok"}
        assert answered == list(range(IN_FLIGHT))
        assert client.service.plane.dispatcher.in_flight == 0

    bench(body)


def test_no_more_changes_wait_than_the_switcher_keeps_and_each_takes_effect_in_the_order_it_was_asked() -> (
    None
):
    async def body(client: Client) -> None:
        answered: list[int] = []
        waiting: list[asyncio.Future[Response]] = []
        refused = 0
        for number in range(1000):
            begun = begin(client, "profile/set", profile="pre-zb3", when=JOINED, within=60)
            if isinstance(begun, Response):
                assert begun.error is not None
                assert begun.error.code.value == "refused"
                refused += 1
            else:
                begun.add_done_callback(partial(put_down, answered, number))
                waiting.append(begun)
        assert (len(waiting), refused) == (PENDING, 1000 - PENDING)
        await asyncio.sleep(1)
        assert (client.document("state")["pending"], client.document("state")["generation"]) == (PENDING, 1)
        await client.done("joiner/power", joiner="zboss-r22")
        responses = await asyncio.gather(*waiting)
        generations = [each.model_dump()["data"]["generation"] for each in responses]
        assert generations == list(range(2, PENDING + 2))
        assert answered == list(range(PENDING))
        assert client.document("state")["pending"] == 0

    bench(body)


def test_changes_whose_moment_does_not_come_are_withdrawn_and_answered() -> None:
    async def body(client: Client) -> None:
        waiting = [
            begin(client, "profile/set", profile="pre-zb3", when=JOINED, within=9) for _ in range(PENDING)
        ]
        responses = await asyncio.gather(*(each for each in waiting if not isinstance(each, Response)))
        assert [each.error.code.value for each in responses if each.error] == ["timeout"] * PENDING
        assert (client.document("state")["pending"], client.document("state")["generation"]) == (0, 1)

    bench(body)


def test_ten_thousand_runs_and_as_many_transactions_leave_bounded_tables() -> None:
    sizes: list[dict[str, int]] = []

    async def body(client: Client) -> None:
        unread = client.service.plane.feed.read(100)
        for number in range(MANY):
            begun = begin(client, "run/start", run=f"run-{number}", transaction=f"begin-{number}")
            assert isinstance(begun, Response)
            assert begun.status == "ok"
            begun = begin(client, "run/stop", transaction=f"end-{number}")
            assert isinstance(begun, Response)
            assert begun.status == "ok"
            if number % 100 == 0:
                await asyncio.sleep(0)
            client.events.clear()
        await asyncio.sleep(1)
        assert len(unread) == 100
        assert unread.lost > MANY
        unread.close()
        assert (await client.done("run/get", run=f"run-{MANY - 1}"))["active"] is False
        assert (await client.refused("run/get", run=f"run-{MANY - RUNS_KEPT - 1}"))["code"] == "not-found"
        client.events.clear()
        sizes.append(tables(client.service))
        assert len(asyncio.all_tasks()) < 20

    bench(body)
    assert max(sizes[0].values()) <= LARGEST, sizes[0]
    assert sizes[0]["Runs"] <= max(RUNS_KEPT, VERDICTS_KEPT)


def test_ten_thousand_events_that_nobody_reads_are_a_bounded_queue_and_a_gap_that_says_how_many() -> None:
    async def body(client: Client) -> None:
        feed = client.service.plane.feed
        unread = feed.read(1000)
        first = feed.seq + 1
        for number in range(MANY):
            feed.publish("finding", {"device": None, "summary": str(number)})
        assert len(unread) == 1000
        gap = unread.take()
        assert gap is not None
        assert (gap.kind, gap.body["count"]) == ("dropped", MANY - 1000)
        assert (gap.body["first_seq"], gap.body["last_seq"]) == (first, first + MANY - 1001)
        kept = unread.take()
        assert kept is not None
        assert kept.seq == first + MANY - 1000
        unread.close()

    bench(body)


def test_switching_thousands_of_times_leaves_bounded_tables() -> None:
    sizes: list[dict[str, int]] = []

    async def body(client: Client) -> None:
        for number in range(SWITCHES):
            profile = "pre-zb3" if number % 2 else "zb3"
            begun = begin(client, "profile/set", profile=profile, when="now")
            assert isinstance(begun, Response)
            assert begun.status == "ok"
            client.events.clear()
            if number % 100 == 0:
                await asyncio.sleep(0.01)
        assert client.document("state")["generation"] == SWITCHES + 1
        client.events.clear()
        await asyncio.sleep(1)
        sizes.append(tables(client.service))

    bench(body)
    assert max(sizes[0].values()) <= LARGEST_OF_SWITCHING, sizes[0]


def test_a_table_that_grows_would_be_seen() -> None:
    async def body(client: Client) -> None:
        client.service.bench.runs.present = None
        client.service.bench.runs._earlier.update({str(number): None for number in range(MANY)})  # type: ignore[misc]
        assert tables(client.service)["Runs"] == MANY

    bench(body)
