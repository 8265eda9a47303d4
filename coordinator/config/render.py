"""A configuration as TOML and as Markdown, for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from coordinator.config.configuration import Configuration
from coordinator.config.keys import Entry, Key, entries

HIDDEN = "hidden"


def toml_value(value: object) -> str:
    """A text, path, number, truth value or list of these, as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list():
            return f"[{', '.join(map(toml_value, value))}]"
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            raise TypeError(f"not a value of a configuration: {value!r}")


def disclosed(entry: Entry, value: object) -> object:
    """The value as it may be shown: the owner of an install code, not the code."""
    if entry.is_secret and isinstance(value, list):
        return [f"{str(pair).partition('=')[0]}={HIDDEN}" for pair in value]
    return value


def effective(configuration: Configuration) -> Iterator[str]:
    """The lines of a TOML file with every value and where it comes from; install codes are hidden."""
    section = None
    for entry in entries():
        if entry.key.section != section:
            if section is not None:
                yield ""
            section = entry.key.section
            yield f"[{section}]"
        value = configuration.value(entry.key)
        if value is None:
            yield f"# {entry.key.name} is not set"
        else:
            shown = toml_value(disclosed(entry, value))
            yield f"{entry.key.name} = {shown}  # {configuration.origin(entry.key)}"


def table(options: Mapping[Key, str]) -> Iterator[str]:
    """The lines of a Markdown table of all keys; `options` are those of a run, by their keys."""
    yield "| Key | Type | Default | Option | Meaning |"
    yield "|---|---|---|---|---|"
    for entry in entries():
        default = "" if entry.default is None else f"`{toml_value(entry.default)}`"
        option = f"`{options[entry.key]}`" if entry.key in options else ""
        meaning = entry.description.replace("|", "\\|")
        yield f"| `{entry.key}` | {entry.kind} | {default} | {option} | {meaning} |"
