"""The doctor's checks: what was seen goes in, findings come out; and what is seen of a made-up machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coordinator.radio.capabilities import Report
from coordinator.radio.doctor import checks, gather
from coordinator.radio.doctor.checks import Access, Disturbers, Finding, Grade, UsbPower
from coordinator.radio.firmware import Firmware
from coordinator.radio.identify import Identity
from coordinator.radio.ports import Port
from coordinator.radio.url import Uart
from coordinator.types import CHANNELS, Channel
from tests.radio.machine import Machine

PORT = Uart(path="/dev/ttyACM0")
REPORT = Report(kind="spinel", line="/dev/ttyACM0", firmware="OPENTHREAD/1", protocol_version=(4, 3))
QUIET = dict.fromkeys(CHANNELS, -95)


def identity(firmware: Firmware, report: Report | None = None) -> Identity:
    return Identity(line=PORT, firmware=firmware, text="what it is", report=report)


CASES: list[tuple[Finding, Grade, str, str]] = [
    (checks.python((3, 10, 9)), Grade.FAIL, "3.10.9", "3.11"),
    (checks.python((3, 11, 0)), Grade.OK, "3.11.0", ""),
    (checks.libraries({"aiospinel": "1.2", "serialx": None}), Grade.FAIL, "missing: serialx", "install"),
    (checks.libraries({"aiospinel": "1.2"}), Grade.OK, "aiospinel 1.2", ""),
    (checks.tshark(None), Grade.WARN, "not found", "apt-get install tshark"),
    (checks.tshark("TShark 4"), Grade.OK, "TShark 4", ""),
    (checks.ports([]), Grade.WARN, "no serial port", "sim:"),
    (checks.ports([Port(path="/dev/a", device="/dev/a")]), Grade.OK, "/dev/a", ""),
    (
        checks.permission(Access(path="/dev/a", allowed=False, group="dialout", ours=("me", "audio"))),
        Grade.FAIL,
        "group 'dialout', and we are in me, audio",
        "usermod -aG dialout",
    ),
    (checks.permission(Access(path="/dev/a", allowed=True, group="tty")), Grade.OK, "may be opened", ""),
    (checks.holders("/dev/a", [(7, "zigbee2mqtt")]), Grade.FAIL, "zigbee2mqtt (PID 7)", "stop it"),
    (checks.holders("/dev/a", []), Grade.OK, "nobody else", ""),
    (
        checks.disturbers(Disturbers(running=((9, "ModemManager"),))),
        Grade.WARN,
        "PID 9",
        "ID_MM_DEVICE_IGNORE",
    ),
    (checks.disturbers(Disturbers(running=((9, "brltty"),))), Grade.WARN, "brltty (PID 9)", "remove brltty"),
    (checks.disturbers(Disturbers(rules=("/x/85-brltty.rules",))), Grade.WARN, "85-brltty.rules", "vanishes"),
    (checks.disturbers(Disturbers()), Grade.OK, "neither", ""),
    (checks.firmware(identity(Firmware.EZSP)), Grade.FAIL, "what it is", "docs/radios.md"),
    (checks.firmware(identity(Firmware.SPINEL)), Grade.FAIL, "what it is", "docs/radios.md"),
    (checks.firmware(identity(Firmware.SPINEL, REPORT)), Grade.OK, "what it is", ""),
    (checks.versions(REPORT), Grade.WARN, "Spinel 4.3, and no RCP API version", "newer"),
    (checks.noise(QUIET), Grade.OK, "quietest: 11 (-95 dBm), 12 (-95 dBm), 13 (-95 dBm)", ""),
    (checks.noise(QUIET | {Channel(11): -40, Channel(20): -99}), Grade.OK, "quietest: 20 (-99 dBm), 12", ""),
    (checks.noise(dict.fromkeys(CHANNELS, -60)), Grade.WARN, "-60 dBm", "USB 2 extension"),
]


@pytest.mark.parametrize(("finding", "grade", "says", "advises"), CASES)
def test_a_check_finds(finding: Finding, grade: Grade, says: str, advises: str) -> None:
    assert finding.grade is grade
    assert says in finding.text
    assert advises in finding.advice
    assert bool(finding.advice) is (grade is not Grade.OK)
    assert "\n" not in finding.text + finding.advice


def test_usb_is_judged_as_far_as_the_kernel_shows_it() -> None:
    assert checks.usb(UsbPower()) == []
    power, latency = checks.usb(UsbPower(control="auto", latency=16))
    assert (power.grade, latency.grade) == (Grade.WARN, Grade.WARN)
    assert "16 ms" in latency.text
    assert [each.grade for each in checks.usb(UsbPower(control="on", latency=1))] == [Grade.OK, Grade.OK]


@pytest.mark.parametrize(("level", "length"), [(-128, 0), (-100, 0), (-70, 15), (-40, 30), (0, 30)])
def test_a_bar_is_as_long_as_its_channel_is_loud(level: int, length: int) -> None:
    assert checks.bar(level) == length * "#"


def test_a_machine_without_disturbers_has_none(tmp_path: Path) -> None:
    Machine(tmp_path).run(7, "bash")
    assert gather.disturbers(tmp_path) == Disturbers()
    assert gather.disturbers(tmp_path / "empty") == Disturbers()


def test_disturbers_are_found_running_or_as_rules(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run(7, "ModemManager")
    machine.run(9, "brltty")
    for rule in ("85-brltty.rules", "77-mm-usb-serial-adapters-greylist.rules", "60-serial.rules"):
        machine.rule(rule)
    found = gather.disturbers(tmp_path)
    assert found.running == ((7, "ModemManager"), (9, "brltty"))
    assert [Path(rule).name for rule in found.rules] == [
        "77-mm-usb-serial-adapters-greylist.rules",
        "85-brltty.rules",
    ]


def test_the_usb_device_behind_a_port_is_found(tmp_path: Path) -> None:
    Machine(tmp_path).usb("ttyUSB0", control="auto", latency="16")
    assert gather.usb_power("/dev/ttyUSB0", tmp_path) == UsbPower(control="auto", latency=16)
    assert gather.usb_power("/dev/ttyS0", tmp_path) == UsbPower()


def test_this_machine_can_be_looked_at(tmp_path: Path) -> None:
    assert checks.python(gather.python_version()).grade is Grade.OK
    assert checks.libraries(gather.library_versions()).grade is Grade.OK
    port = tmp_path / "tty"
    port.touch()
    access = gather.access(str(port))
    assert access.allowed
    assert access.group in access.ours or os.getuid() != 0
