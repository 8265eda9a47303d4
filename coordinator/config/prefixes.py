"""Variables that were meant for us, and whose beginning says otherwise: nobody else would read them."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from coordinator.config.keys import PREFIX, SEPARATOR
from coordinator.profiles.errors import nearest

NEAR = 0.8
"""How alike a beginning must be, of 1. LEGCY_TC is, and LEGACY_TCP; LEGACY_APP is not."""
PROGRAM = PREFIX.removesuffix(SEPARATOR)


def meant(variable: str, known: Collection[str]) -> str | None:
    """The one of the `known` variables that this one, which does not begin with PREFIX, was meant to be.

    LEGACY_TC_MQTT__URL, legacy_tc__mqtt__url and LEGACY_TC_MQTT_URL are. Without a double underscore it must
    be the same but for underscores and case: an orchestrator makes LEGACY_TC_PORT for a service of this name,
    and scripts have variables of their own.
    """
    bare = {_bare(each): each for each in known}
    same = bare.get(_bare(variable))
    if same is not None or SEPARATOR not in variable:
        return same
    if not any(_is_near(head) for head in _heads(variable)):
        return None
    near = nearest(_bare(variable), bare)
    return None if near is None else bare[near]


def _heads(variable: str) -> list[str]:
    """What the program's name may be in it: all before a separator, or as many words as the name has."""
    upper = variable.upper()
    words = [word for word in upper.split("_") if word]
    return [upper.partition(SEPARATOR)[0], "_".join(words[: PROGRAM.count("_") + 1])]


def _is_near(head: str) -> bool:
    return difflib.SequenceMatcher(None, head, PROGRAM).ratio() >= NEAR


def _bare(variable: str) -> str:
    return variable.replace("_", "").upper()
