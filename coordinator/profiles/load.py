"""Reading profiles: a shipped name or a file of one's own, with everything it extends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coordinator.behaviours import registry
from coordinator.profiles import document
from coordinator.profiles.errors import ConfigurationError, suggestion, together
from coordinator.profiles.locate import SUFFIX, configs_folder, display, locate, shipped
from coordinator.profiles.profile import Citation, Profile
from coordinator.profiles.schema import BehaviourTable, ProfileFile, StackTable, TrustCenterTable, merge
from coordinator.stack.behaviour import Behaviour

KIND = "profiles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One behaviour as a file asks for it."""

    behaviour: Behaviour
    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A file with everything it extends folded in."""

    lineage: tuple[str, ...]
    trust_center: TrustCenterTable
    stack: StackTable
    chosen: tuple[Chosen, ...]


COMPLIANT = Resolved(lineage=(), trust_center=TrustCenterTable(), stack=StackTable(), chosen=())
"""What a profile that extends nothing starts from: the compliant R22 Trust Center."""


def catalogue() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    return shipped(KIND)


def load(name_or_path: str) -> Profile:
    """Load a shipped profile by name, or any file by path (it has a slash or ends in ``.toml``).

    Raises ConfigurationError with the file, the place in it and a suggestion.
    """
    path = locate(KIND, name_or_path)
    return _profile(path.stem, path, _read(path))


def from_document(parsed: Mapping[str, object], name: str, source: str) -> Profile:
    """A profile that was written out somewhere else than in a file, which may extend those that ship only.

    Raises ConfigurationError; `source` says where it came from.
    """
    extends, orphaned = parsed.get("extends"), []
    if isinstance(extends, str) and extends not in catalogue():
        hint = suggestion(extends, catalogue())
        orphaned = [ConfigurationError(source, "extends", f"no such profile ships: '{extends}'{hint}")]
    file = _checked(parsed, source, orphaned)
    return _profile(name, configs_folder() / KIND / f"{name}{SUFFIX}", file)


def _profile(name: str, path: Path, file: ProfileFile) -> Profile:
    """The profile that a file makes with all that it extends."""
    resolved = _resolve(path, file, ())
    return Profile(
        name=name,
        title=file.title,
        summary=file.summary or "",
        imitates=file.imitates or "",
        clause=file.clause or "",
        seen=file.seen or "",
        basis=tuple(file.basis),
        lineage=resolved.lineage[1:],
        stack=resolved.stack.policy(),
        trust_center=resolved.trust_center.policy(),
        behaviours=tuple(chosen.behaviour for chosen in resolved.chosen),
        citations=tuple(chosen.citation for chosen in resolved.chosen),
    )


def files(name_or_path: str) -> tuple[Path, ...]:
    """The file of a profile that loads, and those that it extends."""
    path = locate(KIND, name_or_path)
    found = [path]
    while (parent := _read(path).extends) is not None:
        path = locate(KIND, parent, path.parent)
        if path in found:
            break
        found.append(path)
    return tuple(found)


def _read(path: Path) -> ProfileFile:
    """The file, checked as far as that goes without those it extends."""
    parsed, source = document.read(path), display(path)
    return _checked(parsed, source, _unknown_parent(parsed, path, source))


def _checked(
    parsed: Mapping[str, object], source: str, orphaned: Iterable[ConfigurationError]
) -> ProfileFile:
    """A document, checked as far as that goes without those it extends; `orphaned` is what is wrong there."""
    problems = document.faults(ProfileFile, parsed, source)
    problems += orphaned
    problems += _wrong_behaviours(parsed, source)
    if problems:
        raise together(problems)
    return ProfileFile.model_validate(parsed)


def _unknown_parent(parsed: Mapping[str, object], path: Path, source: str) -> Iterator[ConfigurationError]:
    extends = parsed.get("extends")
    if isinstance(extends, str):
        try:
            locate(KIND, extends, path.parent)
        except ConfigurationError as error:
            yield ConfigurationError(source, "extends", f"{error.source}: {error.message}")


def _wrong_behaviours(parsed: Mapping[str, object], source: str) -> Iterator[ConfigurationError]:
    """What is wrong with the behaviours, as far as the schema does not know: names and settings."""
    tables = parsed.get("behaviours")
    for index, table in enumerate(tables if isinstance(tables, list) else ()):
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            settings = {key: value for key, value in table.items() if key not in BehaviourTable.model_fields}
            try:
                _build(table["name"], settings, source, f"behaviours[{index}]")
            except ConfigurationError as error:
                yield error


def _resolve(path: Path, file: ProfileFile, below: tuple[Path, ...]) -> Resolved:
    """Fold `file` over what it extends; `below` are the files that led here, the first asked for first."""
    parent = _parent(path, file, (*below, path.resolve()))
    source = display(path)
    return Resolved(
        lineage=(path.stem, *parent.lineage),
        trust_center=merge(parent.trust_center, file.trust_center),
        stack=merge(parent.stack, file.stack),
        chosen=(
            *_kept(parent.chosen, file.without, source),
            *(_choose(table, source, index) for index, table in enumerate(file.behaviours)),
        ),
    )


def _parent(path: Path, file: ProfileFile, family: tuple[Path, ...]) -> Resolved:
    if file.extends is None:
        return COMPLIANT
    source = display(path)
    extended = locate(KIND, file.extends, path.parent)
    if extended.resolve() in family:
        loop = " extends ".join(member.stem for member in (*family, extended))
        raise ConfigurationError(source, "extends", f"goes round in a circle: {loop}")
    if not extended.is_file():
        raise ConfigurationError(source, "extends", f"no such file: {display(extended)}")
    return _resolve(extended, _read(extended), family)


def _kept(chosen: tuple[Chosen, ...], without: list[str], source: str) -> tuple[Chosen, ...]:
    """The parent's behaviours less those the child does without."""
    names = {each.behaviour.name for each in chosen}
    for index, name in enumerate(without):
        if name not in names:
            hint = suggestion(name, names)
            raise ConfigurationError(source, f"without[{index}]", f"'{name}' is not inherited{hint}")
    return tuple(each for each in chosen if each.behaviour.name not in without)


def _choose(table: BehaviourTable, source: str, index: int) -> Chosen:
    behaviour = _build(table.name, table.settings, source, f"behaviours[{index}]")
    entry = registry.find(table.name)
    citation = Citation(
        behaviour=table.name, clause=table.clause or entry.clause, seen=table.seen or entry.seen
    )
    return Chosen(behaviour=behaviour, citation=citation)


def _build(name: str, settings: Mapping[str, object], source: str, path: str) -> Behaviour:
    """The behaviour that the table at `path` asks for."""
    if name not in registry.catalogue():
        hint = suggestion(name, registry.catalogue()) or "; `legacy-tc behaviours list` names them all"
        raise ConfigurationError(source, f"{path}.name", f"no such behaviour: '{name}'{hint}")
    try:
        return registry.find(name).build(settings)
    except registry.SettingError as error:
        known = () if error.known is None else (*error.known, *BehaviourTable.model_fields)
        hint = suggestion(error.setting, known)
        raise ConfigurationError(
            source, f"{path}.{error.setting}", f"{error.message} ({name}){hint}"
        ) from None
