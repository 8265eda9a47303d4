"""What there is: profiles, behaviours, joiners; listed, shown, checked."""

from __future__ import annotations

import dataclasses
import enum
import json as json_format
from collections.abc import Iterable

import typer
from rich.console import Console
from rich.table import Table

from coordinator.behaviours import registry
from coordinator.cli import exits
from coordinator.joiner import model as models
from coordinator.profiles import joiners
from coordinator.profiles import load as profiles
from coordinator.profiles.errors import ConfigurationError, suggestion
from coordinator.profiles.profile import Profile
from coordinator.stack.policy import StackPolicy
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.types import SECOND

Object = dict[str, object]


def list_profiles(json: bool) -> int:
    """Every shipped profile."""
    objects = [profile_object(profiles.load(name)) for name in profiles.catalogue()]
    return _list(objects, json, ("name", "summary"))


def show_profile(name: str, json: bool) -> int:
    """One profile with everything it sets."""
    return _show(profile_object(profiles.load(name), unit="" if json else " s"), json)


def check_profiles(names: list[str], json: bool) -> int:
    """Load each; say which are wrong, and where."""
    failed = False
    for name in names or list(profiles.catalogue()):
        try:
            profile = profiles.load(name)
        except ConfigurationError as error:
            failed = True
            _refused(name, error, json)
        else:
            count = len(profile.behaviours)
            if json:
                typer.echo(json_format.dumps({"name": name, "ok": True, "behaviours": count}))
            else:
                typer.echo(f"{name}: ok ({count} behaviours)")
    return exits.CONFIGURATION if failed else exits.PASS


def _refused(name: str, error: ConfigurationError, json: bool) -> None:
    """One line a fault, or one object with all of them."""
    lines = [str(problem) for problem in error.problems]
    if json:
        typer.echo(json_format.dumps({"name": name, "ok": False, "error": lines[0], "errors": lines}))
        return
    for line in lines:
        typer.echo(line, err=True)


def list_behaviours(json: bool) -> int:
    """Every behaviour of the catalogue."""
    objects = [behaviour_object(registry.find(name)) for name in registry.catalogue()]
    return _list(objects, json, ("name", "summary"))


def show_behaviour(name: str, json: bool) -> int:
    """One behaviour: settings, clause, where it was seen."""
    if name not in registry.catalogue():
        hint = suggestion(name, registry.catalogue()) or "; `legacy-tc behaviours list` names them all"
        raise ConfigurationError(f"behaviour '{name}'", "", f"no such behaviour{hint}")
    return _show(behaviour_object(registry.find(name)), json)


def list_joiners(json: bool) -> int:
    """Every simulated joiner."""
    objects = [joiner_object(joiners.load(name)) for name in joiners.catalogue()]
    return _list(objects, json, ("name", "title"))


def show_joiner(name: str, json: bool) -> int:
    """One joiner with each trait and how it is known."""
    return _show(joiner_object(joiners.load(name)), json)


def check_joiners(names: list[str], json: bool) -> int:
    """Load each; say which are wrong, and where."""
    failed = False
    for name in names or list(joiners.catalogue()):
        try:
            model = joiners.load(name)
        except ConfigurationError as error:
            failed = True
            _refused(name, error, json)
        else:
            count = len(model.basis)
            if json:
                typer.echo(json_format.dumps({"name": name, "ok": True, "traits": count}))
            else:
                typer.echo(f"{name}: ok ({count} traits)")
    return exits.CONFIGURATION if failed else exits.PASS


def server_mask(profile: Profile) -> str:
    """The node descriptor's server mask as it goes on air, behaviours and all."""
    policy = profile.stack
    for behaviour in profile.behaviours:
        policy = behaviour.amend(policy)
    return f"0x{policy.server_mask:04x}"


def policy_object(policy: StackPolicy | TrustCenterPolicy, unit: str) -> Object:
    """A policy as its TOML table has it, spans in seconds: with `unit` as texts, without as numbers."""
    found: Object = {}
    for field in dataclasses.fields(policy):
        value = getattr(policy, field.name)
        if field.type == "Duration":
            found[field.name] = f"{value / SECOND:g}{unit}" if unit else value / SECOND
        else:
            found[field.name] = plain(value)
    return found


def profile_object(profile: Profile, unit: str = "") -> Object:
    """A profile as JSON; spans are in seconds, as in TOML."""
    return {
        "name": profile.name,
        "title": profile.title,
        "summary": profile.summary,
        "imitates": profile.imitates,
        "clause": profile.clause,
        "seen": profile.seen,
        "basis": list(profile.basis),
        "extends": list(profile.lineage),
        "stack": {**policy_object(profile.stack, unit), "server_mask": server_mask(profile)},
        "trust_center": policy_object(profile.trust_center, unit),
        "behaviours": [
            {
                "name": citation.behaviour,
                "settings": registry.settings_of(behaviour),
                "clause": citation.clause,
                "seen": citation.seen,
            }
            for behaviour, citation in zip(profile.behaviours, profile.citations, strict=True)
        ],
    }


def behaviour_object(entry: registry.Entry) -> Object:
    """A behaviour as JSON."""
    return {
        "name": entry.name,
        "summary": entry.summary,
        "description": entry.description,
        "clause": entry.clause,
        "seen": entry.seen,
        "hooks": list(entry.hooks),
        "settings": [field.describe() for field in entry.fields],
    }


def joiner_object(model: models.JoinerModel) -> Object:
    """A joiner as JSON: each trait with its value, basis and note."""
    traits: Object = {}
    for name, provenance in model.basis.items():
        group, _, trait = name.partition(".")
        holder = getattr(model, group)
        value = plain(getattr(holder, trait))
        unit = _UNITS.get((type(holder), trait), "")
        traits[name] = {
            "value": value,
            "unit": unit,
            "basis": provenance.basis.value,
            "note": provenance.note,
        }
    return {"name": model.name, "title": model.title, "imitates": model.imitates, "traits": traits}


_UNITS = {
    (group, field.name): "us"
    for group in (
        models.Scan,
        models.Association,
        models.Authentication,
        models.Exchange,
        models.Leave,
        models.Poll,
    )
    for field in dataclasses.fields(group)
    if field.type == "Duration"
}
"""Traits that are spans, in microseconds."""


def plain(value: object) -> object:
    """A frozen value as JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list | frozenset):
        return [plain(each) for each in value]
    return value


def _list(objects: Iterable[Object], json: bool, columns: tuple[str, str]) -> int:
    if json:
        for each in objects:
            typer.echo(json_format.dumps(each))
        return exits.PASS
    console = Console(highlight=False)
    if not console.is_terminal:
        for each in objects:
            typer.echo(f"{each[columns[0]]}\t{each[columns[1]]}")
        return exits.PASS
    table = Table(box=None, show_header=False, pad_edge=False)
    for each in objects:
        table.add_row(str(each[columns[0]]), str(each[columns[1]]))
    console.print(table, markup=False)
    return exits.PASS


def _show(shown: Object, json: bool) -> int:
    if json:
        typer.echo(json_format.dumps(shown))
        return exits.PASS
    for line in text(shown, 0):
        typer.echo(line)
    return exits.PASS


def text(value: Object, depth: int) -> Iterable[str]:
    """An object as indented ``name: value`` lines; empty values are left out."""
    margin = "  " * depth
    for name, each in value.items():
        if each in ("", [], {}, None):
            continue
        if isinstance(each, dict):
            yield f"{margin}{name}:"
            yield from text(each, depth + 1)
        elif isinstance(each, list) and each and isinstance(each[0], dict):
            yield f"{margin}{name}:"
            for item in each:
                first, *rest = text(item, depth + 2)
                yield f"{margin}  - {first.strip()}"
                yield from rest
        elif isinstance(each, list):
            yield f"{margin}{name}: {', '.join(str(item) for item in each)}"
        else:
            yield f"{margin}{name}: {each}"
