"""The profiles that can be had by name: those that ship, and the file that the bench was started with.

Each is read once: reading one takes a millisecond that a joiner may be waiting in. A name is looked up and
never opened, so that whoever may ask has no files but these.
"""

from __future__ import annotations

from coordinator.profiles import load
from coordinator.profiles.profile import Profile


class Catalogue:
    """Profiles by name. A file of one's own goes before a shipped profile of the same name."""

    def __init__(self) -> None:
        self._shipped = load.catalogue()
        self._known = {name: load.load(name) for name in self._shipped}
        self._own: tuple[str, str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        own = () if self._own is None else (self._own[0],)
        return tuple(sorted({*self._shipped, *own}))

    def adopt(self, profile: Profile, source: str | None) -> None:
        """The bench was started with this, read from `source`. The first one stays."""
        if self._own is None and source is not None and source not in self._shipped:
            self._own = profile.name, source
            self._known[profile.name] = profile

    def profile(self, name: str) -> Profile:
        """The profile of this name. Raises KeyError for one that is not in `names`, and ConfigurationError
        when its file has been changed and is wrong now.
        """
        if name not in self.names:
            raise KeyError(name)
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = load.load(self._source(name))
        return known

    def reread(self, name: str) -> None:
        """Read this one and one's own again now, and every other when it is next asked for.

        Raises ConfigurationError when one of the two is wrong; then everything stays as it was.
        """
        wanted = {name} if self._own is None else {name, self._own[0]}
        shipped = load.catalogue()
        read = {each: load.load(self._source(each)) for each in sorted(wanted) if each in self.names}
        self._shipped, self._known = shipped, read

    def _source(self, name: str) -> str:
        return self._own[1] if self._own is not None and self._own[0] == name else name
