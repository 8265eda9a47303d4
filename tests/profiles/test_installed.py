"""Where a wheel puts the configurations, they are found: no checkout around, another working directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import importlib.resources, json
from coordinator.profiles import joiners, load, locate
inside = importlib.resources.files("coordinator") / "configs"
print(json.dumps({
    "folder": str(locate.configs_folder()),
    "resources": sorted(each.name for each in (inside / "profiles").iterdir()),
    "profiles": [load.load(name).name for name in load.catalogue()],
    "joiners": [joiners.load(name).name for name in joiners.catalogue()],
}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The package and what the wheel forces into it, as pip unpacks them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    ignored = shutil.ignore_patterns("__pycache__")
    for package in wheel["packages"]:
        shutil.copytree(ROOT / package, tmp_path / "site" / package, ignore=ignored)
    for source, target in wheel["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / "site" / target, ignore=ignored)
    return tmp_path / "site"


@pytest.mark.real_time
def test_the_configurations_are_found_where_a_wheel_puts_them(site: Path, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
    )  # fmt: skip
    found = cast(dict[str, object], json.loads(run.stdout))
    assert found["folder"] == str(site / "coordinator" / "configs")
    shipped = {kind: sorted((ROOT / "configs" / kind).glob("*.toml")) for kind in ("profiles", "joiners")}
    assert found["resources"] == [path.name for path in shipped["profiles"]]
    for kind, paths in shipped.items():
        assert sorted(cast(list[str], found[kind])) == sorted(path.stem for path in paths)
