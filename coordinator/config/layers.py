"""One place that gives values, read and checked by itself: a file, the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pydantic

from coordinator.config import prefixes
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
    """What one place gives: values that are right as far as that can be told without the others.

    `doubtful` are the keys that it says something of which is wrong, or may say something of.
    """

    values: Mapping[Key, object] = field(default_factory=dict)
    origins: Mapping[Key, Origin] = field(default_factory=dict)
    problems: tuple[ConfigurationError, ...] = ()
    doubtful: frozenset[Key] = frozenset()


def of_file(path: Path, credentials: Path | None) -> Layer:
    """A TOML file. Relative paths in it count from its folder; a secret that is not there is looked for in
    `credentials` as well.
    """
    try:
        parsed = document.read(path)
    except ConfigurationError as error:
        return Layer(problems=error.problems, doubtful=ALL)
    problems = document.faults(Document, parsed, display(path))
    right, doubtful = _sifted(parsed) if problems else (parsed, frozenset())
    origin = Origin(source=Source.FILE, name=display(path))
    found = {
        key: _at_home(key, value, path.parent, credentials)
        for key, value in _given(Document.model_validate(right))
    }
    return Layer(
        values=found,
        origins=dict.fromkeys(found, origin),
        problems=tuple(problems),
        doubtful=doubtful - found.keys(),
    )


def of_environment(environ: Mapping[str, str], credentials: Path | None) -> Layer:
    """Every variable ``LEGACY_TC__SECTION__KEY``; one that is empty counts as not there."""
    known = {entry.key.variable: entry for entry in entries()}
    found: dict[Key, object] = {}
    origins: dict[Key, Origin] = {}
    problems: list[ConfigurationError] = []
    doubtful: set[Key] = set()
    for variable in sorted(environ):
        ours = variable.startswith(PREFIX)
        near = None if ours else prefixes.meant(variable, known)
        if not environ[variable] or not (ours or near):
            continue
        entry = known.get(variable)
        if entry is None:
            near = near or _meant(variable, known)
            doubtful |= set() if near is None else {known[near].key}
            problems.append(ConfigurationError(variable, "", f"unknown variable{_hint(near)}"))
            continue
        doubtful.add(entry.key)
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
    return Layer(
        values=found,
        origins=origins,
        problems=tuple(problems),
        doubtful=frozenset(doubtful - found.keys()),
    )


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


def _meant(variable: str, known: Mapping[str, Entry]) -> str | None:
    """The variable that was probably meant, compared without the beginning that all of them have."""
    near = nearest(variable.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known])
    return None if near is None else f"{PREFIX}{near}"


def _hint(near: str | None) -> str:
    if near is not None:
        return f"; did you mean '{near}'?"
    return f"; `legacy-tc config keys` has all keys, and each is {PREFIX}SECTION{SEPARATOR}KEY"


def _sifted(parsed: Mapping[str, object]) -> tuple[dict[str, object], frozenset[Key]]:
    """The part of a document that is right, and the keys that the rest speaks of; a misspelt one is meant."""
    right: dict[str, object] = {}
    doubtful: set[Key] = set()
    for section, table in parsed.items():
        if section not in Document.model_fields or not isinstance(table, dict):
            named = nearest(section, Document.model_fields)
            doubtful |= {key for key in ALL if key.section == named}
            continue
        keys = {key.name: key for key in ALL if key.section == section}
        for name in [name for name in table if document.faults(Document, {section: {name: table[name]}}, "")]:
            meant = nearest(name, keys)
            doubtful |= set() if meant is None else {keys[meant]}
            table = {key: value for key, value in table.items() if key != name}
        right[section] = table
    return right, frozenset(doubtful)


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


ALL = frozenset(entry.key for entry in entries())
SECRETS = frozenset(entry.key for entry in entries() if entry.is_secret)
