"""Why a command was not done: one code a reason, for programs; the text is for people."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass


class ErrorCode(enum.Enum):
    """What went wrong. With every code but `TIMEOUT`, `PARTLY_DONE` and `INTERNAL` nothing was changed at
    all.
    """

    MALFORMED = "malformed"
    """The payload is no JSON object: too large, too deep, not UTF-8, not JSON, NaN, a key twice."""
    INVALID = "invalid"
    """The request is JSON, and not what the schema asks for; `details` has every fault."""
    UNKNOWN_COMMAND = "unknown-command"
    RETAINED = "retained"
    """It was retained by a broker: nobody asked now."""
    EXPIRED = "expired"
    """It arrived after its time."""
    CONFLICT = "conflict"
    """`if_generation` names another generation than the current one, or a transaction id came with another
    request."""
    NOT_FOUND = "not-found"
    """What it names is not there."""
    REFUSED = "refused"
    """It cannot be done here or now; `details` has every misfit."""
    BUSY = "busy"
    """More requests are in flight than the limit allows."""
    TIMEOUT = "timeout"
    """What it waited for did not come `within` its time; what was not done by then will not be."""
    PARTLY_DONE = "partly-done"
    """Steps of a script took effect, and stay; then one did not fit any more. `details` has each step."""
    RADIO_LOST = "radio-lost"
    """There is no radio to do it with."""
    FORBIDDEN = "forbidden"
    """Who asks may not: no token, or a wrong one."""
    INTERNAL = "internal"
    """Our fault; the log has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One fault of several, with its place in the request."""

    path: str
    message: str


class ControlError(Exception):
    """A command is not done. `hint` says what may help; `details` names each fault or misfit."""

    def __init__(self, code: ErrorCode, message: str, hint: str = "", details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = tuple(details)
