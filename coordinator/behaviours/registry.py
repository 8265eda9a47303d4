"""The catalogue: every behaviour by its name, with what it can be told.

Filled once, at import, from the modules of this package's folders.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from coordinator import behaviours
from coordinator.behaviours.setting import Setting
from coordinator.stack.behaviour import Behaviour

HOOKS = ("amend", "decide", "shape", "mangle")
"""From the highest altitude to the lowest."""

KINDS: dict[type, str] = {bool: "true or false", int: "an integer", float: "a number", str: "a text"}
"""What a setting's type is called."""


class SettingError(ValueError):
    """A behaviour was told something it cannot be told.

    `known` are the settings there are, for one that there is not; None when only the value is wrong.
    """

    def __init__(self, setting: str, message: str, known: tuple[str, ...] | None = None) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        self.message = message
        self.known = known


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting: its TOML type, whether it must be given, and what it means."""

    name: str
    type: type
    setting: Setting
    required: bool
    default: object = None

    def describe(self) -> str:
        """``seconds: a number, 0 to 3600 s: how late the answer goes``."""
        span = f", {self._span()}" if self._span() else ""
        unit = f" {self.setting.unit}" if self.setting.unit else ""
        default = "" if self.required else f" (default {str(self.default).lower()})"
        return f"{self.name}: {KINDS[self.type]}{span}{unit}: {self.setting.meaning}{default}"

    def accept(self, value: object) -> object:
        """Return the value in the field's type. Raises SettingError when it is of another or out of range."""
        if self.type is float and type(value) is int:
            value = float(value)
        if type(value) is not self.type:
            raise SettingError(self.name, f"expected {KINDS[self.type]}, found {value!r}")
        low, high = self.setting.low, self.setting.high
        if isinstance(value, int | float) and not (
            (low is None or value >= low) and (high is None or value <= high)
        ):
            raise SettingError(self.name, f"wrong value {value!r}, expected {self._span()}")
        return value

    def _span(self) -> str:
        low, high = self.setting.low, self.setting.high
        if low is not None and high is not None:
            return f"{low:g} to {high:g}"
        if low is not None:
            return f"at least {low:g}"
        return f"at most {high:g}" if high is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One behaviour of the catalogue."""

    name: str
    behaviour: type[Behaviour]
    summary: str
    description: str
    clause: str
    seen: str
    hooks: tuple[str, ...]
    fields: tuple[Field, ...]

    def build(self, settings: Mapping[str, object]) -> Behaviour:
        """Make the behaviour. Raises SettingError for a setting that is unknown, missing or wrong."""
        known = tuple(field.name for field in self.fields)
        for name in settings:
            if name not in known:
                raise SettingError(name, "unknown setting", known)
        values: dict[str, object] = {}
        for field in self.fields:
            if field.name in settings:
                values[field.name] = field.accept(settings[field.name])
            elif field.required:
                raise SettingError(field.name, f"missing; {field.describe()}")
        return self.behaviour(**values)


def catalogue() -> tuple[str, ...]:
    """Every behaviour's name, sorted."""
    return tuple(_ENTRIES)


def find(name: str) -> Entry:
    """The entry of this name. Raises KeyError."""
    return _ENTRIES[name]


def settings_of(behaviour: Behaviour) -> dict[str, object]:
    """What this behaviour was told, by setting."""
    return {field.name: getattr(behaviour, field.name) for field in find(behaviour.name).fields}


def _discover() -> Iterator[Entry]:
    prefix = f"{behaviours.__name__}."
    for module in pkgutil.walk_packages(behaviours.__path__, prefix):
        name = module.name.removeprefix(prefix)
        if module.ispkg or "." not in name:
            continue
        for declared in vars(importlib.import_module(module.name)).values():
            if (
                isinstance(declared, type)
                and issubclass(declared, Behaviour)
                and declared.__module__ == module.name
            ):
                yield _entry(name, declared)


def _entry(name: str, behaviour: type[Behaviour]) -> Entry:
    description = inspect.cleandoc(behaviour.__doc__ or "")
    return Entry(
        name=name,
        behaviour=behaviour,
        summary=description.partition("\n")[0],
        description=description,
        clause=behaviour.clause,
        seen=behaviour.seen,
        hooks=tuple(hook for hook in HOOKS if getattr(behaviour, hook) is not getattr(Behaviour, hook)),
        fields=tuple(_fields(behaviour)),
    )


def _fields(behaviour: type[Behaviour]) -> Iterator[Field]:
    hints = typing.get_type_hints(behaviour, include_extras=True)
    for field in dataclasses.fields(behaviour):  # type: ignore[arg-type]  # each subclass is a dataclass
        kind, setting = typing.get_args(hints[field.name])
        required = field.default is dataclasses.MISSING
        yield Field(
            name=field.name,
            type=kind,
            setting=setting,
            required=required,
            default=None if required else field.default,
        )


_ENTRIES = {entry.name: entry for entry in sorted(_discover(), key=lambda entry: entry.name)}
