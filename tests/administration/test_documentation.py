"""The documentation names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from coordinator.stack.frame_fault import FRAMES
from coordinator.trust_center import injection

PAGE = (Path(__file__).parents[2] / "docs" / "administration.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_page_names_every_frame_that_a_fault_can_name() -> None:
    assert re.findall(r"`([a-z-]+)`", section("frames")) == list(FRAMES)


def test_the_page_names_every_injection_with_its_settings() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|(.*)\|$", section("injections"), re.MULTILINE)
    assert {name: tuple(re.findall(r"`(\w+)`", cell)) for name, cell in rows} == {
        name: injection.settings_of(name) for name in injection.INJECTIONS
    }
