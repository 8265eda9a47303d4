"""systemd itself reads the units."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.operation.debian import DEPLOY, program, run

UNITS = ("legacy-tc.service", "legacy-tc@.service")
PROGRAM = "/opt/legacy-tc/bin/legacy-tc"
HIGHEST_EXPOSURE = 20
"""Tenths of what `systemd-analyze security` counts up to 10 for a service without any protection. What is
left here is the network, the serial ports and that users can be looked up."""


def text(unit: str) -> str:
    return (DEPLOY / "systemd" / unit).read_text("utf-8")


def settings(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text(unit), re.MULTILINE)


def deployed(unit: str, folder: Path) -> Path:
    """The unit, as an administrator would have it, with a program that is there."""
    stub = folder / "legacy-tc"
    stub.write_text("#!/bin/sh\n", encoding="ascii")
    stub.chmod(0o755)
    path = folder / unit.replace("@", "@rack7-tc0")
    path.write_text(text(unit).replace(PROGRAM, str(stub)), encoding="utf-8")
    return path


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.real_time
def test_systemd_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    told = run(program("systemd-analyze", "systemd"), "verify", deployed(unit, tmp_path), check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.real_time
def test_systemd_finds_nothing_wrong_with_the_secrets_taken_in(unit: str, tmp_path: Path) -> None:
    path = deployed(unit, tmp_path)
    offered = re.sub(r"^#(LoadCredential|Environment)=", r"\1=", path.read_text("utf-8"), flags=re.MULTILINE)
    assert offered.count("\nLoadCredential=") == 3
    path.write_text(offered, encoding="utf-8")
    told = run(program("systemd-analyze", "systemd"), "verify", path, check=False)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.real_time
def test_systemd_would_have_found_a_key_that_it_does_not_know(tmp_path: Path) -> None:
    path = deployed(UNITS[0], tmp_path)
    path.write_text(path.read_text("utf-8").replace("WatchdogSec=", "WatchdogSecs="), encoding="utf-8")
    assert "WatchdogSecs" in run(program("systemd-analyze", "systemd"), "verify", path, check=False).stderr


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.real_time
def test_the_service_can_do_little_else_than_what_it_is_for(unit: str, tmp_path: Path) -> None:
    told = run(
        program("systemd-analyze", "systemd"), "security", "--offline=true",
        f"--threshold={HIGHEST_EXPOSURE}", "--json=short", deployed(unit, tmp_path),
    )  # fmt: skip
    open_still = {each["json_field"] for each in json.loads(told.stdout) if each["set"] is False}
    assert open_still <= {
        "PrivateNetwork", "IPAddressDeny", "RestrictAddressFamilies_AF_INET_INET6",
        "RestrictAddressFamilies_AF_UNIX", "PrivateDevices", "DeviceAllow", "PrivateUsers", "ProcSubset",
        "SupplementaryGroups", "RootDirectoryOrRootImage",
    }  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_an_exit_code_that_comes_again_is_not_tried_again(unit: str) -> None:
    assert settings(unit, "Restart") == ["on-failure"]
    assert settings(unit, "RestartPreventExitStatus") == ["1 2 3 7"]
    assert settings(unit, "SuccessExitStatus") == ["130 143"]


def test_an_instance_is_the_same_service_but_for_its_name_and_its_folders() -> None:
    def body(unit: str) -> list[str]:
        return [line for line in text(unit).splitlines() if line and line[0] != "#"]

    alone, instance = body(UNITS[0]), body(UNITS[1])
    assert len(alone) == len(instance)
    differing = [pair for pair in zip(alone, instance, strict=True) if pair[0] != pair[1]]
    assert [one.partition("=")[0] for one, _ in differing] == [
        "Description", "ExecStart", "StateDirectory", "Environment", "Environment",
    ]  # fmt: skip
    assert all("%i" in other for _, other in differing)
