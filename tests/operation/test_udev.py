"""udev itself reads the rules, about sticks that umockdev plugs in."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from coordinator.radio.sticks import STICKS, Stick
from tests.operation.debian import DEPLOY, program, run

RULES = DEPLOY / "udev" / "70-legacy-tc.rules"
ANY = 0x7777
USB = "/devices/pci0000:00/usb1/1-1"
PORT = "ttyACM0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What udev makes of a port: its other names, and its properties."""

    links: tuple[str, ...]
    properties: dict[str, str]

    @property
    def ours(self) -> list[str]:
        return [link for link in self.links if link.startswith("/dev/legacy-tc/")]


def plugged(vid: int, pid: int, serial: str, interface: int) -> str:
    """A USB device with one serial port, in umockdev's words."""
    attributes = {"idVendor": f"{vid:04x}", "idProduct": f"{pid:04x}", "serial": serial, "bDeviceClass": "00"}
    return "\n".join((
        f"P: {USB}", "N: bus/usb/001/002", "E: DEVTYPE=usb_device", "E: SUBSYSTEM=usb",
        "E: DEVNAME=/dev/bus/usb/001/002", "E: MAJOR=189", "E: MINOR=1",
        *(f"A: {name}={value}\\n" for name, value in attributes.items() if value), "",
        f"P: {USB}/1-1:1.{interface}", "E: DEVTYPE=usb_interface", "E: SUBSYSTEM=usb",
        f"A: bInterfaceNumber={interface:02x}\\n", "A: bInterfaceClass=02\\n",
        "A: bInterfaceSubClass=02\\n", "A: bInterfaceProtocol=00\\n", "",
        f"P: {USB}/1-1:1.{interface}/tty/{PORT}", "E: SUBSYSTEM=tty",
        f"E: DEVNAME=/dev/{PORT}", "E: MAJOR=166", "E: MINOR=0", "",
    ))  # fmt: skip


ALONE = """
mount -t tmpfs none /run
mount --bind "$1" /etc/udev/rules.d
for device in null zero urandom; do touch "$2/$device"; mount --bind "/dev/$device" "$2/$device"; done
mount --rbind "$2" /dev
shift 2
exec "$@" 2>&1
"""
"""The rules where an administrator puts them, and what udev writes to, for one program alone."""


def seen(
    folder: Path, vid: int, pid: int, serial: str = "4d07", *, interface: int = 0, of: str = "port"
) -> Seen:
    """What udev would do, were it plugged in."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    machine, devices = folder / "machine.umockdev", folder / "dev"
    machine.write_text(plugged(vid, pid, serial, interface), encoding="ascii")
    devices.mkdir()
    path = f"/sys{USB}" + (f"/1-1:1.{interface}/tty/{PORT}" if of == "port" else "")
    told = run(
        program("unshare", "util-linux"), "--map-root-user", "--mount",
        "sh", "-euc", ALONE, "sh", RULES.parent, devices,
        program("umockdev-run", "umockdev"), "--device", machine, "--",
        program("udevadm", "udev"), "--debug", "test", "--action=add", path,
    ).stdout  # fmt: skip
    about = [line for line in told.splitlines() if RULES.name in line]
    assert any("Reading rules file" in line for line in about), told
    complaints = [line for line in about if "Reading rules file" not in line and " LINK " not in line]
    assert complaints == []
    properties = dict(re.findall(r"^([.\w]+)=(.*)$", told, re.MULTILINE))
    return Seen(links=tuple(properties.get("DEVLINKS", "").split()), properties=properties)


@pytest.mark.parametrize("stick", STICKS, ids=lambda stick: stick.seems)
@pytest.mark.real_time
def test_a_stick_that_the_doctor_knows_has_a_name_that_survives_a_replug(
    tmp_path: Path, stick: Stick
) -> None:
    port = seen(tmp_path, stick.vid, stick.pid or ANY)
    assert port.ours == ["/dev/legacy-tc/4d07"]
    assert port.properties["ID_MM_PORT_IGNORE"] == "1"
    device = seen(tmp_path, stick.vid, stick.pid or ANY, of="device")
    assert device.properties["ID_MM_DEVICE_IGNORE"] == "1"


@pytest.mark.parametrize(
    ("vid", "pid"), [(0x1199, 0x9071), (0x10C4, 0x8A2A), (0x303A, 0x0002), (0x046D, 0xC52B)]
)
@pytest.mark.real_time
def test_what_is_no_stick_is_left_alone(tmp_path: Path, vid: int, pid: int) -> None:
    port = seen(tmp_path, vid, pid)
    assert port.properties["ID_SERIAL_SHORT"] == "4d07"  # udev did look at it
    assert port.ours == []
    assert not [name for name in port.properties if name.startswith("ID_MM_")]


@pytest.mark.real_time
def test_the_second_port_of_a_stick_does_not_take_the_name_of_the_first(tmp_path: Path) -> None:
    assert seen(tmp_path, 0x0451, 0xBEF3, interface=3).ours == ["/dev/legacy-tc/4d07-if03"]


@pytest.mark.real_time
def test_a_stick_without_a_serial_number_gets_no_name(tmp_path: Path) -> None:
    port = seen(tmp_path, 0x1A86, 0x7523, serial="")
    assert port.ours == []
    assert port.properties["ID_MM_PORT_IGNORE"] == "1"


@pytest.mark.real_time
def test_a_serial_number_cannot_leave_the_folder(tmp_path: Path) -> None:
    (link,) = seen(tmp_path, 0x10C4, 0xEA60, serial="../../x y").ours
    assert "/" not in link.removeprefix("/dev/legacy-tc/")


def test_the_rules_name_no_stick_that_the_doctor_does_not_know() -> None:
    named = {
        (int(vid, 16), int(pid, 16) if pid else None)
        for vid, pid in re.findall(
            r'^ATTRS\{idVendor\}=="(\w+)"(?:, ATTRS\{idProduct\}=="(\w+)")?',
            RULES.read_text("ascii"),
            re.MULTILINE,
        )
    }
    assert named == {(stick.vid, stick.pid) for stick in STICKS}
