"""What can be changed, and what a change makes of what is in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from coordinator.behaviours import registry
from coordinator.profiles.profile import Profile
from coordinator.stack.behaviour import Behaviour


class Misfit(Exception):
    """A change cannot be made of what is in force. `reasons` names everything that stands against it."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Outdated(Misfit):
    """The generation is another than the change was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A profile, and the behaviours in force, which changes may have made others than the profile's."""

    profile: Profile
    behaviours: tuple[Behaviour, ...]

    @classmethod
    def of(cls, profile: Profile) -> InForce:
        """A profile as its file has it."""
        return cls(profile=profile, behaviours=profile.behaviours)


Edit = Callable[[InForce], InForce]
"""One change. Raises Misfit."""


def become(profile: Profile) -> Edit:
    """Another profile, with its own behaviours and no others."""
    return lambda _in_force: InForce.of(profile)


def add(behaviour: Behaviour, position: int | None = None) -> Edit:
    """One behaviour more; at the end unless a position, from 0, is given."""

    def edit(in_force: InForce) -> InForce:
        behaviours = list(in_force.behaviours)
        if _index(in_force, behaviour.name) is not None:
            raise Misfit(f"{behaviour.name} is in force already; update it, or take it out first")
        if position is not None and not 0 <= position <= len(behaviours):
            raise Misfit(f"there is no position {position} among {len(behaviours)} behaviours")
        behaviours.insert(len(behaviours) if position is None else position, behaviour)
        return replace(in_force, behaviours=tuple(behaviours))

    return edit


def remove(name: str) -> Edit:
    """One behaviour less."""

    def edit(in_force: InForce) -> InForce:
        index = _found(in_force, name)
        behaviours = in_force.behaviours
        return replace(in_force, behaviours=(*behaviours[:index], *behaviours[index + 1 :]))

    return edit


def update(name: str, settings: dict[str, object]) -> Edit:
    """The same behaviour in the same place with other settings; those not named stay."""

    def edit(in_force: InForce) -> InForce:
        index = _found(in_force, name)
        behaviours = list(in_force.behaviours)
        told = {**registry.settings_of(behaviours[index]), **settings}
        try:
            behaviours[index] = registry.find(name).build(told)
        except registry.SettingError as error:
            raise Misfit(f"{name}: {error}") from None
        return replace(in_force, behaviours=tuple(behaviours))

    return edit


def together(*edits: Edit) -> Edit:
    """Several changes as one, each of what those before it made: all of them, or Misfit with what stands
    against each that does not fit.
    """

    def edit(in_force: InForce) -> InForce:
        reasons: list[str] = []
        for each in edits:
            try:
                in_force = each(in_force)
            except Misfit as misfit:
                reasons += misfit.reasons
        if reasons:
            raise Misfit(*reasons)
        return in_force

    return edit


def _index(in_force: InForce, name: str) -> int | None:
    return next((i for i, each in enumerate(in_force.behaviours) if each.name == name), None)


def _found(in_force: InForce, name: str) -> int:
    index = _index(in_force, name)
    if index is None:
        named = ", ".join(each.name for each in in_force.behaviours) or "none"
        raise Misfit(f"{name} is not in force; in force: {named}")
    return index
