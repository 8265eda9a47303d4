"""The serial ports of a made-up machine, and what its sticks seem to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coordinator.radio import ports, sticks
from coordinator.radio.serial import UsbPort, holders_of, usb_ports
from coordinator.radio.url import Uart, parse
from tests.radio.machine import Machine

SONOFF = "usb-Itead_Sonoff_Zigbee_3.0_USB_Dongle_Plus_0001-if00-port0"


def device(folder: Path, name: str = "ttyUSB0") -> Path:
    path = folder / "dev" / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path


def test_a_port_is_known_by_its_by_id_name_and_says_what_it_seems_to_be(tmp_path: Path) -> None:
    machine, path = Machine(tmp_path), device(tmp_path)
    link = machine.plug(SONOFF, path)
    usb = UsbPort(
        device=str(path), vid=0x10C4, pid=0xEA60, maker="Itead", product="Sonoff Zigbee 3.0 USB Dongle Plus"
    )
    machine.run(7, "zigbee2mqtt", "/dev/null", path)
    machine.run(8, "bash", "/dev/null")
    (port,) = ports.find(tmp_path, lambda: [usb])
    assert (port.path, port.device) == (str(link), str(path))
    assert port.seems == "Sonoff ZBDongle-P (CC2652P)"
    assert port.holders == ((7, "zigbee2mqtt"),)
    assert parse(port.url) == Uart(path=str(link))


def test_ports_without_a_by_id_name_come_last_and_one_that_is_gone_not_at_all(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for name in ("ttyACM0", "ttyUSB0"):
        device(tmp_path, name)
    machine.plug("usb-z", tmp_path / "dev/ttyUSB0")
    machine.plug("usb-gone", tmp_path / "dev/ttyUSB9")
    (tmp_path / "proc").mkdir()
    known = [UsbPort(device=str(tmp_path / "dev" / name)) for name in ("ttyACM0", "ttyUSB0", "ttyS9")]
    found = ports.find(tmp_path, lambda: known)
    assert [Path(port.path).name for port in found] == ["usb-z", "ttyACM0"]


def test_a_machine_without_ports_has_none(tmp_path: Path) -> None:
    assert ports.find(tmp_path, list) == ()


def test_the_kernel_of_this_machine_can_be_asked() -> None:
    assert all(isinstance(port, UsbPort) for port in usb_ports())


def test_a_path_with_characters_of_a_url_is_quoted() -> None:
    port = ports.Port(path="/dev/serial/by-id/usb-50%_what?", device="/dev/ttyACM0")
    assert parse(port.url) == Uart(path=port.path)


@pytest.mark.real_time
def test_who_serves_a_pty_from_its_other_side_does_not_hold_it(tmp_path: Path) -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        machine = Machine(tmp_path)
        machine.run(7, "legacy-tc", "/dev/ptmx", path)
        machine.run(8, "minicom", path)
        assert holders_of(path, tmp_path / "proc") == [(8, "minicom")]
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(
    ("vid", "pid", "maker", "product", "seems"),
    [
        (0x10C4, 0xEA60, "Nabu Casa", "SkyConnect v1.0", "Home Assistant SkyConnect (EFR32MG21)"),
        (
            0x10C4,
            0xEA60,
            "Nabu Casa",
            "Home Assistant Connect ZBT-1",
            "Home Assistant Connect ZBT-1 (EFR32MG21)",
        ),
        (0x303A, 0x4001, "Nabu Casa", "ZBT-2", "Home Assistant Connect ZBT-2 (EFR32MG24)"),
        (0x1A86, 0x55D4, "ITEAD", "SONOFF Zigbee 3.0 USB Dongle Plus V2", "Sonoff ZBDongle-E (EFR32MG21)"),
        (0x10C4, 0xEA60, "Silicon Labs", "CP2102N", "something behind a CP210x USB bridge"),
        (0x303A, 0x1001, "Espressif", "USB JTAG/serial debug unit", "an ESP32-H2 or ESP32-C6 on its own USB"),
        (0x1915, 0xCAFE, "Nordic", "nRF528xx OpenThread Device", "an nRF52840 dongle or board"),
        (0x1234, 0x0001, "", "", ""),
        (None, None, "", "", ""),
    ],
)
def test_a_stick_seems(vid: int | None, pid: int | None, maker: str, product: str, seems: str) -> None:
    assert sticks.seems(vid, pid, maker, product) == seems
