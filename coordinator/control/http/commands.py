"""Commands: `POST /api/v1/<verb>` with the payload that MQTT would carry; GET where nothing is changed."""

from __future__ import annotations

import asyncio

from aiohttp import web

from coordinator.control import payload
from coordinator.control.dispatch import Call, Dispatcher
from coordinator.control.http import answers
from coordinator.control.schema.commands import COMMANDS
from coordinator.control.schema.errors import ControlError, ErrorCode

BODY_WITHIN = 10.0
"""Seconds that a body may take to arrive."""


class Commands:
    """Brings commands to the dispatcher, and its answers back."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Do what the body asks for; the answer comes when it is done. Who hangs up does not undo it."""
        if request.content_type != answers.JSON:
            return answers.refusal(
                ErrorCode.MALFORMED,
                f"the content type is {request.content_type}, not {answers.JSON}",
                hint=f"send the header Content-Type: {answers.JSON}",
                status=415,
            )
        try:
            async with asyncio.timeout(BODY_WITHIN):
                body = await request.read()
        except TimeoutError:
            answer = answers.refusal(
                ErrorCode.MALFORMED, f"the body did not arrive within {BODY_WITHIN:g} s", status=408
            )
            answer.force_close()
            return answer
        except web.HTTPRequestEntityTooLarge:
            return answers.refusal(
                ErrorCode.MALFORMED,
                f"more octets than a request may have ({payload.LARGEST})",
                status=413,
            )
        return await self._answer(request, body)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Ask without a body. Raises nothing for a command that changes something: it is told to POST."""
        verb = request.match_info["verb"]
        try:
            command = payload.command_of(verb)
        except ControlError as error:
            return answers.of_response(payload.not_done(error, None))
        if not command.changes_nothing:
            return answers.refusal(
                ErrorCode.MALFORMED,
                f"{verb} changes something: ask with POST",
                status=405,
                headers={"Allow": "POST"},
            )
        return await self._answer(request, b"")

    async def list(self, _request: web.Request) -> web.StreamResponse:
        """Every command with its summary, for people who look around."""
        lines = [f"{verb:<18} {command.summary}" for verb, command in COMMANDS.items()]
        return answers.document("\n".join([*lines, ""]).encode(), kind="text/plain; charset=utf-8")

    async def _answer(self, request: web.Request, body: bytes) -> web.Response:
        call = Call(verb=request.match_info["verb"], body=body, origin=f"http {request.remote or ''}".strip())
        return answers.of_response(await self._dispatcher.answer(call))
