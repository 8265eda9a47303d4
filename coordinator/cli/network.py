"""The saved network: shown, exported and imported as an Open Coordinator Backup, reset."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import Annotated, Optional

import typer

from coordinator.cli import options
from coordinator.profiles.errors import ConfigurationError
from coordinator.recording import Unwritable
from coordinator.runtime import records, state_folder
from coordinator.runtime.files import OsFiles
from coordinator.runtime.records import DeviceState, Saved
from coordinator.types import Key, hex16

app = typer.Typer(help="The network that --state keeps.", rich_markup_mode=None)

State = Annotated[Path, typer.Option("--state", metavar="DIR", help="The folder that keeps the network.")]
HIDDEN = "hidden; --keys shows it"


@app.command("show")
def show_command(
    state: State,
    keys: Annotated[bool, typer.Option("--keys", help="Show the keys as well.")] = False,
    json: options.Json = False,
) -> None:
    """Show the network, its counters and its devices; a running daemon is not disturbed.

    Example: legacy-tc network show --state ./bench
    """
    saved = _load(state)
    shown = _network_object(saved, keys)
    devices = [_device_object(str(eui64), device, keys) for eui64, device in saved.devices.items()]
    if json:
        typer.echo(json_format.dumps({**shown, "devices": devices}))
        return
    for name, value in shown.items():
        typer.echo(f"{name:<18} {value}")
    typer.echo(f"{'devices':<18} {len(devices)}")
    for device in devices:
        typer.echo("  " + "  ".join(str(value) for value in device.values()))


@app.command("export")
def export_command(
    state: State,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="FILE.json", help="Write it here, readable by you alone."),
    ] = None,
) -> None:
    """Print the network as an Open Coordinator Backup, keys and all: what ZHA and Zigbee2MQTT read.

    Its frame counters are the reserved bounds, so that whoever takes over sends nothing that was sent.

    Example: legacy-tc network export --state ./bench --output backup.json
    """
    from coordinator.runtime import backup  # a third of a second that no other verb should pay

    text = backup.write(_load(state))
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise Unwritable(f"{output}: {error.strerror or error}") from None


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="BACKUP.json")],
    state: State,
    force: Annotated[bool, typer.Option("--force", help="Replace the network that is there.")] = False,
) -> None:
    """Take over the network of an Open Coordinator Backup (ZHA, Zigbee2MQTT's coordinator_backup.json).

    Never run both coordinators at once. Frame counters begin 10,000 past the backup's.

    Example: legacy-tc network import coordinator_backup.json --state ./bench
    """
    from coordinator.runtime import backup  # as above

    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(str(file), "", error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(file), "", "not UTF-8 text") from None
    saved = backup.read(text, str(file))
    state_folder.put(state, saved, replace_existing=force)
    network = saved.network
    assert network is not None
    typer.echo(
        f"PAN {hex16(network.pan_id)} on channel {network.channel}, coordinator {network.eui64}, "
        f"{len(saved.devices)} devices; frame counters begin {backup.JUMP:,} past the backup's"
    )


@app.command("reset")
def reset_command(
    state: State,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, forget it.")] = False,
) -> None:
    """Forget the network, its keys and its devices: the next run forms a new one.

    What stays is how far its frame counters went: they never go back, whatever key comes next.

    Example: legacy-tc network reset --state ./bench --yes
    """
    if not yes:
        raise typer.BadParameter(
            "this forgets the network and every device on it; add --yes", param_hint="--yes"
        )
    typer.echo("forgotten" if state_folder.forget(state) else "there was nothing to forget")


def _load(state: Path) -> Saved:
    _, saved = state_folder.load(state, OsFiles())
    if saved.network is None:
        raise ConfigurationError(str(state), "", "no network is kept here")
    return saved


def _network_object(saved: Saved, keys: bool) -> dict[str, object]:
    network = saved.network
    assert network is not None
    key = saved.network_keys[network.key_sequence]
    return {
        "trust_center": str(network.eui64),
        "channel": network.channel,
        "pan_id": hex16(network.pan_id),
        "extended_pan_id": str(network.extended_pan_id),
        "nwk_update_id": network.update_id,
        "network_key": _shown(key, keys),
        "key_sequence": network.key_sequence,
        "link_key": _shown(saved.default_link_key, keys),
        "nwk_counter_below": saved.bounds.get(records.network_counter(key), 0),
        "aps_counter_below": saved.bounds.get(records.APS_COUNTER, 0),
    }


def _device_object(eui64: str, device: DeviceState, keys: bool) -> dict[str, object]:
    current = None if device.link_keys is None else device.link_keys.current
    found: dict[str, object] = {
        "device": eui64,
        "address": hex16(device.address),
        "standing": device.standing.value,
        "link_key_kind": "global" if current is None else current[1].value,
    }
    if keys and current is not None:
        found["link_key"] = current[0].octets.hex()
    return found


def _shown(key: Key, keys: bool) -> str:
    return key.octets.hex() if keys else HIDDEN
