"""What is wrong with a request, once each, with its place, what was expected and what was probably meant.

pydantic tells of a value that may be one of several things once for each of them; people wrote one thing.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import pydantic
from pydantic_core import ErrorDetails

from coordinator.control.schema.errors import Detail
from coordinator.control.schema.values import IN_WORDS
from coordinator.profiles.document import path_of
from coordinator.profiles.errors import nearest, suggestion

SHOWN = 60
"""Characters of a value that a complaint repeats at most."""

Path = tuple[int | str, ...]

_KINDS = {
    "string_type": "a text",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "dict_type": "an object",
}


class _Fault(NamedTuple):
    """One of pydantic's errors, at its place in the request. `choice` is the place of the innermost value on
    the way there that may be one of several things; `known` are the keys of the object that it is in.
    """

    error: ErrorDetails
    path: Path
    choice: Path | None
    known: tuple[str, ...]

    @property
    def is_of_kind(self) -> bool:
        """Whether the value is another thing than was expected, rather than wrong in itself."""
        return self.error["type"] in _KINDS or self.error["type"] == "literal_error"


def of(model: type[pydantic.BaseModel], errors: Iterable[ErrorDetails]) -> list[Detail]:
    """Everything that is wrong, unknown keys first, and no key missing that is only misspelt."""
    faults = [_placed(model, error) for error in errors]
    meant = {
        (*fault.path[:-1], nearest(str(fault.path[-1]), fault.known))
        for fault in faults
        if fault.error["type"] == "extra_forbidden"
    }
    faults = [fault for fault in faults if fault.error["type"] != "missing" or fault.path not in meant]
    faults.sort(key=lambda fault: fault.error["type"] != "extra_forbidden")
    told: dict[Path, list[_Fault]] = {}
    for fault in faults:
        told.setdefault(fault.path, []).append(fault)
    entered = {fault.choice for fault in faults if fault.choice is not None and fault.path != fault.choice}
    return [
        Detail(path=path_of(path), message=message)
        for path, here in told.items()
        for message in _messages(here, entered=path in entered)
    ]


def _messages(here: Sequence[_Fault], *, entered: bool) -> list[str]:
    """What to say of one value. That it is of no kind that it may be is said in one breath, and only if
    nothing is wrong with it as one that it is; `entered`: it is one, and what is in it is wrong.
    """
    wrong = [_message(fault) for fault in here if not fault.is_of_kind]
    others = [fault.error for fault in here if fault.is_of_kind]
    if wrong or entered or not others:
        return wrong
    expected = [each for error in others for each in _expected(error)]
    value = others[0]["input"]
    choices = ", ".join(expected[:-1]) + " or " + expected[-1] if len(expected) > 1 else expected[0]
    near = suggestion(value[:SHOWN], expected) if isinstance(value, str) else ""
    of_one = f"; a list of one is [{_shown(value, json.dumps)}]" if expected == ["a list"] else ""
    return [f"expected {choices}, found {_shown(value)}{near}{of_one}"]


def _expected(error: ErrorDetails) -> list[str]:
    if error["type"] != "literal_error":
        return [_KINDS[error["type"]]]
    return re.split(r", | or ", error["msg"].removeprefix("Input should be ").replace("'", ""))


def _message(fault: _Fault) -> str:
    error = fault.error
    if error["type"] == "extra_forbidden":
        return f"unknown key{suggestion(str(fault.path[-1])[:SHOWN], fault.known)}"
    if error["type"] == "missing":
        return "missing"
    if error["type"] == "string_pattern_mismatch":
        return _unlike(error)
    said = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{said}, found {_shown(error['input'])}"


def _unlike(error: ErrorDetails) -> str:
    """What a text should have been like; capitals are the usual mistake."""
    pattern, value = str(error["ctx"]["pattern"]), str(error["input"])
    said = IN_WORDS.get(pattern, error["msg"])
    meant = value.lower()
    near = f"; did you mean '{meant}'?" if re.fullmatch(pattern, meant) and len(meant) <= SHOWN else ""
    return f"{said}, found {_shown(value)}{near}"


def _shown(value: object, text: Callable[[str], str] = ascii) -> str:
    shown = text(value) if isinstance(value, str) else json.dumps(value)
    return shown if len(shown) <= SHOWN else shown[:SHOWN] + "..."


def _placed(model: type[pydantic.BaseModel], error: ErrorDetails) -> _Fault:
    """Follow the error's location through the types, and leave out the names that pydantic gives to the
    things that one value may be.
    """
    annotation: object = model
    known: tuple[str, ...] = ()
    choice: Path | None = None
    path: Path = ()
    for part in error["loc"]:
        ways = _ways(annotation)
        if len(ways) > 1:
            choice = path
            annotation = next((way for way in ways if getattr(way, "__name__", None) == part), object)
            continue
        way = ways[0]
        path = (*path, part)
        if isinstance(way, type) and issubclass(way, pydantic.BaseModel):
            known = tuple(way.model_fields)
            annotation = way.model_fields[str(part)].annotation if part in known else object
        else:
            annotation = (typing.get_args(way) or (object,))[-1]
    return _Fault(error=error, path=path, choice=choice, known=known)


def _ways(annotation: object) -> tuple[object, ...]:
    """The things that a value may be, besides null."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _ways(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        given = (each for each in typing.get_args(annotation) if each is not type(None))
        return tuple(way for each in given for way in _ways(each))
    return (annotation,)
