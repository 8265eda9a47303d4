"""``python -m benchmarks [--quick] [--only NAME] [--json FILE]``: a table for people, lines for programs.

Each benchmark runs in an interpreter of its own, so that none inherits another's memory. Floors are
printed beside the numbers and never asserted.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import control, events, frames, joins, memory, state, transport_key, turnaround
from benchmarks.measurement import FULL, QUICK, SEED, Effort, Measurement

Benchmark = Callable[[Effort], list[Measurement]]

BENCHMARKS: dict[str, Benchmark] = {
    "frames": frames.measure,
    "transport-key": transport_key.measure,
    "state": state.measure,
    "joins": joins.measure_joins,
    "succession": joins.measure_succession,
    "alive": joins.measure_alive,
    "turnaround": turnaround.measure,
    "effect": control.measure_effect,
    "events": events.measure,
    "turnaround-steered": turnaround.measure_steered,
    "memory": memory.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for and print each row as it comes."""
    options = _parse(arguments)
    effort = QUICK if options.quick else FULL
    print(_machine(effort))
    found: list[Measurement] = []
    for name in options.only or BENCHMARKS:
        print(f"\n{name}")
        for measurement in _in_own_interpreter(BENCHMARKS[name], effort):
            print(_row(measurement), flush=True)
            found.append(measurement)
    if options.json is not None:
        options.json.write_text("".join(f"{_line(measurement)}\n" for measurement in found))
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this machine.")
    parser.add_argument("--quick", action="store_true", help="short rounds and small counts: a smoke test")
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), help="this one; may be repeated")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help='write {"name", "value", "unit"}, one object a line'
    )
    return parser.parse_args(arguments)


def _in_own_interpreter(benchmark: Benchmark, effort: Effort) -> list[Measurement]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(benchmark, effort).result()


def _machine(effort: Effort) -> str:
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {_cpu()} x {os.cpu_count()}, "
        f"seed {SEED}; one core, CPU time, best of {effort.rounds} rounds of {effort.span:g} s or more"
    )


def _cpu() -> str:
    """The processor's name as Linux gives it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _row(measurement: Measurement) -> str:
    floor = "" if measurement.floor is None else f"floor {measurement.floor:,}"
    value = f"{_rounded(measurement.value)} {measurement.unit}"
    return f"  {measurement.name:<38}{value:>22}  {floor:<14}{measurement.conditions}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.3g}"


def _line(measurement: Measurement) -> str:
    return json.dumps({"name": measurement.name, "value": measurement.value, "unit": measurement.unit})


if __name__ == "__main__":
    sys.exit(main())
