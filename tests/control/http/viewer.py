"""Reads server-sent events line by line, as HTML 9.2.6 says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp


@dataclass
class Seen:
    """One event of the stream."""

    id: str
    kind: str
    data: dict[str, object]


@dataclass
class Viewer:
    """One stream. `comments` are its signs of life, `last` the last event id."""

    answer: aiohttp.ClientResponse
    last: str = ""
    comments: list[str] = field(default_factory=list)

    async def next(self) -> Seen:
        """The next event. Raises EOFError when there is none any more."""
        kind = "message"
        data: list[str] = []
        while True:
            line = (await self.answer.content.readline()).decode()
            if not line:
                raise EOFError
            line = line.rstrip("\n")
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if data:
                    return Seen(self.last, kind, json.loads("\n".join(data)))
                kind = "message"
            elif not name:
                self.comments.append(value)
            elif name == "id":
                self.last = value
            elif name == "event":
                kind = value
            elif name == "data":
                data.append(value)

    async def until_comment(self, text: str) -> None:
        """Read up to a comment and the end of its block; no event may come before it."""
        while text not in self.comments:
            line = (await self.answer.content.readline()).decode()
            assert line.startswith((":", "id:", "retry:", "\n")), line
            if line.startswith(":"):
                self.comments.append(line[1:].strip())
        while (line := (await self.answer.content.readline()).decode()) != "\n":
            if line.startswith("id:"):
                self.last = line[3:].strip()


@contextlib.asynccontextmanager
async def viewer(
    client: aiohttp.ClientSession, path: str = "/api/v1/events", headers: Mapping[str, str] | None = None
) -> AsyncIterator[Viewer]:
    """A viewer that is being served: whatever is published from now on is for it too."""
    async with client.get(path, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Content-Type"] == "text/event-stream"
        found = Viewer(answer)
        await found.until_comment("what happens on this bench")
        yield found
