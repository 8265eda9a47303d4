"""Is this machine fit, and can this radio be used? One line a check."""

from __future__ import annotations

import asyncio
import json as json_format
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer

from coordinator.cli import exits
from coordinator.cli.radio import identity_object, parse_url, report_lines
from coordinator.radio import ports, serial
from coordinator.radio.doctor import checks, gather
from coordinator.radio.doctor.checks import Finding, Grade
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.identify import Identity, identify, ignore_confirm, ignore_frame, radio_on
from coordinator.radio.url import Line, Simulated, Uart
from coordinator.types import CHANNELS, MILLISECOND, Channel

SPAN = 100 * MILLISECOND
"""How long each channel is listened to."""
INDENT = " " * 18


class Doctor:
    """Says each finding as it comes, and remembers whether one of them was a failure."""

    def __init__(self, *, json: bool, root: Path = Path("/")) -> None:
        self._json = json
        self._root = root
        self.failed = False

    def say(self, finding: Finding, details: Sequence[str] = (), data: object = None) -> bool:
        """Print a finding with what belongs to it; False when it is a failure."""
        failed = finding.grade is Grade.FAIL
        self.failed = self.failed or failed
        if self._json:
            line = {
                "check": finding.check,
                "grade": finding.grade.value,
                "text": finding.text,
                "advice": finding.advice,
            }
            typer.echo(json_format.dumps(line if data is None else {**line, "data": data}))
            return not failed
        typer.echo(f"{finding.grade.value:6}{finding.check:12}{finding.text}")
        if finding.advice:
            typer.echo(f"{INDENT}-> {finding.advice}")
        for detail in details:
            typer.echo(f"{INDENT}{detail}")
        return not failed

    def machine(self) -> None:
        """What any radio needs."""
        self.say(checks.python(gather.python_version()))
        self.say(checks.libraries(gather.library_versions()))
        self.say(checks.tshark(gather.tshark_version()))
        self.say(checks.disturbers(gather.disturbers(self._root)))

    def without_radio(self) -> None:
        """Every port there is; nothing fails, for nobody asked for one of them."""
        found = ports.find(self._root)
        self.say(checks.ports(found))
        for port in found:
            try:
                access = replace(gather.access(port.device), path=port.path)
            except OSError:
                continue  # unplugged this moment
            for finding in (checks.permission(access), checks.holders(port.path, port.holders)):
                if finding.grade is Grade.FAIL:
                    self.say(replace(finding, grade=Grade.WARN))
        text = "none was named; sim: needs no hardware, --radio URL checks one"
        self.say(Finding(check="radio", grade=Grade.OK, text=text))

    def port(self, uart: Uart) -> bool:
        """Whether a serial port may be used at all."""
        try:
            access = gather.access(uart.path)
        except OSError as error:
            found = ", ".join(port.path for port in ports.find(self._root)) or "none"
            text = f"{uart.path}: {error.strerror}"
            return self.say(Finding(check="port", grade=Grade.FAIL, text=text, advice=f"ports here: {found}"))
        device = str(Path(uart.path).resolve())
        for finding in checks.usb(gather.usb_power(device, self._root)):
            self.say(finding)
        allowed = self.say(checks.permission(access))
        return self.say(checks.holders(uart.path, serial.holders_of(device, self._root / "proc"))) and allowed

    async def radio(self, line: Line) -> None:
        """Who answers, what it is, and how loud its channels are."""
        try:
            identity = await identify(line)
        except RadioError as error:
            self.say(Finding(check="port", grade=Grade.FAIL, text=str(error)))
            return
        self.say(checks.firmware(identity), _details(identity), identity_object(identity))
        if identity.report is None:
            return
        self.say(checks.versions(identity.report))
        try:
            levels = await _levels(identity.line)
        except RadioError as error:
            grade = Grade.WARN if error.fault is Fault.REFUSED else Grade.FAIL
            self.say(Finding(check="noise", grade=grade, text=str(error)))
            return
        table = [
            f"{channel}  {level:4} dBm  {checks.bar(level)}".rstrip() for channel, level in levels.items()
        ]
        self.say(checks.noise(levels), table, {str(channel): level for channel, level in levels.items()})


def run(radio: str | None, *, json: bool, root: Path = Path("/")) -> int:
    """Check, say what was found, and return the exit code."""
    url = None if radio is None else parse_url(radio, "--radio")
    doctor = Doctor(json=json, root=root)
    doctor.machine()
    if url is None:
        doctor.without_radio()
        return exits.PASS
    if isinstance(url, Simulated):
        doctor.say(Finding(check="radio", grade=Grade.OK, text=f"{url}: simulated, and always there"))
    elif not isinstance(url, Uart) or doctor.port(url):
        asyncio.run(doctor.radio(url))
    return exits.RADIO if doctor.failed else exits.PASS


def _details(identity: Identity) -> list[str]:
    if identity.report is None:
        return []
    return [f"{name:14}{text}" for name, text in report_lines(identity.report)]


async def _levels(line: Line) -> dict[Channel, int]:
    """The peak of each channel in dBm. Raises RadioError."""
    radio = radio_on(line)
    await radio.start(ignore_frame, ignore_confirm)
    try:
        return {channel: await radio.energy_scan(channel, SPAN) for channel in CHANNELS}
    finally:
        await radio.close()
