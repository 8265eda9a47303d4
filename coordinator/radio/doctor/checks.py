"""What was seen of a machine and its radio, judged: data in, findings out."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.radio.capabilities import Report
from coordinator.radio.identify import Identity
from coordinator.radio.ports import Port
from coordinator.types import Channel

OLDEST_PYTHON = (3, 11)
LOUD = -75
"""dBm: a CCA threshold that radios are shipped with; at this level a transmission is put off."""
FLOOR = -100
"""dBm at which the bar of a channel is empty."""
SHOWN_CHANNELS = 3
SLOW_LATENCY = 4
"""Milliseconds that a USB bridge may hold octets back; a joiner listens 19.5 ms for its answer."""


class Grade(enum.Enum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was found, and what to do about it if something should be done."""

    check: str
    grade: Grade
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Whether we may use a port, and by whose leave: its group and the groups that we are in."""

    path: str
    allowed: bool
    group: str
    ours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbers:
    """Programs that open ports which they do not know: running, by PID, and udev rules that start them."""

    running: tuple[tuple[int, str], ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbPower:
    """What the kernel says of a port's USB device; None where it says nothing."""

    control: str | None = None
    latency: int | None = None


def python(version: tuple[int, int, int]) -> Finding:
    """The interpreter."""
    text = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Finding(
            check="python", grade=Grade.FAIL, text=text, advice=f"install Python {wanted} or later"
        )
    return Finding(check="python", grade=Grade.OK, text=text)


def libraries(found: Mapping[str, str | None]) -> Finding:
    """The libraries that a radio needs, by name; None is one that is not installed."""
    missing = [name for name, version in found.items() if version is None]
    if missing:
        return Finding(
            check="libraries",
            grade=Grade.FAIL,
            text=f"missing: {', '.join(missing)}",
            advice="install legacy-tc again; it brings them",
        )
    text = ", ".join(f"{name} {version}" for name, version in found.items())
    return Finding(check="libraries", grade=Grade.OK, text=text)


def tshark(version: str | None) -> Finding:
    """Wireshark's command line, which reads captures."""
    if version is None:
        return Finding(
            check="tshark",
            grade=Grade.WARN,
            text="not found: captures are written all the same",
            advice="to read them here: sudo apt-get install tshark, or open them in Wireshark elsewhere",
        )
    return Finding(check="tshark", grade=Grade.OK, text=version)


def ports(found: Sequence[Port]) -> Finding:
    """The serial ports that there are."""
    if not found:
        return Finding(
            check="ports",
            grade=Grade.WARN,
            text="no serial port found",
            advice="plug a stick in, or do without one: sim: needs no hardware",
        )
    return Finding(check="ports", grade=Grade.OK, text=", ".join(port.path for port in found))


def permission(access: Access) -> Finding:
    """Whether we may open a port."""
    if access.allowed:
        return Finding(check="permission", grade=Grade.OK, text=f"{access.path}: may be opened")
    ours = ", ".join(access.ours) or "none"
    return Finding(
        check="permission",
        grade=Grade.FAIL,
        text=f"{access.path}: belongs to group '{access.group}', and we are in {ours}",
        advice=f"sudo usermod -aG {access.group} $USER, then log in again",
    )


def holders(path: str, found: Sequence[tuple[int, str]]) -> Finding:
    """Whether somebody else has the port open."""
    if not found:
        return Finding(check="in use", grade=Grade.OK, text=f"{path}: nobody else has it open")
    who = ", ".join(f"{name} (PID {pid})" for pid, name in found)
    return Finding(
        check="in use",
        grade=Grade.FAIL,
        text=f"{path}: held by {who}",
        advice="stop it, or take another port",
    )


def disturbers(found: Disturbers) -> Finding:
    """ModemManager and brltty talk to ports that they take for a modem or a braille display."""
    if found.running:
        who = ", ".join(f"{name} (PID {pid})" for pid, name in found.running)
        name = found.running[0][1]
        return Finding(
            check="disturbers",
            grade=Grade.WARN,
            text=f"{who} may open the port and talk to the radio",
            advice=f"sudo systemctl mask --now {name}, or a udev rule with ID_MM_DEVICE_IGNORE for the stick"
            if name == "ModemManager"
            else f"sudo apt-get remove {name}, unless a braille display is in use",
        )
    if found.rules:
        return Finding(
            check="disturbers",
            grade=Grade.WARN,
            text=f"not running, but udev starts one when a stick is plugged in: {', '.join(found.rules)}",
            advice="mask or remove it if a port vanishes after a replug",
        )
    return Finding(check="disturbers", grade=Grade.OK, text="neither ModemManager nor brltty")


def usb(found: UsbPower) -> list[Finding]:
    """Power saving and latency of the USB device, as far as the kernel shows them."""
    findings = []
    if found.control is not None:
        auto = found.control == "auto"
        findings.append(
            Finding(
                check="usb power",
                grade=Grade.WARN if auto else Grade.OK,
                text="the kernel may suspend the stick" if auto else "the stick is never suspended",
                advice="write 'on' to its power/control, by a udev rule for good" if auto else "",
            )
        )
    if found.latency is not None:
        slow = found.latency > SLOW_LATENCY
        findings.append(
            Finding(
                check="usb latency",
                grade=Grade.WARN if slow else Grade.OK,
                text=f"the bridge holds octets back for up to {found.latency} ms",
                advice="write 1 to its latency_timer, by a udev rule for good" if slow else "",
            )
        )
    return findings


def firmware(identity: Identity) -> Finding:
    """Who answers on the line."""
    if identity.usable:
        return Finding(check="firmware", grade=Grade.OK, text=identity.text)
    return Finding(
        check="firmware",
        grade=Grade.FAIL,
        text=identity.text,
        advice="docs/radios.md says what to flash, and how",
    )


def versions(report: Report) -> Finding:
    """Protocol and API versions of an RCP; a firmware that has none is older than they are."""
    protocol = ".".join(map(str, report.protocol_version or ()))
    if report.api_version is None:
        return Finding(
            check="versions",
            grade=Grade.WARN,
            text=f"Spinel {protocol}, and no RCP API version: old firmware",
            advice="flash a newer RCP build if frames are lost",
        )
    least = "" if report.min_host_api is None else f", wants a host of {report.min_host_api} or later"
    return Finding(
        check="versions", grade=Grade.OK, text=f"Spinel {protocol}, RCP API {report.api_version}{least}"
    )


def noise(levels: Mapping[Channel, int]) -> Finding:
    """The quietest channels; a level is the peak in dBm."""
    order = sorted(levels, key=lambda channel: (levels[channel], channel))[:SHOWN_CHANNELS]
    text = "quietest: " + ", ".join(f"{channel} ({levels[channel]} dBm)" for channel in order)
    if levels[order[0]] > LOUD:
        return Finding(
            check="noise",
            grade=Grade.WARN,
            text=text,
            advice="every channel is loud: move the stick away from the computer, with a USB 2 extension",
        )
    return Finding(check="noise", grade=Grade.OK, text=text)


def bar(level: int, width: int = 30) -> str:
    """A level as a bar, empty at the floor and full at -40 dBm."""
    share = (level - FLOOR) / (-40 - FLOOR)
    return "#" * round(width * min(1.0, max(0.0, share)))


def unusable(findings: Sequence[Finding]) -> bool:
    """Whether something failed."""
    return any(finding.grade is Grade.FAIL for finding in findings)
