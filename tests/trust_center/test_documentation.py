"""The documentation draws the table that the engine runs."""

from __future__ import annotations

from pathlib import Path

from coordinator.trust_center.device import diagram

PAGE = Path(__file__).parents[2] / "docs" / "trust-center.md"


def test_the_state_diagram_in_the_documentation_is_drawn_from_the_table() -> None:
    assert diagram() in PAGE.read_text(encoding="utf-8")
