"""A panel in Home Assistant is asked for in [mqtt], and in no other way."""

from __future__ import annotations

from pathlib import Path

import pytest

from coordinator.cli import steering
from coordinator.config.configuration import Configuration, load
from coordinator.config.rules import warnings
from coordinator.profiles.errors import ConfigurationError


def configured(folder: Path, *lines: str) -> Configuration:
    main = folder / "legacy-tc.toml"
    main.write_text("\n".join(["[mqtt]", *lines, ""]))
    return load(main, {})


def prefix(folder: Path, *lines: str) -> str | None:
    """Where Home Assistant is told of the bench; None: nowhere."""
    found = steering.broker(configured(folder, "url = 'mqtt://127.0.0.1'", *lines))
    assert found is not None
    return found.home_assistant


def test_it_is_off_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert prefix(tmp_path) is None
    assert prefix(tmp_path, "home_assistant_prefix = 'ha'") is None
    assert prefix(tmp_path, "home_assistant = true") == "homeassistant"
    assert prefix(tmp_path, "home_assistant = true", "home_assistant_prefix = 'ha/lab_2'") == "ha/lab_2"


@pytest.mark.parametrize("text", ["", "a/", "/a", "a//b", "a/#", "+", "a b", "$SYS", "a\\n", "a" * 65])
def test_a_prefix_that_is_no_topic_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(tmp_path, f'home_assistant_prefix = "{text}"')
    (problem,) = refused.value.problems
    assert "home_assistant_prefix: a topic like homeassistant or home/assistant" in str(problem)


def test_a_prefix_without_the_switch_is_probably_not_meant(tmp_path: Path) -> None:
    url, given = "url = 'mqtt://127.0.0.1'", "home_assistant_prefix = 'ha'"
    (remark,) = warnings(configured(tmp_path, url, given))
    assert (str(remark.key), remark.message) == (
        "mqtt.home_assistant_prefix", "has no effect without mqtt.home_assistant = true",
    )  # fmt: skip
    assert warnings(configured(tmp_path, url, given, "home_assistant = true")) == []
