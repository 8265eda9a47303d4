"""A thousand requests in flight at the real program, and the memory that it has in the kernel's books."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from tests.control.mqtt.broker import OPEN, broker
from tests.end_to_end.control.rack import Client, Daemon, Json, bench, run

pytestmark = pytest.mark.real_time

IN_FLIGHT, TOO_MANY = 1_000, 200
TOGETHER = 100
"""Requests that are on their way to the broker at a time."""
ROUNDS = 3
WHILE_THEY_WAIT = 24.0
"""MiB more that a thousand requests may take: they have a task, a timer and an answer to come each."""
FROM_ROUND_TO_ROUND = 3.0
"""MiB more after some rounds than after the first: whoever kept every request would need several a round."""


def resident(served: Daemon) -> float:
    """MiB in memory."""
    status = Path(f"/proc/{served.process.pid}/status").read_text("ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


async def all_at_once(tc: Client, **request: object) -> tuple[list[asyncio.Future[Json]], list[int]]:
    """Ask for a verdict so often; the answers, and in which order they come."""
    order: list[int] = []
    answers: list[asyncio.Future[Json]] = []
    while len(answers) < IN_FLIGHT + TOO_MANY:
        for answer in await asyncio.gather(*(tc.begin("verdict/get", **request) for _ in range(TOGETHER))):
            answer.add_done_callback(partial(_came, order, len(answers)))
            answers.append(answer)
    return answers, order


def _came(order: list[int], number: int, _answer: object) -> None:
    order.append(number)


def test_a_thousand_in_flight_are_answered_in_order_in_bounded_memory(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(tmp_path, there) as (served, tc):
            await tc.done("run/start", run="r", permit_join=120.0, observe=3.0)
            before = resident(served)
            answers, order = await all_at_once(tc, run="r", wait=60.0)
            health = await tc.done("health")
            assert health["requests_in_flight"] == IN_FLIGHT + 1
            assert resident(served) - before < WHILE_THEY_WAIT
            async with asyncio.timeout(30):
                refused = await asyncio.gather(*answers[IN_FLIGHT:])
            assert {answer["error"]["code"] for answer in refused} == {"busy"}
            await tc.done("joiner/power", joiner="zboss-r22")
            async with asyncio.timeout(60):
                done = await asyncio.gather(*answers[:IN_FLIGHT])
            assert {answer["data"]["outcome"] for answer in done} == {"joined-secure"}, done[0]
            assert order == [*range(IN_FLIGHT, IN_FLIGHT + TOO_MANY), *range(IN_FLIGHT)]
            await tc.done("run/stop")

            await tc.done("run/start", run="nobody comes", permit_join=120.0, observe=60.0)
            after = [resident(served)]
            for _ in range(ROUNDS):
                answers, _ = await all_at_once(tc, run="nobody comes", wait=1.0)
                async with asyncio.timeout(60):
                    found = await asyncio.gather(*answers)
                assert {answer["status"] for answer in found} == {"error"}
                after.append(resident(served))
            assert (await tc.done("health"))["requests_in_flight"] == 1
            assert after[-1] - after[1] < FROM_ROUND_TO_ROUND, after

    with broker(tmp_path, f"{OPEN}\nmax_queued_messages 10000") as there:
        run(scenario())
