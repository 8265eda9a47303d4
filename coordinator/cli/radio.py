"""Which radios there are, and what a radio is."""

from __future__ import annotations

import asyncio
import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from coordinator.cli import exits, options
from coordinator.radio import ports
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import BadRadioUrl, RadioError, RadioUnavailable
from coordinator.radio.firmware import Firmware
from coordinator.radio.identify import Identity, identify
from coordinator.radio.ports import Port
from coordinator.radio.simulated import KIND
from coordinator.radio.url import EXAMPLES, RadioUrl, Simulated, Uart, parse

Object = dict[str, object]

app = typer.Typer(help="Radios: which there are, and what each is.", rich_markup_mode=None)
Url = Annotated[str, typer.Argument(metavar="URL", help=f"Such as {EXAMPLES}.")]


@app.callback()
def radio_callback() -> None:
    """Radios: which there are, and what each is."""


@app.command("list")
def list_command(
    probe: Annotated[
        bool, typer.Option("--probe", help="Ask each port that nobody holds what it is.")
    ] = False,
    json: options.Json = False,
) -> None:
    """List the serial ports by the names that survive a replug, and what is plugged in as it seems.

    What a stick seems to be is told by its USB identity alone. --probe opens each port and asks; it
    restarts an EZSP stick.

    Example: legacy-tc radio list --probe
    """
    raise typer.Exit(list_ports(probe=probe, json=json))


@app.command("probe")
def probe_command(url: Url, json: options.Json = False) -> None:
    """Ask what answers on a line: an RCP with its full report, or what else it is.

    A serial port is tried at its own baud rate, at 460800 and at 115200. Exits with 0 when the radio
    can be used, with 4 when not; it takes at most some 20 seconds.

    Example: legacy-tc radio probe spinel:/dev/ttyACM0
    """
    raise typer.Exit(probe(parse_url(url), json=json))


def parse_url(text: str, option: str = "URL") -> RadioUrl:
    """``spinel:/dev/ttyACM0``. Raises typer.BadParameter."""
    try:
        return parse(text)
    except BadRadioUrl as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def list_ports(*, probe: bool, json: bool, root: Path = ports.HERE) -> int:
    """Print the ports. `root` is where the machine's files are."""
    found = ports.find(root)
    for port in found:
        answers = asyncio.run(_ask(port)) if probe and not port.holders else None
        if json:
            typer.echo(json_format.dumps(port_object(port, answers)))
        else:
            for line in port_lines(port, answers):
                typer.echo(line)
    if not found and not json:
        typer.echo("no serial port found; sim: needs none")
    return exits.PASS


async def _ask(port: Port) -> str:
    try:
        return (await identify(Uart(path=port.path))).text
    except RadioError as error:
        return str(error)


def port_object(port: Port, answers: str | None) -> Object:
    """A port as JSON."""
    usb = port.usb
    return {
        "url": port.url,
        "path": port.path,
        "device": port.device,
        "usb": None if usb is None or usb.vid is None else f"{usb.vid:04x}:{usb.pid or 0:04x}",
        "maker": "" if usb is None else usb.maker,
        "product": "" if usb is None else usb.product,
        "seems": port.seems,
        "held_by": [{"pid": pid, "name": name} for pid, name in port.holders],
        "answers": answers,
    }


def port_lines(port: Port, answers: str | None) -> list[str]:
    """A port as text: its URL, and below it what is known."""
    usb = port.usb
    lines = [port.url]
    if port.path != port.device:
        lines.append(f"  {'now at':9}{port.device}")
    if usb is not None and usb.vid is not None:
        identity = f"{usb.vid:04x}:{usb.pid or 0:04x} {usb.maker} {usb.product}".rstrip()
        lines.append(f"  {'usb':9}{identity}")
    if usb is not None and usb.vid is None:
        lines.append(f"  {'usb':9}none: a port of the machine's own")
    if port.seems:
        lines.append(f"  {'seems':9}{port.seems}")
    if port.holders:
        lines.append(f"  {'held by':9}{', '.join(f'{name} (PID {pid})' for pid, name in port.holders)}")
    if answers is not None:
        lines.append(f"  {'answers':9}{answers}")
    return lines


def probe(url: RadioUrl, *, json: bool) -> int:
    """Print what answers. Raises RadioError for what cannot be used, so that it ends in one line."""
    if isinstance(url, Simulated):
        text = "a simulated radio of our own: it can always be used"
        typer.echo(json_format.dumps({"usable": True, "kind": KIND, "text": text}) if json else text)
        return exits.PASS
    identity = asyncio.run(identify(url))
    if json:
        typer.echo(json_format.dumps(identity_object(identity)))
    if identity.report is None:
        raise RadioUnavailable(f"{url}: {identity.text}{_at_rate(identity)}")
    if not json:
        for name, text in report_lines(identity.report):
            typer.echo(f"{name:14}{text}")
        if isinstance(identity.line, Uart):
            typer.echo(f"{'baud rate':14}{identity.line.baudrate}")
    return exits.PASS


def _at_rate(identity: Identity) -> str:
    """The baud rate at which somebody answered."""
    told = identity.firmware not in (Firmware.SILENT, Firmware.UNKNOWN)
    return f" (at {identity.line.baudrate} baud)" if told and isinstance(identity.line, Uart) else ""


def identity_object(identity: Identity) -> Object:
    """What answers, as JSON."""
    return {
        "usable": identity.usable,
        "kind": identity.firmware.value,
        "text": identity.text,
        "baudrate": identity.line.baudrate if isinstance(identity.line, Uart) else None,
        "report": None if identity.report is None else report_object(identity.report),
    }


def report_object(report: Report) -> Object:
    """A report as JSON."""
    return {
        "kind": report.kind,
        "line": report.line,
        "firmware": report.firmware,
        "hardware_address": None if report.hardware_address is None else str(report.hardware_address),
        "protocol_version": report.protocol_version,
        "api_version": report.api_version,
        "min_host_api": report.min_host_api,
        "capabilities": report.capabilities,
        "tx_power": report.tx_power,
        "frame_pending": report.frame_pending,
    }


def report_lines(report: Report) -> list[tuple[str, str]]:
    """A report as names and values."""
    versions = ".".join(map(str, report.protocol_version or ())) or "not said"
    api = "not said" if report.api_version is None else str(report.api_version)
    host_api = "" if report.min_host_api is None else f", wants a host of {report.min_host_api} or later"
    return [
        ("radio", f"{report.kind} at {report.line}"),
        ("firmware", report.firmware),
        ("address", "not said" if report.hardware_address is None else str(report.hardware_address)),
        ("protocol", f"Spinel {versions}"),
        ("RCP API", api + host_api),
        ("capabilities", ", ".join(report.capabilities) or "none that has a name here"),
        ("power", "not said" if report.tx_power is None else f"{report.tx_power} dBm"),
        ("frame pending", report.frame_pending),
    ]
