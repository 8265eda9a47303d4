"""What a network keeps of joiners that are gone: memory, live objects and the entries of every table."""

from __future__ import annotations

import gc
import resource
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType

from benchmarks.joins import JOINER, PROFILE, join_next, succession
from benchmarks.measurement import Effort, Measurement

WARM = 1_500
"""The first look comes after so many joins: by then every table is at its bound (1,024 devices)."""
OURS = "coordinator."
STATM = Path("/proc/self/statm")
MEBI = 1 << 20


def measure(effort: Effort) -> list[Measurement]:
    """The growth from the first look to the last join."""
    line = succession()
    for _ in range(WARM):
        join_next(line)
    before, objects, resident = tables(line), live_objects(), resident_mebibytes()
    for _ in range(effort.memory - WARM):
        join_next(line)
    resident_after, objects_after, after = resident_mebibytes(), live_objects(), tables(line)
    grown = {name: size - before[name] for name, size in after.items() if size > before[name]}
    conditions = (
        f"from join {WARM:,} to {effort.memory:,}, {PROFILE} x {JOINER}, one network, "
        "2 s observed, each powered off after its verdict"
    )
    return [
        Measurement(
            name="memory", value=resident_after, unit="MiB", conditions="resident set, interpreter included"
        ),
        Measurement(
            name="memory, growth", value=resident_after - resident, unit="MiB", conditions=conditions
        ),
        Measurement(
            name="live objects, growth",
            value=objects_after - objects,
            unit="objects",
            conditions="what the garbage collector tracks",
        ),
        Measurement(
            name="tables, growth",
            value=after.total() - before.total(),
            unit="entries",
            conditions=f"of {after.total():,}; grown: {_listed(grown)}",
        ),
    ]


def resident_mebibytes() -> float:
    """The resident set as it is now; where there is no /proc, the largest it has been."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize() / MEBI
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBI


def live_objects() -> int:
    """How many objects the garbage collector tracks once it has collected."""
    gc.collect()
    return len(gc.get_objects())


def tables(root: object) -> Counter[str]:
    """The entries of every dict, list, set and deque that our objects under `root` have, by attribute."""
    found: Counter[str] = Counter()
    seen: dict[int, object] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type | ModuleType):
            continue
        seen[id(value)] = value
        if type(value).__module__.startswith(OURS):
            for name, attribute in _attributes(value):
                if isinstance(attribute, dict | list | set | frozenset | deque):
                    found[f"{type(value).__name__}.{name}"] += len(attribute)
        waiting.extend(_referents(value))
    return found


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    for name in (*names, *getattr(value, "__dict__", ())):
        if hasattr(value, name):
            yield name, getattr(value, name)


def _referents(value: object) -> Iterable[object]:
    """What it holds; of a function only its closure, for its globals hold everything."""
    return value.__closure__ or () if isinstance(value, FunctionType) else gc.get_referents(value)


def _listed(grown: dict[str, int]) -> str:
    most = sorted(grown.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{name} by {size}" for name, size in most) or "none"
