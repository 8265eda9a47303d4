"""Commands on profiles and behaviours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from coordinator.behaviours import registry
from coordinator.control.bench import changes, faults
from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import profiles as schema
from coordinator.control.schema.base import Changed
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.profiles import load
from coordinator.profiles.errors import ConfigurationError, suggestion
from coordinator.profiles.profile import Profile
from coordinator.stack.behaviour import Behaviour
from coordinator.switching import change as edits

INLINE = "inline"
"""The name of a profile that was written out in a request."""

Read = TypeVar("Read")
Answer = Changed | Awaitable[Changed]


def get(bench: Bench, _request: schema.ProfileGet, _context: Context) -> schema.Profile:
    """The profile, with the behaviours in force."""
    session = bench.up()
    in_force = session.switcher.in_force
    profile = in_force.profile
    return schema.Profile(
        profile=profile.name,
        title=profile.title,
        summary=profile.summary,
        lineage=list(profile.lineage),
        generation=session.switcher.generation,
        behaviours=[_described(each, profile) for each in in_force.behaviours],
        changed=in_force.behaviours != profile.behaviours,
        faults=faults.armed(session),
        pending=len(session.switcher.pending),
    )


def list_profiles(bench: Bench, _request: schema.ProfileList, _context: Context) -> schema.Listing:
    """What can be had by name."""
    loaded = [named(bench, name) for name in bench.catalogue.names]
    return schema.Listing(entries=[schema.Listed(name=each.name, title=each.title) for each in loaded])


def list_behaviours(_bench: Bench, _request: schema.BehaviourList, _context: Context) -> schema.Listing:
    """The catalogue."""
    entries = [registry.find(name) for name in registry.catalogue()]
    return schema.Listing(entries=[schema.Listed(name=each.name, title=each.summary) for each in entries])


def set_profile(bench: Bench, request: schema.ProfileSet, _context: Context) -> Answer:
    """Become another Trust Center."""
    profile = named(bench, request.profile)
    return changes.change(bench, request, edits.become(profile), f"profile/set {profile.name}")


def reload(bench: Bench, request: schema.ProfileReload, _context: Context) -> Answer:
    """Read the present profile's files again, and those of the one that the bench was started with."""
    name = bench.up().switcher.in_force.profile.name
    _well(lambda: bench.catalogue.reread(name))
    if name not in bench.catalogue.names:
        raise ControlError(ErrorCode.REFUSED, "the present profile came in a request, and has no file")
    profile = bench.catalogue.profile(name)
    return changes.change(bench, request, edits.become(profile), f"profile/reload {profile.name}")


def add_behaviour(bench: Bench, request: schema.BehaviourAdd, _context: Context) -> Answer:
    """One behaviour more."""
    edit = edits.add(built(request.name, request.settings), request.position)
    return changes.change(bench, request, edit, f"behaviour/add {request.name}")


def remove_behaviour(bench: Bench, request: schema.BehaviourRemove, _context: Context) -> Answer:
    """One behaviour less."""
    return changes.change(bench, request, edits.remove(request.name), f"behaviour/remove {request.name}")


def update_behaviour(bench: Bench, request: schema.BehaviourUpdate, _context: Context) -> Answer:
    """Other settings for a behaviour in force."""
    edit = updated(bench, request.name, request.settings)
    return changes.change(bench, request, edit, f"behaviour/update {request.name}")


def named(bench: Bench, profile: str | Mapping[str, object]) -> Profile:
    """The profile that a request names or writes out. Raises ControlError with every fault."""
    if not isinstance(profile, str):
        return _well(lambda: load.from_document(profile, INLINE, "profile"))
    if profile not in bench.catalogue.names:
        known = bench.catalogue.names
        near = suggestion(profile, known) or suggestion(profile.lower(), known)
        near = near or "; profile/list names them all"
        raise ControlError(
            ErrorCode.NOT_FOUND,
            f"no such profile: '{profile}'{near}",
            hint="a profile can be written out too",
        )
    return _well(lambda: bench.catalogue.profile(profile))


def built(name: str, settings: Mapping[str, object]) -> Behaviour:
    """The behaviour that a request asks for. Raises ControlError."""
    if name not in registry.catalogue():
        near = suggestion(name, registry.catalogue()) or "; behaviour/list names them all"
        raise ControlError(ErrorCode.NOT_FOUND, f"no such behaviour: '{name}'{near}")
    return _built(name, settings)


def updated(bench: Bench, name: str, settings: Mapping[str, object]) -> edits.Edit:
    """The change of its settings that a request asks for. Raises ControlError for those that it cannot have,
    if it is in force already; else whoever makes the change finds them.
    """
    present = next((each for each in bench.up().switcher.in_force.behaviours if each.name == name), None)
    if present is not None:
        _built(name, {**registry.settings_of(present), **settings})
    return edits.update(name, dict(settings))


def _built(name: str, settings: Mapping[str, object]) -> Behaviour:
    try:
        return registry.find(name).build(settings)
    except registry.SettingError as error:
        message = f"{error.message}{suggestion(error.setting, error.known or ())}"
        place = f"settings.{error.setting}"
        raise ControlError(
            ErrorCode.INVALID, f"{place}: {message}", details=[Detail(path=place, message=message)]
        ) from None


def _well(read: Callable[[], Read]) -> Read:
    """What was read. Raises ControlError with everything that is wrong."""
    try:
        return read()
    except ConfigurationError as error:
        details = [Detail(path=each.path, message=each.message) for each in error.problems]
        raise ControlError(ErrorCode.INVALID, str(error), details=details) from None


def _described(behaviour: Behaviour, profile: Profile) -> schema.Behaviour:
    """With the profile's own citation, or else the catalogue's."""
    cited = next((each for each in profile.citations if each.behaviour == behaviour.name), None)
    return schema.Behaviour(
        name=behaviour.name,
        settings={key: _scalar(value) for key, value in registry.settings_of(behaviour).items()},
        clause=behaviour.clause if cited is None else cited.clause,
        seen=behaviour.seen if cited is None else cited.seen,
    )


def _scalar(value: object) -> str | int | float | bool:
    assert isinstance(value, str | int | float | bool)
    return value
