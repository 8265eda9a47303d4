"""One place that gives values, read and checked by itself: a file, the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pydantic

from coordinator.config.keys import PREFIX, SEPARATOR, Entry, Key, entries
from coordinator.config.origin import Origin, Source
from coordinator.config.schema import Document
from coordinator.profiles import document
from coordinator.profiles.errors import ConfigurationError, nearest
from coordinator.profiles.locate import SUFFIX, display

NAMED = (Key("trust_center", "profile"), Key("simulation", "joiner"))
"""A shipped name or a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one place gives: values that are right as far as that can be told without the others."""

    values: Mapping[Key, object] = field(default_factory=dict)
    origins: Mapping[Key, Origin] = field(default_factory=dict)
    problems: tuple[ConfigurationError, ...] = ()


def of_file(path: Path, credentials: Path | None) -> Layer:
    """A TOML file. Relative paths in it count from its folder; a secret that is not there is looked for in
    `credentials` as well.
    """
    try:
        parsed = document.read(path)
    except ConfigurationError as error:
        return Layer(problems=error.problems)
    problems = document.faults(Document, parsed, display(path))
    if problems:
        return Layer(problems=tuple(problems))
    origin = Origin(source=Source.FILE, name=display(path))
    found = {
        key: _at_home(key, value, path.parent, credentials)
        for key, value in _given(Document.model_validate(parsed))
    }
    return Layer(values=found, origins=dict.fromkeys(found, origin))


def of_environment(environ: Mapping[str, str], credentials: Path | None) -> Layer:
    """Every variable ``LEGACY_TC__SECTION__KEY``; one that is empty counts as not there."""
    known = {entry.key.variable: entry for entry in entries()}
    found: dict[Key, object] = {}
    origins: dict[Key, Origin] = {}
    problems: list[ConfigurationError] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or not environ[variable]:
            continue
        entry = known.get(variable)
        if entry is None:
            problems.append(ConfigurationError(variable, "", f"unknown variable{_meant(variable, known)}"))
            continue
        if not environ[variable].isprintable():  # which an octet that is not UTF-8 is not either
            problems.append(
                ConfigurationError(variable, str(entry.key), "has characters that nobody can read")
            )
            continue
        parsed = {entry.key.section: {entry.key.name: _value(entry, environ[variable])}}
        faults = document.faults(Document, parsed, variable)
        problems += [_with_hint(fault, entry) for fault in faults]
        if not faults:
            ((key, value),) = _given(Document.model_validate(parsed))
            found[key] = _at_home(key, value, Path(), credentials)
            origins[key] = Origin(source=Source.ENVIRONMENT, name=variable)
    return Layer(values=found, origins=origins, problems=tuple(problems))


def _value(entry: Entry, text: str) -> object:
    """The value of a variable of one line: a text as it is, else TOML; what is neither is refused."""
    if entry.is_text:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _with_hint(fault: ConfigurationError, entry: Entry) -> ConfigurationError:
    if entry.kind.startswith("list") and fault.path == str(entry.key) and "expected a list" in fault.message:
        return ConfigurationError(fault.source, fault.path, f'{fault.message}; write it like ["...", "..."]')
    return fault


def _meant(variable: str, known: Mapping[str, Entry]) -> str:
    """What was probably meant, compared without the beginning that all of them have."""
    near = nearest(variable.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
    if near is not None:
        return f"; did you mean '{PREFIX}{near}'?"
    return f"; `legacy-tc config keys` has all keys, and each is {PREFIX}SECTION{SEPARATOR}KEY"


def _given(validated: Document) -> list[tuple[Key, object]]:
    return [
        (Key(section, name), getattr(table, name))
        for section, table in validated
        if section in validated.model_fields_set and isinstance(table, pydantic.BaseModel)
        for name in table.model_fields_set
    ]


def _at_home(key: Key, value: object, folder: Path, credentials: Path | None) -> object:
    """A relative path as seen from its file's folder."""
    if key in NAMED and isinstance(value, str) and (value.endswith(SUFFIX) or "/" in value):
        return os.path.join(folder, value)
    if not isinstance(value, Path):
        return value
    place = folder / value
    if key in SECRETS and credentials is not None and not os.path.exists(place):
        kept = credentials / value
        return kept if os.path.exists(kept) else place
    return place


SECRETS = frozenset(entry.key for entry in entries() if entry.is_secret)
