"""From octets to a request and from an answer to octets. What is wrong is told whole, with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

import pydantic

from coordinator.control import complaints
from coordinator.control.complaints import SHOWN
from coordinator.control.schema.base import Data, Request
from coordinator.control.schema.commands import COMMANDS, Command, Error, Fault, Response
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.profiles.errors import suggestion

LARGEST = 64 * 1024
"""No request is larger than this many octets."""
DEEPEST = 16
"""No request nests deeper than this."""
OBJECT = "a request is a JSON object, for example {}"
_TRANSACTION = re.compile(r"[\x21-\x7e]{1,64}")

Json = dict[str, object]


def command_of(verb: str) -> Command:
    """The command of this verb. Raises ControlError."""
    command = COMMANDS.get(verb)
    if command is None:
        shown = ascii(verb[:SHOWN])
        raise ControlError(
            ErrorCode.UNKNOWN_COMMAND, f"no such command: {shown}{suggestion(verb[:SHOWN], COMMANDS)}"
        )
    return command


def parse(octets: bytes) -> Json:
    """A JSON object; no octets at all are ``{}``. Raises ControlError as `MALFORMED`."""
    if len(octets) > LARGEST:
        raise _malformed(f"{len(octets)} octets are more than a request may have ({LARGEST})")
    try:
        text = octets.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"octet {error.start} is not UTF-8") from None
    if not text.strip():
        return {}
    _refuse_deep(text)
    try:
        parsed = json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except ValueError as error:
        raise _malformed(f"not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise _malformed(f"a {type(parsed).__name__} where an object was expected")
    return parsed


def request_of(command: Command, document: Mapping[str, object]) -> Request:
    """The validated request. Raises ControlError as `INVALID`, with every fault."""
    try:
        return command.request.model_validate_json(json.dumps(document))
    except pydantic.ValidationError as failure:
        errors = failure.errors(include_url=False)
    except ValueError as error:  # a lone surrogate, an integer of a thousand digits
        raise _malformed(str(error)) from None
    details = complaints.of(command.request, errors)
    raise ControlError(
        ErrorCode.INVALID,
        "; ".join(f"{each.path}: {each.message}" if each.path else each.message for each in details[:3])
        + (f"; and {len(details) - 3} more" if len(details) > 3 else ""),
        details=details,
    )


def transaction_of(octets: bytes) -> str | None:
    """The transaction that a request names, whatever else is wrong with it; for who waits for the answer."""
    try:
        named = parse(octets).get("transaction")
    except ControlError:
        return None
    return named if isinstance(named, str) and _TRANSACTION.fullmatch(named) else None


def where_text_is_wanted(command: Command, document: Mapping[str, object]) -> list[tuple[str, ...]]:
    """The places that want a text and have something else; for who writes ``run=311`` without quotes."""
    return _where(command, document, "string_type")


def where_a_list_is_wanted(command: Command, document: Mapping[str, object]) -> list[tuple[str, ...]]:
    """The places that want a list and have something else; for who writes ``expect=joined-secure``."""
    return _where(command, document, "list_type")


def _where(command: Command, document: Mapping[str, object], kind: str) -> list[tuple[str, ...]]:
    try:
        command.request.model_validate_json(json.dumps(document))
    except pydantic.ValidationError as failure:
        errors = failure.errors(include_url=False, include_context=False, include_input=False)
        return [tuple(map(str, error["loc"])) for error in errors if error["type"] == kind]
    except ValueError:
        pass
    return []


def done(data: Data, transaction: str | None) -> Response:
    """The answer to what was done."""
    return Response(status="ok", data=data.model_dump(mode="json"), transaction=transaction)


def not_done(error: ControlError, transaction: str | None) -> Response:
    """The answer to what was not."""
    return Response(
        status="error",
        error=Error(
            code=error.code,
            message=error.message,
            hint=error.hint,
            details=[Fault(path=each.path, message=each.message) for each in _details(error)],
        ),
        transaction=transaction,
    )


def _details(error: ControlError) -> Sequence[Detail]:
    """Every fault or misfit; where there is but one, and it has no place of its own, the message is it."""
    if error.details or error.code not in (ErrorCode.INVALID, ErrorCode.REFUSED):
        return error.details
    return (Detail(path="", message=error.message),)


def encode(response: Response) -> bytes:
    """An answer as it is sent: compact JSON in UTF-8, without what is null at its top."""
    return response.model_dump_json(
        exclude={name for name in ("data", "error", "transaction") if getattr(response, name) is None}
    ).encode()


def _malformed(what: str) -> ControlError:
    return ControlError(ErrorCode.MALFORMED, what, hint=OBJECT)


def _refuse_deep(text: str) -> None:
    """Refuse what nests too deeply before a parser has to follow it. Brackets in texts count too: fewer
    than this are never needed.
    """
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    if deepest > DEEPEST:
        raise _malformed(f"nested {deepest} deep, more than {DEEPEST}")


def _without_twins(pairs: list[tuple[str, object]]) -> Json:
    found: Json = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:SHOWN]!a} is there twice")
        found[key] = value
    return found


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
