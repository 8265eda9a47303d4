"""A made-up machine: by-id links, processes, udev rules and USB devices under one folder."""

from __future__ import annotations

from pathlib import Path


class Machine:
    """Files under `root` as Linux has them under ``/``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.by_id = root / "dev/serial/by-id"

    def plug(self, name: str, device: str | Path) -> Path:
        """A by-id link to a port."""
        self.by_id.mkdir(parents=True, exist_ok=True)
        link = self.by_id / name
        link.symlink_to(device)
        return link

    def run(self, pid: int, name: str, *files: str | Path) -> None:
        """A process that has these files open."""
        fd = self.root / f"proc/{pid}/fd"
        fd.mkdir(parents=True)
        (self.root / f"proc/{pid}/comm").write_text(f"{name}\n")
        for number, path in enumerate(files):
            (fd / str(number)).symlink_to(path)

    def rule(self, name: str) -> None:
        """A udev rule."""
        folder = self.root / "usr/lib/udev/rules.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")

    def usb(self, tty: str, *, control: str, latency: str | None = None) -> None:
        """The USB device behind a port."""
        device = self.root / "sys/devices/usb1/1-1"
        interface = device / "1-1:1.0" / tty
        interface.mkdir(parents=True)
        (device / "idVendor").write_text("0403\n")
        (device / "power").mkdir()
        (device / "power/control").write_text(f"{control}\n")
        if latency is not None:
            (interface / "latency_timer").write_text(f"{latency}\n")
        name = self.root / f"sys/class/tty/{tty}"
        name.mkdir(parents=True)
        (name / "device").symlink_to(interface)
