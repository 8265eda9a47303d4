"""The worked examples do what their pages say, with a real broker and the program itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.host.daemon import ROOT, daemon
from tests.operation.debian import program
from tests.ports import free_port

pytestmark = pytest.mark.real_time


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin", **more}


def test_every_command_of_the_page_runs_and_the_router_leaves(tmp_path: Path) -> None:
    program("mosquitto", "mosquitto")
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            [ROOT / "examples" / "switch-mid-join" / "run.sh"],
            env=environment(PORT=str(free_port()), OUT=str(tmp_path)),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=600, check=False,
        )  # fmt: skip
    assert done.returncode == 0, (tmp_path / "log").read_text("utf-8")[-2000:]
    for number in (1, 2):
        verdict = json.loads((tmp_path / f"verdict-{number}.json").read_text())
        assert (verdict["outcome"], verdict["verdict"]) == ("left-by-joiner", "fail")
        left = json.loads((tmp_path / f"left-{number}.json").read_text())
        assert (left["by"], left["device"]) == ("device", verdict["device"])


@pytest.mark.parametrize(("profile", "code"), [("zb3", 0), ("pre-zb3", 1)])
def test_the_script_for_ci_ends_with_the_code_of_the_verdict(profile: str, code: int) -> None:
    with daemon() as running:
        done = subprocess.run(
            [ROOT / "examples" / "ci" / "run.sh", profile, "job-1"],
            env=environment(LEGACY_TC_HTTP=running.url, OBSERVE="3"),
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert json.loads(done.stdout)["run"] == "job-1"
        assert running.done("run/get")["active"] is False


@pytest.mark.parametrize("command", ["true", "false"])
def test_the_script_for_ci_is_inconclusive_when_nobody_comes(command: str) -> None:
    with daemon() as running:
        done = subprocess.run(
            [ROOT / "examples" / "ci" / "run.sh", "zb3", "job-1", command],
            env=environment(LEGACY_TC_HTTP=running.url, PATIENCE="1"),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (7, ""), done.stderr
        said = "timeout: no such verdict within 1 s" if command == "true" else "false ended with 1"
        assert said in done.stderr
        assert running.done("run/get")["active"] is False


def test_the_script_for_ci_tells_a_refusal_from_a_verdict() -> None:
    with daemon() as running:
        running.done("run/start", run="somebody else's")
        done = subprocess.run(
            [ROOT / "examples" / "ci" / "run.sh", "zb3", "job-1"],
            env=environment(LEGACY_TC_HTTP=running.url),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (3, ""), done.stderr
        assert running.done("run/get")["run"] == "somebody else's"
