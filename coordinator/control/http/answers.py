"""Answers as HTTP has them: the body is what MQTT would carry, the status says the same in HTTP's words."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from coordinator.control import payload
from coordinator.control.schema.commands import Response
from coordinator.control.schema.errors import ControlError, ErrorCode

STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.MALFORMED: 400,
    ErrorCode.INVALID: 400,
    ErrorCode.RETAINED: 400,
    ErrorCode.FORBIDDEN: 401,
    ErrorCode.UNKNOWN_COMMAND: 404,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.EXPIRED: 410,
    ErrorCode.REFUSED: 422,
    ErrorCode.PARTLY_DONE: 422,
    ErrorCode.BUSY: 429,
    ErrorCode.INTERNAL: 500,
    ErrorCode.RADIO_LOST: 503,
    ErrorCode.TIMEOUT: 504,
}
"""The status of each reason why a command was not done."""

NOT_STORED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
JSON = "application/json"


def of_response(response: Response) -> web.Response:
    """The answer to a command."""
    code = None if response.error is None else response.error.code
    return document(payload.encode(response), 200 if code is None else STATUS[code])


def document(
    octets: bytes, status: int = 200, kind: str = JSON, headers: Mapping[str, str] | None = None
) -> web.Response:
    """JSON, or text of another content type, that nobody keeps."""
    return web.Response(
        body=octets, status=status, headers={"Content-Type": kind, **NOT_STORED, **(headers or {})}
    )


def refusal(
    code: ErrorCode,
    message: str,
    hint: str = "",
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Why a request is not looked at any further, in the form of every other answer."""
    response = payload.not_done(ControlError(code, message, hint=hint), None)
    return document(payload.encode(response), STATUS[code] if status is None else status, headers=headers)
