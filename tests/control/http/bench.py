"""A control plane with a bench of a few lines behind it, served on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import aiohttp

from coordinator.control.board import Board
from coordinator.control.dispatch import Context, Dispatcher, Handler
from coordinator.control.feed import Feed
from coordinator.control.http.listening import Address
from coordinator.control.http.pages import Text
from coordinator.control.http.server import serve
from coordinator.control.plane import Plane
from coordinator.control.schema.base import Changed, Data, Effective, Request
from coordinator.control.schema.documents import Health, Info, Radio, State
from coordinator.control.schema.profiles import Profile, ProfileSet
from coordinator.types import Instant
from tests.pace import PATIENCE

LIMIT = 120.0
"""Seconds for what should take one or two, on a machine that has other things to do."""
Result = TypeVar("Result")
FREE = Address(host="127.0.0.1", port=0)


def run(coroutine: Coroutine[object, object, Result]) -> Result:
    """Within a limit, on a loop of its own."""

    async def bounded() -> Result:
        async with asyncio.timeout(LIMIT):
            return await coroutine

    return asyncio.run(bounded())


@dataclass
class Bench:
    """What answers, and what it was asked."""

    profile: str = "zb3"
    generation: int = 1
    asked: list[tuple[Request, Context]] = field(default_factory=list)

    def get(self, request: Request, context: Context) -> Data:
        self.asked.append((request, context))
        return Profile(profile=self.profile, title="A Trust Center", generation=self.generation)

    def set(self, request: Request, context: Context) -> Data:
        assert isinstance(request, ProfileSet)
        self.asked.append((request, context))
        self.profile = str(request.profile)
        self.generation += 1
        effective = Effective(t_mono_ns=5000, t_wall="2026-01-01T00:00:00.000005Z")
        return Changed(generation=self.generation, effective=effective, profile=self.profile)


@dataclass
class Served:
    """A bench that is served, and a client that asks it."""

    bench: Bench
    plane: Plane
    address: Address
    client: aiohttp.ClientSession
    broken: list[BaseException]

    async def post(
        self, verb: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, object]]:
        octets = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        async with self.client.post(f"/api/v1/{verb}", data=octets, headers=sent) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        async with self.client.get(path, headers=headers) as answer:
            return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def served(
    handlers: Mapping[str, Handler] | None = None,
    *,
    address: Address = FREE,
    token: str | None = None,
    metrics: Text | None = None,
    heartbeat: float = 15.0,
    written_within: float = 10.0,
) -> AsyncIterator[Served]:
    bench = Bench()
    known: dict[str, Handler] = {"profile/get": bench.get, "profile/set": bench.set}
    broken: list[BaseException] = []
    clock = asyncio.get_running_loop().time
    plane = Plane(
        dispatcher=Dispatcher({**known, **(handlers or {})}, broken=broken.append),
        feed=Feed(lambda: Instant(round(clock() * 1_000_000)), 0),
        board=Board(),
    )
    async with (
        serve(
            plane,
            address,
            token=token,
            metrics=metrics,
            broken=broken.append,
            heartbeat=heartbeat,
            written_within=written_within,
        ) as bound,
        aiohttp.ClientSession(bound.url) as client,
    ):
        yield Served(bench=bench, plane=plane, address=bound, client=client, broken=broken)
    await plane.dispatcher.close()


def post_documents(board: Board, *, ok: bool = True) -> None:
    """What a bench says of itself."""
    board.post("info", Info(id="rack7-tc0", version="1", radio=Radio(kind="sim"), commands=["profile/get"]))
    board.post("state", State(profile="zb3", generation=1, radio="ok"))
    problems = [] if ok else ["the radio is lost"]
    board.post("health", Health(ok=ok, problems=problems, radio="ok" if ok else "lost", loop_lag_ms=0.1))


async def until(condition: Callable[[], bool], limit: float = PATIENCE) -> None:
    """Wait for something that nobody announces. Raises TimeoutError."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.005)


def waiting(future: Awaitable[Data]) -> Handler:
    """A handler that is as long as somebody else wants."""
    return lambda _request, _context: future
