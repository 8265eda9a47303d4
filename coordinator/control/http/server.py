"""The HTTP server: its routes, and its life."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from coordinator.control import payload
from coordinator.control.http import answers, pages
from coordinator.control.http.commands import Commands
from coordinator.control.http.guard import Guard
from coordinator.control.http.listening import Address, bind
from coordinator.control.http.stream import HEARTBEAT, WRITTEN_WITHIN, Stream
from coordinator.control.plane import Plane
from coordinator.control.schema.errors import ErrorCode

IDLE = 30.0
"""Seconds that a connection may stand open without a whole request."""
ENDED_WITHIN = 2.0
"""Seconds that an answer may take to leave when the server ends."""
LINGER = 1.0
"""Seconds that a refused body is still read, so that the refusal arrives."""
CONNECTIONS = 256
LONGEST_LINE = 4096

Broken = Callable[[BaseException], None]
"""Hears of an exception that is ours."""


@contextlib.asynccontextmanager
async def serve(
    plane: Plane,
    address: Address,
    *,
    token: str | None = None,
    metrics: pages.Text | None = None,
    broken: Broken = lambda _error: None,
    heartbeat: float = HEARTBEAT,
    written_within: float = WRITTEN_WITHIN,
) -> AsyncIterator[Address]:
    """Serve the plane, and yield the address that is bound. Raises CannotListen.

    The spans are seconds: between signs of life on a stream, and until a viewer that does not read is
    dropped.
    """
    listening, bound = bind(address, token)
    stream = Stream(plane.feed, heartbeat=heartbeat, written_within=written_within)
    runner = web.AppRunner(
        _application(plane, Guard(bound, token), stream, metrics, broken),
        access_log=None,
        handler_cancellation=True,
        keepalive_timeout=IDLE,
        lingering_time=LINGER,
        max_line_size=LONGEST_LINE,
        shutdown_timeout=ENDED_WITHIN,
    )
    listener: asyncio.Server | None = None
    try:
        await runner.setup()
        listener = await _listen(runner, listening)
        yield bound
    finally:
        if listener is not None:
            listener.close()
        stream.end()
        await runner.cleanup()
        listening.close()


class _Full(asyncio.Protocol):
    """One connection too many: a word, and the end of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(
            b"HTTP/1.1 503 Too many connections\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        transport.close()


async def _listen(runner: web.AppRunner, listening: socket.socket) -> asyncio.Server:
    """Accept, but never so much that no descriptor is left for the radio and the capture (fault 36)."""
    server = runner.server
    assert server is not None

    def accept() -> asyncio.Protocol:
        return server() if len(server.connections) < CONNECTIONS else _Full()

    return await asyncio.get_running_loop().create_server(accept, sock=listening)


def _application(
    plane: Plane, guard: Guard, stream: Stream, metrics: pages.Text | None, broken: Broken
) -> web.Application:
    application = web.Application(client_max_size=payload.LARGEST, middlewares=[_watched(guard, broken)])
    commands = Commands(plane.dispatcher)
    documents = pages.Documents(plane.board)
    route = application.router
    route.add_get("/", pages.place)
    route.add_get("/health", documents.health)
    route.add_get("/info", documents.info)
    route.add_get("/state", documents.state)
    if metrics is not None:
        route.add_get("/metrics", pages.written(metrics))
    route.add_get("/schema/", pages.schemas)
    route.add_get("/schema/{name}", pages.schema)
    route.add_get("/api/v1/", commands.list)
    route.add_get("/api/v1/events", stream.get, allow_head=False)
    route.add_get("/api/v1/{verb:.+}", commands.get, allow_head=False)
    route.add_post("/api/v1/{verb:.+}", commands.post)
    return application


def _watched(guard: Guard, broken: Broken) -> Middleware:
    """Looks at each request before its handler does, and sees to it that each answer is in our form."""

    @web.middleware
    async def watch(request: web.Request, handler: pages.Handler) -> web.StreamResponse:
        refusal = guard.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except web.HTTPException as error:
            return _in_our_form(error)
        except Exception as error:  # one request must not end the bench
            broken(error)
            return answers.refusal(ErrorCode.INTERNAL, "internal error; the log has it")

    return watch


def _in_our_form(error: web.HTTPException) -> web.Response:
    """What the router refuses: no such path, or not with this method."""
    code = ErrorCode.NOT_FOUND if error.status == 404 else ErrorCode.MALFORMED
    allowed = {name: value for name, value in error.headers.items() if name == "Allow"}
    return answers.refusal(
        code, error.reason.lower(), hint="GET / names the endpoints", status=error.status, headers=allowed
    )
