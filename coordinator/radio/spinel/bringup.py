"""From an open line to an RCP that does what we need: what it is, and every setting applied and read back."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from coordinator.codec import spinel
from coordinator.codec.cursor import Cursor, DecodeError
from coordinator.codec.spinel import Property
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel.client import Client, StatusError
from coordinator.stack.node import Tune

MIN_PROTOCOL = 4
"""The major version of Spinel that this host speaks."""
OUR_API_VERSION = 11
"""The RCP API version that this host knows; an RCP that demands a later host is refused."""
FILTERED = 0
"""MAC_PROMISCUOUS_MODE: the address filter is on, and with it the radio's own ACKs."""
RESET_PATIENCE = 2.0
"""Seconds to wait for word of a reset."""
_U16 = struct.Struct("<H")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an RCP is told. `tx_power` in dBm, None to leave it."""

    tune: Tune
    tx_power: int | None = None
    receiver_on: bool = True


async def introduce(client: Client, line: str) -> Report:
    """Ask an RCP what it is; `line` is for the report. Raises RadioError when it cannot be used."""
    try:
        cursor = Cursor(spinel.LAYER, await client.get(Property.PROTOCOL_VERSION))
        protocol = spinel.unpack(cursor), spinel.unpack(cursor)
        firmware = (await client.get(Property.NCP_VERSION)).split(b"\0")[0].decode("utf-8", "replace")
        interface = spinel.unpack(Cursor(spinel.LAYER, await client.get(Property.INTERFACE_TYPE)))
        caps = spinel.unpack_all(await client.get(Property.CAPS))
        address = spinel.read_eui64(await client.get(Property.HWADDR))
        api, host_api = await _optional(client, Property.RCP_API_VERSION, Property.RCP_MIN_HOST_API_VERSION)
        (radio_caps,) = await _optional(client, Property.RADIO_CAPS)
    except (DecodeError, StatusError) as error:
        raise RadioError(Fault.WRONG_FIRMWARE, f"not an RCP that we know: {error}") from None
    if protocol[0] != MIN_PROTOCOL or interface != spinel.INTERFACE_802_15_4:
        raise RadioError(
            Fault.WRONG_FIRMWARE,
            f"speaks Spinel {protocol[0]}.{protocol[1]}, interface type {interface} ({firmware}); "
            f"an RCP speaks {MIN_PROTOCOL}.x and has interface type {spinel.INTERFACE_802_15_4}",
        )
    if not {spinel.Capability.CONFIG_RADIO, spinel.Capability.MAC_RAW} & set(caps):
        raise RadioError(
            Fault.WRONG_FIRMWARE, f"an NCP with a stack of its own ({firmware}); flash an RCP build"
        )
    if host_api is not None and host_api > OUR_API_VERSION:
        raise RadioError(
            Fault.WRONG_FIRMWARE,
            f"{firmware} demands host API {host_api}, and this host knows {OUR_API_VERSION}",
        )
    return Report(
        kind="spinel",
        line=line,
        firmware=firmware,
        hardware_address=address,
        protocol_version=protocol,
        api_version=api,
        min_host_api=host_api,
        capabilities=_names(caps, radio_caps),
    )


async def apply(client: Client, settings: Settings) -> int | None:
    """Tell the RCP everything, each value read back; returns its transmit power in dBm if it says so.

    Raises RadioError that names the setting that it does not take.
    """
    await _insist(client, Property.PHY_ENABLED, b"\x01")
    await tune(client, settings.tune)
    power = await _power(client, settings.tx_power)
    await _insist(client, Property.MAC_PROMISCUOUS_MODE, bytes((FILTERED,)))
    try:
        await client.set(Property.MAC_RX_ON_WHEN_IDLE_MODE, bytes((settings.receiver_on,)))
    except StatusError:
        if not settings.receiver_on:
            raise RadioError(Fault.REFUSED, "the RCP cannot turn its receiver off") from None
    await _insist(client, Property.MAC_RAW_STREAM_ENABLED, b"\x01")
    return power


async def tune(client: Client, wanted: Tune) -> None:
    """Set channel and addresses. Raises RadioError."""
    for property_id, value in addresses(wanted).items():
        await _insist(client, property_id, value)


def addresses(wanted: Tune) -> dict[Property, bytes]:
    """Channel and address filter as properties."""
    return {
        Property.PHY_CHAN: bytes((wanted.channel,)),
        Property.MAC_15_4_LADDR: spinel.eui64(wanted.extended_address),
        Property.MAC_15_4_SADDR: _U16.pack(wanted.address),
        Property.MAC_15_4_PANID: _U16.pack(wanted.pan_id),
    }


async def check(client: Client, settings: Settings, source_match: bool) -> None:
    """Read everything back: an RCP that forgot a setting is deaf or mute. Raises RadioError."""
    expected = {
        Property.PHY_ENABLED: b"\x01",
        Property.MAC_RAW_STREAM_ENABLED: b"\x01",
        Property.MAC_PROMISCUOUS_MODE: bytes((FILTERED,)),
        Property.MAC_RX_ON_WHEN_IDLE_MODE: bytes((settings.receiver_on,)),
        Property.MAC_SRC_MATCH_ENABLED: bytes((source_match,)),
        **addresses(settings.tune),
    }
    for property_id, value in expected.items():
        try:
            found = await client.get(property_id)
        except StatusError:
            continue  # some firmware answers SET and not GET
        if found != value:
            raise RadioError(
                Fault.RESET, f"{property_id.name} is {found.hex() or 'empty'}, and was set to {value.hex()}"
            )


async def reset(client: Client, heard: asyncio.Event) -> None:
    """Reset the stack of the RCP. Some say so and some do not: in the end it must answer again.

    `heard` is set by every reset; from here on by one that nobody asked for.
    """
    heard.clear()
    client.send_reset(spinel.ResetReason.STACK)
    try:
        async with asyncio.timeout(RESET_PATIENCE):
            await heard.wait()
    except TimeoutError:
        pass
    heard.clear()


async def _insist(client: Client, property_id: Property, value: bytes) -> None:
    try:
        in_force = await client.set(property_id, value)
    except StatusError as error:
        raise RadioError(Fault.REFUSED, f"the RCP refuses {error}") from None
    if in_force not in (value, b""):
        raise RadioError(
            Fault.REFUSED, f"the RCP was told {property_id.name} {value.hex()}, and has {in_force.hex()}"
        )


async def _power(client: Client, wanted: int | None) -> int | None:
    try:
        if wanted is None:
            found = await client.get(Property.PHY_TX_POWER)
        else:
            found = await client.set(Property.PHY_TX_POWER, struct.pack("<b", wanted))
    except StatusError as error:
        if wanted is None:
            return None
        raise RadioError(
            Fault.REFUSED, f"the RCP does not take a transmit power of {wanted} dBm: {error}"
        ) from None
    power: int | None = struct.unpack("<b", found)[0] if len(found) == 1 else None
    return power


async def _optional(client: Client, *properties: Property) -> tuple[int | None, ...]:
    """Packed integers that older firmware does not have."""
    found: list[int | None] = []
    for property_id in properties:
        try:
            found.append(spinel.unpack(Cursor(spinel.LAYER, await client.get(property_id))))
        except StatusError:
            found.append(None)
    return tuple(found)


def _names(caps: tuple[int, ...], radio_caps: int | None) -> tuple[str, ...]:
    """What the RCP can do, in words; what we have no word for is left out."""
    named = [known.name for known in spinel.Capability if known in caps]
    named += [flag.name or "" for flag in spinel.RadioCapability if (radio_caps or 0) & flag]
    return tuple(name.lower().replace("_", "-") for name in named)
