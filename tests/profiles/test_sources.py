"""Every reference to where a fact comes from leads to a place in docs/sources.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coordinator.behaviours import registry
from coordinator.profiles import joiners, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
HEADINGS = set(re.findall(r"^## (.+)$", PAGE, re.MULTILINE))
ROWS = set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))
JOINERS = set(re.findall(r"^\| (\w\w) \|", PAGE, re.MULTILINE))
TAGS = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
NOTES = r"\b(?:protocol|behaviours|seed|profiles|evidence|radios|faults|control)\.md"
OURS = [*(ROOT / "coordinator").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]


def shown() -> dict[str, str]:
    """Every text of profiles, behaviours and joiners that a reader is shown."""
    texts: dict[str, str] = {}
    for name in registry.catalogue():
        entry = registry.find(name)
        texts[f"behaviour {name}"] = " ".join((entry.description, entry.clause, entry.seen))
    for name in load.catalogue():
        profile = load.load(name)
        texts[f"profile {name}"] = " ".join((profile.summary, profile.imitates, profile.clause, profile.seen))
    for name in joiners.catalogue():
        model = joiners.load(name)
        notes = (provenance.note for provenance in model.basis.values())
        texts[f"joiner {name}"] = " ".join((model.title, model.imitates, *notes))
    return {what: " ".join(text.split()) for what, text in texts.items()}


SHOWN = shown()


@pytest.mark.parametrize("what", SHOWN)
def test_what_is_shown_points_to_what_is_in_the_repository(what: str) -> None:
    text = SHOWN[what]
    assert not re.search(NOTES, text)
    assert not re.search(r"poster|(?<!\()(?<!sources\.md, )\bbehaviours \d", text)
    for place in re.findall(r"docs/sources\.md, (\w+(?: [\w.]+)?)", text):
        kind, _, which = place.partition(" ")
        which = which.rstrip(".")
        if kind == "behaviours":
            assert which in ROWS, place
        elif kind == "joiner":
            assert which in JOINERS, place
        elif kind == "protocol":
            assert f"protocol {which}" in HEADINGS, place
        else:
            assert kind in HEADINGS, place


def test_comments_and_tests_cite_what_the_page_has() -> None:
    for path in OURS:
        text = path.read_text(encoding="utf-8")
        for row in re.findall(r"behaviours\.md (\d+)", text):
            assert row in ROWS, path
        for section in re.findall(r"protocol\.md (\d(?:\.\d+a?)?)", text):
            assert f"protocol {section}" in HEADINGS, path


def test_every_tag_of_a_shipped_profile_is_explained() -> None:
    assert {tag for name in load.catalogue() for tag in load.load(name).basis} <= TAGS
