"""Which verdict is given: the present run's, the next one, and none that nobody asked for."""

from __future__ import annotations

import asyncio

from tests.control.rig import Client, Json, bench

NOBODY = "00:00:00:00:00:00:00:99"


async def joins(client: Client) -> Json:
    """A device joins and is judged."""
    powered = await client.done("joiner/power", joiner="zboss-r22")
    return await client.until("verdict", device=powered["device"])


def now() -> float:
    return asyncio.get_running_loop().time()


def test_while_a_run_is_under_way_a_verdict_of_an_earlier_one_is_not_given() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="old", permit_join=600)
        await joins(client)
        await client.done("run/stop")
        assert (await client.done("verdict/get"))["run"] == "old"
        await client.done("run/start", run="new", permit_join=600)
        error = await client.refused("verdict/get")
        assert error["code"] == "not-found"
        assert "'new'" in str(error["message"])
        waiting = asyncio.ensure_future(client.done("verdict/get", wait=30))
        await asyncio.sleep(1)
        assert not waiting.done()
        await joins(client)
        assert (await waiting)["run"] == "new"
        assert (await client.done("verdict/get", run="old"))["run"] == "old"

    bench(body)


def test_the_next_verdict_is_the_first_after_the_one_that_is_known() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="r", permit_join=600)
        events = [await joins(client)]
        first = await client.done("verdict/get")
        assert (first["seq"], first["device"]) == (events[0]["seq"], events[0]["device"])
        assert (await client.refused("verdict/get", after=first["seq"]))["code"] == "not-found"
        waiting = asyncio.ensure_future(client.done("verdict/get", after=first["seq"], wait=60))
        events.append(await joins(client))
        assert (await waiting)["device"] == events[1]["device"]
        events.append(await joins(client))
        found, after = list[object](), 0
        for _ in events:
            verdict = await client.done("verdict/get", after=after)
            found.append(verdict["device"])
            after = int(str(verdict["seq"]))
        assert found == [event["device"] for event in events]
        assert (await client.done("verdict/get"))["device"] == events[-1]["device"]
        run = await client.done("run/get")
        assert [each["seq"] for each in run["verdicts"]] == [each["seq"] for each in events]  # type: ignore[attr-defined]

    bench(body, observe=2, permit=600)


def test_who_waits_for_a_run_is_answered_when_it_ends_without_such_a_verdict() -> None:
    async def body(client: Client) -> None:
        await client.done("joiner/power", joiner="zboss-r22")
        await client.done("run/start", run="r", permit_join=600)
        began = now()
        waiting = asyncio.ensure_future(client.refused("verdict/get", device=NOBODY, wait=3000))
        await asyncio.sleep(10)
        await client.done("run/stop")
        error = await waiting
        assert (error["code"], now() - began < 20) == ("not-found", True)
        assert error["message"] == "the run 'r' ended without such a verdict"

    bench(body)


def test_a_run_that_nobody_knows_is_not_waited_for() -> None:
    async def body(client: Client) -> None:
        await client.done("run/start", run="fw-1.8.2#311")
        began = now()
        error = await client.refused("verdict/get", run="fw-1.8.2#312", wait=3000)
        assert (error["code"], now()) == ("not-found", began)
        assert "did you mean 'fw-1.8.2#311'?" in str(error["message"])
        error = await client.refused("run/get", run="fw-1.8.2#310")
        assert "did you mean 'fw-1.8.2#311'?" in str(error["message"])

    bench(body)


def test_an_event_that_has_not_happened_is_nothing_to_wait_after() -> None:
    async def body(client: Client) -> None:
        began = now()
        error = await client.refused("verdict/get", after=100_000, wait=3000)
        assert (error["code"], now()) == ("not-found", began)
        assert "the last is" in str(error["message"])

    bench(body)
