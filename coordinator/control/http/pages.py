"""What can be looked at: the board's documents, metrics, and the place of a page for people."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from coordinator.control import asyncapi
from coordinator.control.board import Board
from coordinator.control.http import answers
from coordinator.control.schema.errors import ErrorCode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

TEXT = "text/plain; charset=utf-8"
NOT_UP = "the bench is not up yet"
PLACE = b"""legacy-tc: a Zigbee Trust Center bench.

GET  /health                 200 when it works, 503 when it does not; needs no token
GET  /info  /state           who this is and what it can do; what is true now
GET  /metrics                for Prometheus
GET  /api/v1/                every command, with its summary
POST /api/v1/<command>       do it: a JSON object as body, Content-Type: application/json
GET  /api/v1/<command>       ask, where nothing is changed: profile/get, device/list, ...
GET  /api/v1/events          what happens, as server-sent events; ?kinds=verdict,left
GET  /schema/                names what describes all this: /schema/asyncapi.json, JSON Schemas
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is written anew whenever it is asked for, and its content type."""

    write: Callable[[], bytes]
    kind: str


async def place(_request: web.Request) -> web.StreamResponse:
    """`GET /`: the endpoints."""
    return answers.document(PLACE, kind=TEXT)


def written(text: Text) -> Handler:
    """Serves a text."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        return answers.document(text.write(), kind=text.kind)

    return handle


async def schemas(_request: web.Request) -> web.StreamResponse:
    """`GET /schema/`: their names."""
    return answers.document("\n".join([*asyncapi.files(), ""]).encode(), kind=TEXT)


async def schema(request: web.Request) -> web.StreamResponse:
    """`GET /schema/<name>`: the AsyncAPI document, or a JSON Schema."""
    octets = asyncapi.files().get(request.match_info["name"])
    if octets is None:
        return answers.refusal(ErrorCode.NOT_FOUND, "no such schema", hint="GET /schema/ lists them")
    return answers.document(octets)


class Documents:
    """Serves what the board has."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """`GET /health`: 200 while it works, for programs that read nothing else."""
        octets = self._board.documents.get("health")
        if octets is None:
            body = json.dumps({"ok": False, "problems": [NOT_UP]}).encode()
            return answers.document(body, 503)
        return answers.document(octets, 200 if json.loads(octets)["ok"] else 503)

    async def info(self, _request: web.Request) -> web.StreamResponse:
        """`GET /info`."""
        return self._document("info")

    async def state(self, _request: web.Request) -> web.StreamResponse:
        """`GET /state`."""
        return self._document("state")

    def _document(self, name: str) -> web.Response:
        octets = self._board.documents.get(name)
        if octets is None:
            return answers.refusal(ErrorCode.BUSY, NOT_UP, status=503)
        return answers.document(octets)
