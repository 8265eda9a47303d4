"""A request that is delivered once more, when it would be refused if it were new: its first answer stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine

import pytest

from coordinator.control.dispatch import Call, Context, Dispatcher
from coordinator.control.schema import bench
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.commands import Response
from coordinator.control.schema.errors import ErrorCode
from coordinator.runtime.virtual_time import VirtualTimeLoop


class Counted:
    """A bench that says how often it was asked, and what the time is."""

    def __init__(self) -> None:
        self.times = 0
        self.wall = 1000.0
        self.dispatcher = Dispatcher({"run/get": self._answer}, wall=lambda: self.wall)

    def _answer(self, _request: Request, _context: Context) -> Data:
        self.times += 1
        return bench.Run(run=f"call {self.times}", active=False)


def call(*, retained: bool = False, expires: float | None = None, **request: object) -> Call:
    body = json.dumps({"transaction": "t", "not_after": 1010.0, **request}).encode()
    return Call(verb="run/get", body=body, origin="a test", retained=retained, expires=expires)


def told(response: Response) -> object:
    return response.error.code if response.error is not None else (response.data or {}).get("run")


def run(body: Callable[[Counted], Coroutine[object, object, None]]) -> None:
    async def whole() -> None:
        counted = Counted()
        await body(counted)
        await counted.dispatcher.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(whole())


@pytest.mark.parametrize("why", ["not_after", "message expiry", "retained", "ending"])
def test_what_was_done_is_answered_as_done_when_it_comes_again_too_late(why: str) -> None:
    async def body(counted: Counted) -> None:
        assert told(await counted.dispatcher.answer(call())) == "call 1"
        again = call()
        match why:
            case "not_after":
                counted.wall = 1011.0
            case "message expiry":
                again = call(expires=asyncio.get_running_loop().time())
            case "retained":
                again = call(retained=True)
            case _:
                await counted.dispatcher.close()
        assert told(await counted.dispatcher.answer(again)) == "call 1"
        assert counted.times == 1

    run(body)


def test_what_was_not_done_is_refused_each_time_it_comes_too_late() -> None:
    async def body(counted: Counted) -> None:
        counted.wall = 1011.0
        for _ in range(2):
            assert told(await counted.dispatcher.answer(call())) is ErrorCode.EXPIRED
        assert told(await counted.dispatcher.answer(call(transaction="u", retained=True))) is (
            ErrorCode.RETAINED
        )
        assert counted.times == 0

    run(body)


def test_another_request_under_the_transaction_is_a_conflict_however_late_it_comes() -> None:
    async def body(counted: Counted) -> None:
        await counted.dispatcher.answer(call())
        counted.wall = 1011.0
        assert told(await counted.dispatcher.answer(call(run="x"))) is ErrorCode.CONFLICT

    run(body)
