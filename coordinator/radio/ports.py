"""The serial ports of this machine, by the names that survive a replug."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coordinator.radio import serial, sticks
from coordinator.radio.serial import UsbPort

HERE = Path("/")
BY_ID = Path("dev/serial/by-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One serial port. `path` is its by-id name if it has one; `holders` have it open, by PID and name."""

    path: str
    device: str
    usb: UsbPort | None = None
    holders: tuple[tuple[int, str], ...] = ()

    @property
    def seems(self) -> str:
        """What it seems to be, unasked; empty when nobody can tell."""
        usb = self.usb
        return "" if usb is None else sticks.seems(usb.vid, usb.pid, usb.maker, usb.product)

    @property
    def url(self) -> str:
        """What to give `--radio`."""
        return f"spinel:{self.path.replace('%', '%25').replace('?', '%3F')}"


def find(root: Path = HERE, usb_ports: Callable[[], Sequence[UsbPort]] | None = None) -> tuple[Port, ...]:
    """Every port that has a by-id name or is a serial port to the kernel, by name.

    `usb_ports` are those that the kernel knows; a made-up `root` knows none unless they are given.
    """
    if usb_ports is None:
        usb_ports = serial.usb_ports if root == HERE else tuple
    known = {port.device: port for port in usb_ports()}
    named: dict[str, str] = {}
    for link in _entries(root / BY_ID):
        named.setdefault(str(link.resolve()), str(link))
    ports = [
        Port(
            path=named.get(device, device),
            device=device,
            usb=known.get(device),
            holders=tuple(serial.holders_of(device, root / "proc")),
        )
        for device in {*named, *known}
        if Path(device).exists()
    ]
    return tuple(sorted(ports, key=lambda port: (port.path == port.device, port.path)))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
