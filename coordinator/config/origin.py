"""Where a value comes from."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Source(enum.Enum):
    """The kinds of places, each stronger than those before it."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    OPTION = "option"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One place: a file by its name, a variable, an option."""

    source: Source
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.source.value


DEFAULT = Origin(source=Source.DEFAULT)
