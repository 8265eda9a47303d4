"""What is wrong with a configuration, where, and what was probably meant: one line, no traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class ConfigurationError(Exception):
    """A profile, a joiner model or a setting that cannot be used.

    `source` is the file (or ``profile 'name'``), `message` what is wrong, `path` the place in the file:
    ``trust_center.require_key_exchange``, ``behaviours[1].seconds``, ``line 3, column 7``, or empty.
    Where a file has several faults, this is the first, and `problems` are all of them.
    """

    def __init__(self, source: str, path: str, message: str) -> None:
        super().__init__(source, path, message)
        self.source = source
        self.path = path
        self.message = message
        self.problems: tuple[ConfigurationError, ...] = (self,)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path, self.message) if part)


def together(problems: Sequence[ConfigurationError]) -> ConfigurationError:
    """One error for all of these, of which there is at least one."""
    first = problems[0]
    error = ConfigurationError(first.source, first.path, first.message)
    error.problems = tuple(problems)
    return error


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` with the nearest of the known words, or nothing when none is near."""
    meant = nearest(word, known)
    return "" if meant is None else f"; did you mean '{meant}'?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None when none is near."""
    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return found[0] if found else None
