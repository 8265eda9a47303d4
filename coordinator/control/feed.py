"""Events, numbered where they happen, for readers who may be slow or away.

Each reader has a queue with a bound. What does not fit pushes the oldest out, and a `dropped` event stands
in its place: the reader sees the gap, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from coordinator.types import Instant

Fields = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Gap:
    """Events that a reader has lost, in a row."""

    count: int
    first: int
    last: int

    def before(self, later: _Gap) -> _Gap:
        """Both as one."""
        return _Gap(self.count + later.count, self.first, later.last)

    def event(self) -> Event:
        """What the reader is told."""
        body: Fields = {
            "kind": "dropped",
            "seq": self.last,
            "count": self.count,
            "first_seq": self.first,
            "last_seq": self.last,
        }
        return Event(seq=self.last, kind="dropped", body=body, gap=self)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event: its number, its kind, and its payload, encoded once for all readers."""

    seq: int
    kind: str
    body: Fields
    gap: _Gap | None = None
    """What a `dropped` event stands for."""

    @cached_property
    def octets(self) -> bytes:
        """The payload as JSON in UTF-8."""
        return json.dumps(self.body, separators=(",", ":")).encode()


class Feed:
    """Where events come in. `stamp` is set by whoever knows the run and the generation."""

    def __init__(self, now: Callable[[], Instant], utc_at_zero: int) -> None:
        """`now` is the session's clock, `utc_at_zero` the UTC time of its zero, microseconds since 1970."""
        self._now = now
        self._zero = _EPOCH + timedelta(microseconds=utc_at_zero)
        self._mono_at_zero = 0
        self._readers: list[Reader] = []
        self.seq = 0
        self.run: str | None = None
        self.generation = 1

    def attach(self, now: Callable[[], Instant], utc_at_zero: int, mono_at_zero: int) -> None:
        """Events are a session's from here on, on its clock; `mono_at_zero`: nanoseconds on the host's."""
        self._now = now
        self._zero = _EPOCH + timedelta(microseconds=utc_at_zero)
        self._mono_at_zero = mono_at_zero

    def mono(self, at: Instant) -> int:
        """An instant in nanoseconds on the host's monotonic clock, which goes on from session to session."""
        return self._mono_at_zero + at * 1000

    def wall(self, at: Instant) -> str:
        """The UTC time of an instant, ISO 8601 with microseconds."""
        moment = self._zero + timedelta(microseconds=at)
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def wall_now(self) -> str:
        """The UTC time now."""
        return self.wall(self._now())

    def publish(self, kind: str, fields: Fields, at: Instant | None = None) -> Event:
        """Number an event and hand it to every reader. `fields` are the event's own."""
        self.seq += 1
        at = self._now() if at is None else at
        body: Fields = {
            "seq": self.seq,
            "t_mono_ns": self.mono(at),
            "t_wall": self.wall(at),
            "run": self.run,
            "gen": self.generation,
            "kind": kind,
            **fields,
        }
        event = Event(seq=self.seq, kind=kind, body=body)
        for reader in self._readers:
            reader.put(event)
        return event

    def read(self, limit: int) -> Reader:
        """A new reader, of what happens from now on; at most `limit` events wait for it."""
        reader = Reader(limit, self._readers.remove)
        self._readers.append(reader)
        return reader


class Reader:
    """One reader's queue. Close it when nobody reads any more."""

    def __init__(self, limit: int, leave: Callable[[Reader], None]) -> None:
        self._limit = limit
        self._leave = leave
        self._waiting: deque[Event] = deque()
        self._came = asyncio.Event()
        self._gap: _Gap | None = None
        self.lost = 0
        """How many events this reader has lost so far."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, event: Event) -> None:
        """One more event; the oldest go when there is no room."""
        while len(self._waiting) >= self._limit:
            self._lose(self._waiting.popleft())
        self._waiting.append(event)
        self._came.set()

    def _lose(self, event: Event) -> None:
        """The oldest is gone; one that tells of a gap itself becomes part of it."""
        gap = _Gap(1, event.seq, event.seq) if event.gap is None else event.gap
        self.lost += event.gap is None
        self._gap = gap if self._gap is None else self._gap.before(gap)

    async def get(self) -> Event:
        """The next event, or the word that some are lost. Waits for as long as it takes: bound it."""
        while True:
            event = self.take()
            if event is not None:
                return event
            self._came.clear()
            await self._came.wait()

    def take(self) -> Event | None:
        """The next event if there is one."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            return gap.event()
        return self._waiting.popleft() if self._waiting else None

    def put_back(self, event: Event) -> None:
        """An event that was taken and not delivered is the next again, before what was lost since."""
        if self._gap is not None:
            gap, self._gap = self._gap, None
            self._waiting.appendleft(gap.event())
        self._waiting.appendleft(event)
        self._came.set()

    def close(self) -> None:
        """Hear no more. Once is enough; twice does no harm."""
        leave, self._leave = self._leave, _nobody
        leave(self)


def _nobody(_reader: Reader) -> None:
    """It has left already."""
