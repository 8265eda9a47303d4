"""The stream of events (server-sent events, HTML 9.2): what happens, as it happens, and a while back.

Each event carries its number as `id`, so a viewer that comes back is given what it missed, as far as it is
still there. A viewer that does not read is dropped; nobody else waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from aiohttp import web

from coordinator.control.feed import Event, Feed, Fields, Reader
from coordinator.control.http import answers
from coordinator.control.schema.errors import ErrorCode
from coordinator.control.schema.events import EVENTS
from coordinator.profiles.errors import suggestion

KEPT = 2048
"""Events that are kept for viewers who come back."""
WAITING = 2048
"""Events that may wait for one viewer; more and the oldest of them are lost to it."""
VIEWERS = 64
HEARTBEAT = 15.0
"""Seconds without an event after which a comment shows that the line is alive."""
WRITTEN_WITHIN = 10.0
"""Seconds that a viewer may let a full line stand."""
PORTION = 32 * 1024
"""Octets after which a write is made of what waits."""
DROPPED = "dropped"
BEGIN = b": what happens on this bench\nretry: 2000\nid: %d\n\n"
ALIVE = b": alive\nid: %d\n\n"
"""The number moves on over what the viewer did not ask for; without data it is no event."""


class History:
    """The last events. Nothing runs: a reader with a bound holds them, until somebody asks."""

    def __init__(self, feed: Feed, kept: int = KEPT) -> None:
        self._feed = feed
        self._reader = feed.read(kept)
        self._events: deque[Event] = deque(maxlen=kept)

    def since(self, seen: int) -> list[Event]:
        """What happened after the event of this number, led by the word of what is there no more.

        A number that was not given yet is of an earlier life of the bench: everything is new then.
        """
        self._catch_up()
        if seen > self._feed.seq:
            seen = 0
        kept = [event for event in self._events if event.seq > seen]
        first = kept[0].seq if kept else self._feed.seq + 1
        return kept if first == seen + 1 else [_gap(seen + 1, first - 1), *kept]

    def close(self) -> None:
        """Keep no more."""
        self._reader.close()

    def _catch_up(self) -> None:
        while (event := self._reader.take()) is not None:
            if event.kind != DROPPED:
                self._events.append(event)


def _gap(first: int, last: int) -> Event:
    body: Fields = {
        "kind": DROPPED,
        "seq": last,
        "count": last - first + 1,
        "first_seq": first,
        "last_seq": last,
    }
    return Event(seq=last, kind=DROPPED, body=body)


def encode(event: Event) -> bytes:
    """One event as it goes over the line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.encode(), event.octets)


class Stream:
    """Serves `GET /api/v1/events` to every viewer. Owns them: end it."""

    def __init__(
        self,
        feed: Feed,
        *,
        heartbeat: float = HEARTBEAT,
        written_within: float = WRITTEN_WITHIN,
        kept: int = KEPT,
        waiting: int = WAITING,
    ) -> None:
        self._feed = feed
        self._history = History(feed, kept)
        self._heartbeat = heartbeat
        self._written_within = written_within
        self._waiting = waiting
        self._viewers: set[asyncio.Task[object]] = set()

    def end(self) -> None:
        """Let every viewer go."""
        for viewer in self._viewers:
            viewer.cancel()
        self._history.close()

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Everything, or the `kinds` asked for; from now on, or from after `Last-Event-ID`."""
        kinds = [kind for kind in request.query.get("kinds", "").split(",") if kind]
        for kind in kinds:
            if kind not in EVENTS:
                text = f"no such kind of event: {kind[:60]!a}{suggestion(kind[:60], EVENTS)}"
                return answers.refusal(ErrorCode.INVALID, text, hint=f"kinds are {', '.join(EVENTS)}")
        last = request.headers.get("Last-Event-ID", "").strip()
        if last and not (last.isascii() and last.isdecimal() and len(last) < 20):
            return answers.refusal(ErrorCode.INVALID, f"Last-Event-ID is a number, not {last[:60]!a}")
        if len(self._viewers) >= VIEWERS:
            return answers.refusal(ErrorCode.BUSY, f"{VIEWERS} viewers look on already")
        task = asyncio.current_task()
        assert task is not None
        self._viewers.add(task)
        try:
            return await self._show(request, frozenset(kinds), int(last) if last else None)
        finally:
            self._viewers.discard(task)

    async def _show(
        self, request: web.Request, kinds: frozenset[str], last: int | None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **answers.NOT_STORED})
        response.headers["X-Accel-Buffering"] = "no"
        await response.prepare(request)
        reader = self._feed.read(self._waiting)
        seen = self._feed.seq
        begin = seen if last is None or last > seen else last
        missed = [] if last is None else self._history.since(last)  # no wait in between: no gap
        try:
            await self._write(response, BEGIN % begin)
            for portion in _portions(iter(missed), kinds):
                await self._write(response, portion)
            await self._follow(response, reader, kinds, seen)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # it does not read, so it would not read a farewell
        except ConnectionError:
            pass  # it has gone
        finally:
            reader.close()
        return response

    async def _follow(
        self, response: web.StreamResponse, reader: Reader, kinds: frozenset[str], seen: int
    ) -> None:
        clock = asyncio.get_running_loop().time
        due = clock() + self._heartbeat
        while True:
            try:
                async with asyncio.timeout_at(due):
                    first = await reader.get()
            except TimeoutError:
                await self._write(response, ALIVE % seen)
                due = clock() + self._heartbeat
                continue
            waiting = [first, *_taken(reader)]
            for portion in _portions(iter(waiting), kinds):
                await self._write(response, portion)
                due = clock() + self._heartbeat
            seen = waiting[-1].seq

    async def _write(self, response: web.StreamResponse, octets: bytes) -> None:
        async with asyncio.timeout(self._written_within):
            await response.write(octets)


def _taken(reader: Reader) -> Iterator[Event]:
    while (event := reader.take()) is not None:
        yield event


def _portions(events: Iterator[Event], kinds: frozenset[str]) -> Iterator[bytes]:
    """What of these was asked for, put together into few writes. A gap concerns everybody."""
    portion = bytearray()
    for event in events:
        if not kinds or event.kind in kinds or event.kind == DROPPED:
            portion += encode(event)
        if len(portion) >= PORTION:
            yield bytes(portion)
            portion.clear()
    if portion:
        yield bytes(portion)
