"""The Dockerfile and the scripts around it, read by hadolint and shellcheck. .ci/image runs them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.operation.debian import ROOT, run

BESIDE = Path(sys.executable).parent
SCRIPTS = (
    ".ci/run", ".ci/image", "deploy/docker/wheels", "deploy/docker/install", "deploy/docker/account",
)  # fmt: skip


@pytest.mark.real_time
def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    assert run(BESIDE / "hadolint", "--no-color", ROOT / "Dockerfile").stdout == ""


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.real_time
def test_shellcheck_finds_nothing_wrong(script: str) -> None:
    assert run(BESIDE / "shellcheck", ROOT / script).stdout == ""


def test_what_writes_and_who_it_is_are_the_same_in_every_place() -> None:
    """One number and one folder, in five files of four languages."""
    for name in ("Dockerfile", "deploy/docker/account", ".ci/image"):
        text = (ROOT / name).read_text("utf-8")
        assert "10001" in text, name
        assert "/var/lib/legacy-tc" in text, name
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    environment = dict(re.findall(r"(LEGACY_TC__\w+)=(\S+)", dockerfile))
    for unit in ("legacy-tc.service", "legacy-tc@.service"):
        text = (ROOT / "deploy" / "systemd" / unit).read_text("utf-8")
        of_unit = dict(re.findall(r"^Environment=(LEGACY_TC__\w+)=%S/[^/]+/(\S+)$", text, re.MULTILINE))
        assert {key: f"/var/lib/legacy-tc/{folder}" for key, folder in of_unit.items()} == environment


def test_no_address_of_a_package_index_is_written_down() -> None:
    for name in (*SCRIPTS, "Dockerfile", "compose.yaml"):
        assert "://" not in re.sub(r"spinel\+tcp://rack7", "", (ROOT / name).read_text("utf-8")), name
