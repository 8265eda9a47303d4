"""The profiles that ship, each read once: reading one takes a millisecond that a joiner may be waiting in."""

from __future__ import annotations

from coordinator.profiles import load
from coordinator.profiles.profile import Profile


class Catalogue:
    """Profiles by name. What is read again is found again (`forget`)."""

    def __init__(self) -> None:
        self._names = load.catalogue()
        self._known = {name: load.load(name) for name in self._names}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return self._names

    def profile(self, name: str) -> Profile:
        """The profile of this name. Raises KeyError for a name that does not ship."""
        if name not in self._names:
            raise KeyError(name)
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = load.load(name)
        return known

    def forget(self) -> None:
        """Read everything again when it is next asked for."""
        self._names = load.catalogue()
        self._known.clear()
