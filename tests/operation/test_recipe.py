"""What docs/operation.md has people paste for systemd, pasted."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.dongle.program import PROGRAM
from tests.operation.debian import ROOT
from tests.pace import PATIENCE, until

CONFIGURATION = "/etc/legacy-tc"
INSTALLED = "/opt/legacy-tc/bin/legacy-tc"


def recipe() -> list[str]:
    """The commands under the heading of systemd."""
    page = (ROOT / "docs" / "operation.md").read_text("utf-8")
    _, _, section = page.partition("\n## systemd\n\n")
    block = section[: section.index("\n\n")]
    return [line.removeprefix("    ") for line in block.splitlines()]


@pytest.mark.real_time
def test_the_recipe_for_systemd_leaves_a_service_that_is_ready_and_well(tmp_path: Path) -> None:
    program = tmp_path / "legacy-tc"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{PROGRAM[2]}" "$@"\n', "utf-8")
    program.chmod(0o755)
    folder = tmp_path / "etc"
    unit = (ROOT / "deploy" / "systemd" / "legacy-tc.service").read_text("utf-8")
    start = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    assert start is not None

    def here(command: str) -> str:
        return command.replace(CONFIGURATION, str(folder)).replace(INSTALLED, str(program))

    pasted = [line for line in recipe() if CONFIGURATION in line]
    assert len(pasted) == 3
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LEGACY_TC")}
    environment = {**inherited, "PYTHONPATH": str(ROOT)}
    for line in pasted:
        done = subprocess.run(
            here(line),
            shell=True,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert (done.returncode, done.stderr) == (0, ""), line

    port = _free_port()
    environment["LEGACY_TC__HTTP__LISTEN"] = f"127.0.0.1:{port}"  # the recipe's may be somebody's here
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)

        def ready() -> bool:
            with contextlib.suppress(BlockingIOError):
                heard.extend(manager.recv(65536).splitlines())
            return b"READY=1" in heard

        service = subprocess.Popen(
            here(start[1]).split(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**environment, "NOTIFY_SOCKET": str(tmp_path / "notify")},
        )  # fmt: skip
        try:
            until(ready, "READY=1")
            asked = recipe()[-1]
            assert asked == f"{INSTALLED} health"

            def well() -> bool:
                told = subprocess.run(
                    here(asked).split(), env=environment, capture_output=True, text=True, timeout=PATIENCE
                )
                return (told.returncode, told.stdout[:2]) == (0, "ok")

            until(well, asked)
        finally:
            service.kill()
            service.wait()


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
