"""The benchmarks run and say what they promise; their numbers are nobody's to assert."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import frames, joins, memory, state, transport_key
from benchmarks.__main__ import main
from benchmarks.measurement import Effort, Measurement

BRIEF = Effort(span=0.001, rounds=1, succession=10, memory=0)


@pytest.mark.parametrize(
    "measure",
    [frames.measure, transport_key.measure, joins.measure_joins, joins.measure_succession, state.measure],
)
def test_a_benchmark_gives_finite_positive_numbers_with_unit_and_conditions(
    measure: Callable[[Effort], list[Measurement]],
) -> None:
    for measurement in measure(BRIEF):
        assert isinstance(measurement, Measurement)
        assert math.isfinite(measurement.value)
        assert measurement.value > 0
        assert measurement.unit
        assert measurement.conditions


def test_the_json_file_has_one_name_value_unit_object_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.jsonl"
    assert main(["--quick", "--only", "frames", "--json", str(file)]) == 0
    objects = [json.loads(line) for line in file.read_text().splitlines()]
    assert all(list(measured) == ["name", "value", "unit"] for measured in objects)
    shown = capsys.readouterr().out
    assert all(measured["name"] in shown for measured in objects)
    assert "floor 40,000" in shown


def test_what_a_network_keeps_of_a_joiner_is_counted_under_the_name_of_its_table() -> None:
    line = joins.succession()
    before = memory.tables(line)
    joins.join_next(line)
    grown = memory.tables(line) - before
    assert any(name.startswith("Devices.") for name in grown)
