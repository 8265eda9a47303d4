"""A whole bench in virtual time: simulated radio, control plane, and a client that asks and listens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coordinator import trace
from coordinator.composition import Setting
from coordinator.control.bench.service import Service
from coordinator.control.dispatch import Call
from coordinator.control.feed import Event
from coordinator.control.options import Options
from coordinator.daemon.steering import sessions
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.profiles import joiners, load
from coordinator.runtime.order import Begun, Ending, Order, Reporter
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.types import SECOND, Duration

Json = dict[str, object]


class Nobody:
    """A reporter that shows nothing."""

    def started(self, run: Begun) -> None: ...
    def row(self, row: Row) -> None: ...
    def radio(self, change: trace.RadioChanged) -> None: ...
    def waiting(self, left: Duration | None, observing: bool) -> None: ...
    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None: ...


@dataclass(kw_only=True)
class Client:
    """Somebody at the other end: asks, and keeps every event."""

    service: Service
    stop: asyncio.Future[int]
    events: list[Json] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)

    async def ask(self, verb: str, **request: object) -> Json:
        """The whole answer."""
        call = Call(verb=verb, body=json.dumps(request).encode(), origin="a test")
        response = await self.service.plane.dispatcher.answer(call)
        answer: Json = response.model_dump(mode="json")
        return answer

    async def done(self, verb: str, **request: object) -> Json:
        """The data of an answer that must be ok."""
        answer = await self.ask(verb, **request)
        assert answer["status"] == "ok", answer
        data = answer["data"]
        assert isinstance(data, dict)
        return data

    async def refused(self, verb: str, **request: object) -> Json:
        """The error of an answer that must be none."""
        answer = await self.ask(verb, **request)
        assert answer["status"] == "error", answer
        error = answer["error"]
        assert isinstance(error, dict)
        return error

    def document(self, name: str) -> Json:
        """What is true now, as it would be retained."""
        found = json.loads(self.service.plane.board.documents[name])
        assert isinstance(found, dict)
        return found

    def of(self, kind: str) -> list[Json]:
        """The events of a kind so far."""
        return [event for event in self.events if event["kind"] == kind]

    async def until(self, kind: str, **fields: object) -> Json:
        """The first event of this kind, from now on or before, with these fields."""
        async with asyncio.timeout(300):
            seen = 0
            while True:
                for event in self.events[seen:]:
                    if event["kind"] == kind and all(event.get(k) == v for k, v in fields.items()):
                        return event
                seen = len(self.events)
                await asyncio.sleep(0.001)


Body = Callable[[Client], Awaitable[None]]


def bench(
    body: Body,
    *,
    profile: str = "zb3",
    joiner: str | None = None,
    observe: float = 5.0,
    permit: float = 180.0,
    folder: Path | None = None,
    state: Path | None = None,
    capture: Path | None = None,
    frames: bool = False,
    expose_keys: bool = False,
    max_bytes: int | None = None,
    seed: int = 1,
    people: Reporter | None = None,
) -> tuple[Client, Ending]:
    """Run a bench in virtual time for as long as `body` takes."""
    order = Order(
        profile=load.load(profile),
        profile_source=profile,
        joiner=None if joiner is None else joiners.load(joiner),
        seed=seed,
        setting=Setting(permit=round(permit * SECOND)),
        observe=round(observe * SECOND),
        state=state,
        capture=capture,
    )
    options = Options(id="tc0", folder=folder, max_bytes=max_bytes, frames=frames, expose_keys=expose_keys)

    async def whole() -> tuple[Client, Ending]:
        broken: list[BaseException] = []
        service = Service(
            options, people or Nobody(), utc_at_zero=0, broken=broken.append, wall=lambda: time.time()
        )
        stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        client = Client(service=service, stop=stop, broken=broken)
        reader = service.plane.feed.read(100_000)

        async def listen() -> None:
            while True:
                event: Event = await reader.get()
                client.events.append(json.loads(event.octets))

        listening = asyncio.ensure_future(listen())
        running = asyncio.ensure_future(sessions(order, service, stop))
        try:
            forming = asyncio.ensure_future(service.bench.formed.wait())
            await asyncio.wait((forming, running), return_when=asyncio.FIRST_COMPLETED)
            forming.cancel()
            if running.done():
                running.result()
            working = asyncio.ensure_future(body(client))
            await asyncio.wait((working, running), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                running.result()
            await working
        finally:
            if not stop.done():
                stop.set_result(15)
            ending = await running
            await service.close()
            await asyncio.sleep(0)
            listening.cancel()
        assert client.broken == []
        return client, ending

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(whole())
