"""The house's sizes hold: past them there is a second idea that wants a name."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "coordinator"
LINES_OF_A_FILE = 400
LINES_OF_A_FUNCTION = 50


def test_no_file_is_longer_than_the_house_allows() -> None:
    sizes = {
        str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert sizes
    assert {path: lines for path, lines in sizes.items() if lines > LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_the_house_allows() -> None:
    sizes = {
        f"{path.relative_to(SOURCE)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert sizes
    assert {name: lines for name, lines in sizes.items() if lines > LINES_OF_A_FUNCTION} == {}
