"""The keys of a configuration as a list: for the environment, for `config show`, for the documentation."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic.fields import FieldInfo

from coordinator.config.schema import Document

PREFIX = "LEGACY_TC__"
SEPARATOR = "__"


class Key(NamedTuple):
    """A key in its section."""

    section: str
    name: str

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that gives it."""
        return f"{PREFIX}{self.section}{SEPARATOR}{self.name}".upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a key. Without a default (None) it is absent until it is given, and has an example.

    `is_text`: as an environment variable it is taken as it is, not read as TOML. `is_secret`: a file whose
    content nobody but its owner should read, or a value that is not to be shown.
    """

    key: Key
    kind: str
    description: str
    default: object
    example: object
    is_text: bool
    is_path: bool
    is_secret: bool

    @property
    def shown(self) -> object:
        """The value that an annotated file has for it."""
        return self.example if self.default is None else self.default


def entries() -> Iterator[Entry]:
    """Every key, in the order of the sections."""
    for section, table in Document.model_fields.items():
        for name, field in table.default.__class__.model_fields.items():
            yield _entry(Key(section, name), field)


def sections() -> dict[str, str]:
    """Each section and what it is about."""
    return {section: str(table.default.__class__.__doc__) for section, table in Document.model_fields.items()}


def _entry(key: Key, field: FieldInfo) -> Entry:
    types = set(_types(field.annotation))
    extra = field.json_schema_extra
    return Entry(
        key=key,
        kind=_kind(types),
        description=str(field.description),
        default=field.default,
        example=field.examples[0] if field.examples else None,
        is_text=types <= {str, Path},
        is_path=Path in types,
        is_secret=isinstance(extra, dict) and bool(extra.get("secret")),
    )


def _types(annotation: object) -> Iterator[type]:
    origin = typing.get_origin(annotation)
    if annotation is None or annotation is type(None):
        return
    if origin is typing.Annotated:
        yield from _types(typing.get_args(annotation)[0])
    elif origin is typing.Literal:
        yield str
    elif origin is list:
        yield list
    elif isinstance(annotation, type):
        yield annotation
    else:
        for each in typing.get_args(annotation):
            yield from _types(each)


def _kind(types: set[type]) -> str:
    names = {Path: "path", str: "text", list: "list of texts", bool: "true or false", int: "integer"}
    (only,) = types
    return names.get(only, "number")
