"""The programs of Debian that judge what is deployed. A test without its judge fails; it does not skip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def program(name: str, package: str) -> str:
    """Where it is."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert path is not None, f"the tests need {name}; run: sudo apt-get install -y {package}"
    return path


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """What it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0 or not check, f"{command}\n{done.stdout}\n{done.stderr}"
    return done
