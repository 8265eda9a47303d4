"""Answers commands, whoever brings them: each begun in the order it came, each answered once.

A handler does its work in the call, or returns something to wait for. A `transaction` that is seen again
within its time gets the answer of the first, for MQTT may deliver twice.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from coordinator.control import payload
from coordinator.control.options import IN_FLIGHT
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.commands import Response
from coordinator.control.schema.errors import ControlError, ErrorCode

REMEMBERED_FOR = 60.0
"""Seconds that the answer to a transaction is kept, from when it was given."""
REMEMBERED = 4096
"""Answers kept at most; the oldest goes first."""


_NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came in. `origin` says from whom, for people: ``mqtt``, ``http 127.0.0.1``."""

    verb: str
    body: bytes
    origin: str
    retained: bool = False
    expires: float | None = None
    """On the event loop's clock; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a handler is told of a request beside the request."""

    verb: str
    origin: str


Handler = Callable[[Request, Context], Data | Awaitable[Data]]
"""Does what a command asks for. Raises ControlError when it does not."""

Answered = Callable[[Call, Request | None, Response], None]
"""Hears of each request that was answered."""


@dataclass(slots=True)
class _Known:
    """A transaction: what was asked, and its answer, or who waits for it."""

    asked: bytes
    """The fingerprint of verb and body."""
    answer: asyncio.Future[Response]
    until: float


class Dispatcher:
    """Answers `Call`s with the handlers it is given, one a verb. Owns the requests that wait: close it."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        in_flight: int = IN_FLIGHT,
        answered: Answered = lambda _call, _request, _response: None,
        broken: Callable[[BaseException], None] = lambda _error: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`broken` hears of an exception that is ours; `wall` is UTC in seconds, for `not_after`."""
        self._handlers = handlers
        self._limit = in_flight
        self._answered = answered
        self._broken = broken
        self._wall = wall
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._tasks: set[asyncio.Task[Response]] = set()
        self._waiting: Counter[str] = Counter()
        self._closed = False

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answer."""
        return len(self._tasks)

    @property
    def verbs(self) -> tuple[str, ...]:
        """What can be asked."""
        return tuple(self._handlers)

    def begin(self, call: Call) -> Response | asyncio.Future[Response]:
        """Begin a request now, and answer at once where nothing has to be waited for."""
        request: Request | None = None
        try:
            request = payload.request_of(payload.command_of(call.verb), payload.parse(call.body))
            before = self._seen_before(call, request)
            if before is not None:  # its answer stands, however late it is delivered once more
                return before
            self._check_in_time(call, request)
            response = self._do(call, request)
        except ControlError as error:
            named = payload.transaction_of(call.body) if request is None else request.transaction
            response = payload.not_done(error, named)
            self._answered(call, request, response)
        return response

    async def answer(self, call: Call) -> Response:
        """Begin, and wait. Who stops waiting does not stop the request."""
        begun = self.begin(call)
        return begun if isinstance(begun, Response) else await asyncio.shield(begun)

    async def close(self) -> None:
        """Begin nothing more, and end what waits, each with its answer. Twice does no harm."""
        self._closed = True
        await asyncio.sleep(0)  # a task that never ran would end without an answer
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _check_in_time(self, call: Call, request: Request) -> None:
        """Raise ControlError for what is right in itself, and is not to be begun now."""
        if self._closed:
            raise ControlError(ErrorCode.REFUSED, "the bench is ending")
        if call.retained:
            raise ControlError(
                ErrorCode.RETAINED,
                "a retained request is not carried out: nobody asked now",
                hint="publish requests without the retain flag",
            )
        if call.expires is not None and asyncio.get_running_loop().time() >= call.expires:
            raise ControlError(ErrorCode.EXPIRED, "the request arrived after its message expiry")
        if request.not_after is not None and self._wall() > request.not_after:
            raise ControlError(ErrorCode.EXPIRED, "the request arrived after its not_after")
        if call.verb not in self._handlers:
            raise ControlError(ErrorCode.REFUSED, f"{call.verb} cannot be done by this bench")

    def _seen_before(self, call: Call, request: Request) -> Response | asyncio.Future[Response] | None:
        now = asyncio.get_running_loop().time()
        self._forget(now)
        known = None if request.transaction is None else self._known.get(request.transaction)
        if known is None or (known.answer.done() and known.until <= now):
            return None
        if known.asked != _fingerprint(call):
            raise ControlError(
                ErrorCode.CONFLICT, f"the transaction {request.transaction} was another request before"
            )
        return known.answer.result() if known.answer.done() else known.answer

    def _forget(self, now: float) -> None:
        """Drop answers whose time is over, and the oldest when there are too many; never who still waits."""
        for transaction, known in list(itertools.islice(self._known.items(), 8)):
            if not known.answer.done():
                self._known.move_to_end(transaction)
            elif known.until <= now or len(self._known) > REMEMBERED:
                del self._known[transaction]

    def _do(self, call: Call, request: Request) -> Response | asyncio.Future[Response]:
        if self._waiting[call.verb] >= self._limit:  # of each command: who waits must not lock others out
            raise ControlError(
                ErrorCode.BUSY,
                f"{self._limit} requests for {call.verb} wait for their answer already",
                hint="ask again later",
            )
        context = Context(verb=call.verb, origin=call.origin)
        try:
            result = self._handlers[call.verb](request, context)
        except ControlError as error:
            return self._at_once(call, request, payload.not_done(error, request.transaction))
        except Exception as error:  # one request must not end the bench
            return self._at_once(call, request, payload.not_done(self._own_fault(error), request.transaction))
        if isinstance(result, Data):
            return self._at_once(call, request, payload.done(result, request.transaction))
        task = asyncio.ensure_future(self._wait(call, request, result))
        self._tasks.add(task)
        self._waiting[call.verb] += 1
        task.add_done_callback(lambda _: self._ended(task, call.verb))
        self._remember(call, request, task)
        return task

    def _ended(self, task: asyncio.Task[Response], verb: str) -> None:
        self._tasks.discard(task)
        self._waiting[verb] -= 1

    def _at_once(self, call: Call, request: Request, response: Response) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        answer.set_result(response)
        self._remember(call, request, answer)
        self._answered(call, request, response)
        return response

    async def _wait(self, call: Call, request: Request, result: Awaitable[Data]) -> Response:
        try:
            response = payload.done(await result, request.transaction)
        except ControlError as error:
            response = payload.not_done(error, request.transaction)
        except asyncio.CancelledError:
            ended = ControlError(ErrorCode.TIMEOUT, "the bench ended first: what was not done by then is not")
            response = payload.not_done(ended, request.transaction)
        except Exception as failure:  # one request must not end the bench
            response = payload.not_done(self._own_fault(failure), request.transaction)
        known = None if request.transaction is None else self._known.get(request.transaction)
        if known is not None:
            known.until = asyncio.get_running_loop().time() + REMEMBERED_FOR
        self._answered(call, request, response)
        return response

    def _own_fault(self, error: Exception) -> ControlError:
        """What to say of an exception: the host has no room, or the error is ours."""
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            reason = f"the host has no room for it: {error.strerror}"
            return ControlError(ErrorCode.BUSY, reason, hint="ask again later")
        self._broken(error)
        return ControlError(ErrorCode.INTERNAL, "internal error; the log has it")

    def _remember(self, call: Call, request: Request, answer: asyncio.Future[Response]) -> None:
        if request.transaction is not None:
            until = asyncio.get_running_loop().time() + REMEMBERED_FOR
            self._known[request.transaction] = _Known(_fingerprint(call), answer, until)
            self._known.move_to_end(request.transaction)


def _fingerprint(call: Call) -> bytes:
    """Stands for verb and body, which may be large, while the answer is remembered."""
    return hashlib.sha256(call.verb.encode("utf-8", "replace") + b"\0" + call.body).digest()
