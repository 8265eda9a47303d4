"""What an object holds on to: every table that can be reached from it, with its size."""

from __future__ import annotations

import enum
import types
from collections import Counter, deque
from collections.abc import Iterable, Iterator

_ATOMS = (
    int,
    str,
    bytes,
    float,
    bool,
    type(None),
    type,
    enum.Enum,
    types.ModuleType,
    types.BuiltinFunctionType,
)
_TABLES = (dict, list, set, frozenset, deque)


def sizes(roots: dict[str, object]) -> Counter[str]:
    """Entries by table, each named by the attribute that holds it and that one's owner."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    waiting = list(roots.items())
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, _ATOMS) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, _TABLES):
            found[name] += len(value)
        waiting += _parts(name, value)
    return found


def _parts(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from ((name + "[]", part) for part in (*value.keys(), *value.values()))
    elif isinstance(value, (tuple, list, set, frozenset, deque)):
        yield from ((name + "[]", part) for part in value)
    elif isinstance(value, types.MethodType):
        yield name, value.__self__
    elif isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            yield f"{value.__qualname__} holds", cell.cell_contents
    else:
        owner = type(value).__qualname__
        for attribute in _attributes(value):
            if hasattr(value, attribute):
                yield f"{owner}.{attribute}", getattr(value, attribute)


def _attributes(value: object) -> Iterable[str]:
    yield from getattr(value, "__dict__", ())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
