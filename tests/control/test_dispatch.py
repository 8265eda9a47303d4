"""Requests and answers: once each, in order, and never for what nobody asks now."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine

import pytest

from coordinator.control.dispatch import REMEMBERED, Call, Context, Dispatcher, Handler
from coordinator.control.schema import bench
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.commands import Response
from coordinator.control.schema.errors import ControlError, ErrorCode
from coordinator.runtime.virtual_time import VirtualTimeLoop

VERB = "run/get"


class Handled:
    """A handler that says how often it was called; it waits for `gate` if there is one."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.gate: asyncio.Event | None = None
        self.fails: BaseException | None = None

    def __call__(self, request: Request, _context: Context) -> Data | Awaitable[Data]:
        assert isinstance(request, bench.RunGet)
        self.asked.append(request.run)
        if self.gate is not None:
            return self._later(self.gate)
        return self._now()

    async def _later(self, gate: asyncio.Event) -> Data:
        await gate.wait()
        return self._now()

    def _now(self) -> Data:
        if self.fails is not None:
            raise self.fails
        return bench.Run(run=f"call {len(self.asked)}", active=False)


def call(
    *, retained: bool = False, expires: float | None = None, verb: str = VERB, **request: object
) -> Call:
    return Call(
        verb=verb, body=json.dumps(request).encode(), origin="a test", retained=retained, expires=expires
    )


def run(body: Callable[[], Coroutine[object, object, None]]) -> None:
    """In virtual time, in asyncio's debug mode; what nobody awaited or retrieved is an error."""
    complaints: list[str] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: complaints.append(str(context["message"]))
        )
        await body()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=VirtualTimeLoop, debug=True) as runner:
        runner.run(whole())
    assert complaints == []


def code(response: Response) -> ErrorCode | None:
    return None if response.error is None else response.error.code


def name(response: Response) -> object:
    assert response.data is not None, response
    return response.data["run"]


def test_a_retained_an_expired_and_a_late_request_are_refused_and_say_whose_they_are() -> None:
    async def body() -> None:
        handled = Handled()
        dispatcher = Dispatcher({VERB: handled}, wall=lambda: 1000.0)
        now = asyncio.get_running_loop().time()
        retained = await dispatcher.answer(call(retained=True, transaction="a"))
        assert (code(retained), retained.transaction) == (ErrorCode.RETAINED, "a")
        expired = await dispatcher.answer(call(expires=now, transaction="b"))
        assert (code(expired), expired.transaction) == (ErrorCode.EXPIRED, "b")
        assert code(await dispatcher.answer(call(not_after=999.9))) is ErrorCode.EXPIRED
        assert handled.asked == []
        assert code(await dispatcher.answer(call(expires=now + 1, not_after=1000.1))) is None
        await dispatcher.close()

    run(body)


def test_what_is_wrong_with_a_request_is_told_under_its_transaction() -> None:
    async def body() -> None:
        dispatcher = Dispatcher({VERB: Handled()})
        for wrong in (
            call(rnu="x", transaction="mine"),
            call(verb="run/gte", transaction="mine"),
            call(run=7, transaction="mine"),
        ):
            response = await dispatcher.answer(wrong)
            assert response.status == "error"
            assert response.transaction == "mine"
        unreadable = await dispatcher.answer(call(run=7, transaction="with a space"))
        assert unreadable.transaction is None

    run(body)


def test_the_same_transaction_while_the_first_waits_is_done_once_and_both_are_answered() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        dispatcher = Dispatcher({VERB: handled})
        first = asyncio.ensure_future(dispatcher.answer(call(transaction="t")))
        second = asyncio.ensure_future(dispatcher.answer(call(transaction="t")))
        await asyncio.sleep(100)
        assert dispatcher.in_flight == 1
        handled.gate.set()
        assert name(await first) == name(await second) == "call 1"
        await dispatcher.close()

    run(body)


def test_an_answer_is_remembered_for_a_minute_after_it_was_given() -> None:
    async def body() -> None:
        handled = Handled()
        dispatcher = Dispatcher({VERB: handled})
        for other in range(30):
            await dispatcher.answer(call(transaction=f"other {other}".replace(" ", "-")))
        assert name(await dispatcher.answer(call(transaction="t"))) == "call 31"
        await asyncio.sleep(59)
        assert name(await dispatcher.answer(call(transaction="t"))) == "call 31"
        await asyncio.sleep(2)
        assert name(await dispatcher.answer(call(transaction="t"))) == "call 32"

    run(body)


def test_the_minute_of_an_answer_that_took_long_begins_when_it_is_given() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        dispatcher = Dispatcher({VERB: handled})
        asked = asyncio.ensure_future(dispatcher.answer(call(transaction="t")))
        await asyncio.sleep(300)
        handled.gate.set()
        await asked
        await asyncio.sleep(59)
        assert name(await dispatcher.answer(call(transaction="t"))) == "call 1"
        await dispatcher.close()

    run(body)


def test_a_transaction_that_comes_with_another_request_is_a_conflict() -> None:
    async def body() -> None:
        handled = Handled()
        dispatcher = Dispatcher({VERB: handled})
        await dispatcher.answer(call(transaction="t"))
        assert code(await dispatcher.answer(call(transaction="t", run="x"))) is ErrorCode.CONFLICT
        assert handled.asked == [None]

    run(body)


def test_a_refusal_is_the_first_answer_too_and_delivered_twice_nothing_is_done() -> None:
    async def body() -> None:
        handled = Handled()
        handled.fails = ControlError(ErrorCode.REFUSED, "not now")
        dispatcher = Dispatcher({VERB: handled})
        assert code(await dispatcher.answer(call(transaction="t"))) is ErrorCode.REFUSED
        handled.fails = None
        assert code(await dispatcher.answer(call(transaction="t"))) is ErrorCode.REFUSED
        assert len(handled.asked) == 1

    run(body)


def test_more_than_may_wait_are_busy_and_may_ask_again_with_the_same_transaction() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        dispatcher = Dispatcher({VERB: handled}, in_flight=3)
        waiting = [asyncio.ensure_future(dispatcher.answer(call())) for _ in range(3)]
        await asyncio.sleep(0)
        assert code(await dispatcher.answer(call(transaction="t"))) is ErrorCode.BUSY
        handled.gate.set()
        await asyncio.gather(*waiting)
        assert code(await dispatcher.answer(call(transaction="t"))) is None
        await dispatcher.close()

    run(body)


@pytest.mark.parametrize("at_once", [True, False])
def test_an_error_of_ours_is_told_as_such_and_ends_nothing(at_once: bool) -> None:
    async def body() -> None:
        handled, broken = Handled(), list[BaseException]()
        handled.fails = ZeroDivisionError("1/0")
        handled.gate = None if at_once else asyncio.Event()
        if handled.gate is not None:
            handled.gate.set()
        dispatcher = Dispatcher({VERB: handled}, broken=broken.append)
        response = await dispatcher.answer(call())
        assert code(response) is ErrorCode.INTERNAL
        assert response.error is not None
        assert "1/0" not in response.error.message
        assert broken == [handled.fails]
        handled.fails = None
        assert code(await dispatcher.answer(call())) is None
        await dispatcher.close()

    run(body)


def test_requests_are_begun_in_the_order_they_came() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        dispatcher = Dispatcher({VERB: handled})
        begun = [dispatcher.begin(call(run=str(number))) for number in range(20)]
        assert handled.asked == [str(number) for number in range(20)]
        handled.gate.set()
        for each in begun:
            assert isinstance(each, asyncio.Future)
            await each
        await dispatcher.close()

    run(body)


def test_who_hangs_up_does_not_undo_the_request() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        answered: list[Response] = []
        dispatcher = Dispatcher({VERB: handled}, answered=lambda _c, _r, response: answered.append(response))
        asked = asyncio.ensure_future(dispatcher.answer(call()))
        await asyncio.sleep(1)
        asked.cancel()
        await asyncio.sleep(1)
        assert answered == []
        handled.gate.set()
        await asyncio.sleep(1)
        assert [each.status for each in answered] == ["ok"]
        await dispatcher.close()

    run(body)


def test_at_the_end_everybody_is_answered_even_who_asked_in_this_very_moment() -> None:
    async def body() -> None:
        handled = Handled()
        handled.gate = asyncio.Event()
        dispatcher = Dispatcher({VERB: handled})
        early = dispatcher.begin(call(transaction="early"))
        await asyncio.sleep(1)
        late = dispatcher.begin(call(transaction="late"))
        await dispatcher.close()
        for each in (early, late):
            assert isinstance(each, asyncio.Future)
            assert code(await each) is ErrorCode.TIMEOUT
        assert code(await dispatcher.answer(call())) is ErrorCode.REFUSED
        await dispatcher.close()

    run(body)


def test_what_is_remembered_is_bounded() -> None:
    async def body() -> None:
        handled = Handled()
        dispatcher = Dispatcher({VERB: handled})
        for number in range(REMEMBERED + 50):
            dispatcher.begin(call(transaction=str(number)))
        begun = len(handled.asked)
        dispatcher.begin(call(transaction="0"))
        assert len(handled.asked) == begun + 1
        dispatcher.begin(call(transaction=str(REMEMBERED + 49)))
        assert len(handled.asked) == begun + 1

    run(body)


def test_a_command_without_a_handler_is_refused() -> None:
    async def body() -> None:
        handlers: dict[str, Handler] = {}
        assert code(await Dispatcher(handlers).answer(call())) is ErrorCode.REFUSED

    run(body)
