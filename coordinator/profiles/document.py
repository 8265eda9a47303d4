"""From a TOML file to a validated model; every refusal says where and what was probably meant."""

from __future__ import annotations

import re
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import pydantic
from pydantic_core import ErrorDetails

from coordinator.profiles import reading
from coordinator.profiles.errors import ConfigurationError, nearest, suggestion, together
from coordinator.profiles.locate import display

LARGEST = 1 << 20
"""No configuration is larger than this many octets; what is, is something else by mistake."""

SAID = "said"
"""The type of a pydantic error whose message says it all and is passed on as it is."""

Model = TypeVar("Model", bound=pydantic.BaseModel)
Location = tuple[int | str, ...]


class Table(pydantic.BaseModel):
    """A TOML table whose keys are all known and whose values have exactly the declared types."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


def read(path: Path) -> dict[str, object]:
    """Parse a TOML file. Raises ConfigurationError when it cannot be read or is not TOML."""
    source = display(path)
    try:
        octets = reading.octets(path, LARGEST)
    except OSError as error:
        raise ConfigurationError(source, "", f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigurationError(
            source.encode("unicode_escape").decode(), "", f"not a path: {error}"
        ) from None
    if len(octets) > LARGEST:
        raise ConfigurationError(source, "", f"more than {LARGEST} octets: not a configuration")
    try:
        return tomllib.loads(octets.decode("utf-8-sig"))  # Windows editors begin with a byte order mark
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(source, f"line {line}", "not TOML: not UTF-8 text") from None
    except RecursionError:
        raise ConfigurationError(source, "", "not TOML: nested too deeply") from None
    except ValueError as error:
        where, message = _locate_in_text(str(error))
        raise ConfigurationError(source, where, f"not TOML: {message}") from None


def validate(model: type[Model], document: Mapping[str, object], source: str) -> Model:
    """Check a parsed document against a model. Raises ConfigurationError for all that is wrong."""
    problems = faults(model, document, source)
    if problems:
        raise together(problems)
    return model.model_validate(document)


def faults(model: type[Model], document: Mapping[str, object], source: str) -> list[ConfigurationError]:
    """All that is wrong in a parsed document: unknown keys first, and no key missing that is misspelt."""
    try:
        model.model_validate(document)
    except pydantic.ValidationError as failure:
        errors = failure.errors(include_url=False, include_context=True)
    else:
        return []
    meant = set()
    for error in errors:
        *table, key = error["loc"]
        if error["type"] == "extra_forbidden":
            meant.add((*table, nearest(str(key), _keys_at(model, tuple(table)))))
    errors = [error for error in errors if error["type"] != "missing" or error["loc"] not in meant]
    errors.sort(key=lambda error: error["type"] != "extra_forbidden")
    return [ConfigurationError(source, path_of(error["loc"]), _message(model, error)) for error in errors]


def path_of(location: Iterable[int | str]) -> str:
    """Write a place in a document: ``behaviours[0].name``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _locate_in_text(message: str) -> tuple[str, str]:
    found = re.fullmatch(r"(.*) \(at (.+)\)", message, re.DOTALL)
    return (found[2], found[1]) if found else ("", message)


EXPECTED = {
    "string_type": "a text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "a table",
    "dict_type": "a table",
}

WRITTEN: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a table",
}


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    return WRITTEN.get(type(value), f"a {type(value).__name__}")


def _message(model: type[pydantic.BaseModel], error: ErrorDetails) -> str:
    kind, location, value = error["type"], error["loc"], error["input"]
    match kind:
        case "extra_forbidden":
            return f"unknown key{suggestion(str(location[-1]), _keys_at(model, location[:-1]))}"
        case "missing":
            return "missing"
        case "said":
            return error["msg"]
        case "literal_error":
            choices = error["ctx"]["expected"].replace("'", "")
            near = suggestion(str(value), re.split(r", | or ", choices))
            return f"wrong value {value!r}, expected {choices}{near}"
        case _ if kind in EXPECTED:
            return f"expected {EXPECTED[kind]}, found {kind_of(value)}"
        case _:
            return (
                f"wrong value {value!r}: {error['msg'].removeprefix('Input ').removeprefix('Value error, ')}"
            )


def _keys_at(model: type[pydantic.BaseModel], location: Location) -> list[str]:
    """The keys that the table at `location` may have."""
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = next(_models_in(field.annotation), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: object) -> Iterator[type[pydantic.BaseModel]]:
    if isinstance(annotation, type):
        if issubclass(annotation, pydantic.BaseModel):
            yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)
