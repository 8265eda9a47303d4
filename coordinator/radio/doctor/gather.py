"""What can be seen of a machine. `root` is where its files are: a test makes one up."""

from __future__ import annotations

import grp
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from coordinator.radio.doctor.checks import Access, Disturbers, UsbPower

LIBRARIES = ("aiospinel", "serialx", "cryptography", "zigpy")
TSHARK_PATIENCE = 10.0
"""Seconds that tshark may take to say its version."""
DISTURBERS = ("ModemManager", "brltty")
RULES = ("etc/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
_LONGEST_NAME = 15
"""The kernel cuts a process's name to this."""


def python_version() -> tuple[int, int, int]:
    """The interpreter's."""
    return sys.version_info[:3]


def library_versions() -> dict[str, str | None]:
    """Each library's version, None when it is not installed."""
    found: dict[str, str | None] = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def tshark_version() -> str | None:
    """What tshark says of itself, None when there is none that runs."""
    path = shutil.which("tshark")
    if path is None:
        return None
    try:
        run = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=TSHARK_PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.partition("\n")[0].rstrip(".") or None


def access(path: str) -> Access:
    """Whether this process may read and write a port. Raises OSError when it is not there."""
    group = os.stat(path).st_gid
    return Access(
        path=path,
        allowed=os.access(path, os.R_OK | os.W_OK),
        group=_group(group),
        ours=tuple(_group(each) for each in sorted({os.getegid(), *os.getgroups()})),
    )


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def disturbers(root: Path = Path("/")) -> Disturbers:
    """Running ones, and the udev rules that name them."""
    names = {name[:_LONGEST_NAME] for name in DISTURBERS}
    running = []
    for comm in sorted(root.glob("proc/[0-9]*/comm")):
        try:
            name = comm.read_text().strip()
        except OSError:
            continue
        if name in names:
            running.append((int(comm.parent.name), name))
    rules: dict[str, str] = {}
    for folder in RULES:
        for path in sorted(root.glob(f"{folder}/*.rules")):
            if any(name.lower() in path.name.lower() for name in ("brltty", "mm-usb-serial", "mm-candidate")):
                rules.setdefault(path.name, str(path))
    return Disturbers(running=tuple(running), rules=tuple(rules.values()))


def usb_power(device: str, root: Path = Path("/")) -> UsbPower:
    """Of the USB device behind a port such as /dev/ttyACM0."""
    tty = (root / "sys/class/tty" / Path(device).name / "device").resolve()
    control = next(
        (_read(folder / "power/control") for folder in (tty, *tty.parents) if (folder / "idVendor").exists()),
        None,
    )
    latency = _read(tty / "latency_timer")
    return UsbPower(control=control, latency=int(latency) if latency and latency.isdigit() else None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
