"""Looking before forming: who is on the channel, so that nobody forms on somebody else's PAN.

An active scan (IEEE 802.15.4-2006, 7.5.2.1.2; unverified) by the radio alone, before there is a node:
its address filter is opened for beacons by the broadcast PAN identifier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coordinator.codec import beacon, mac
from coordinator.codec.cursor import DecodeError
from coordinator.composition import Setting, network
from coordinator.radio.base import Radio
from coordinator.radio.errors import RadioLost
from coordinator.stack.host import Network
from coordinator.stack.mac import BEACON_REQUEST, BEACON_REQUEST_OCTETS
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import (
    BROADCAST_PAN,
    COORDINATOR,
    NO_ADDRESS,
    Channel,
    Entropy,
    Eui64,
    ExtendedPanId,
    NwkAddress,
    PanId,
    hex16,
)

REQUESTS = 2
LISTEN = 0.28
"""Seconds after each beacon request: more than the 261 ms of scan duration 4 (protocol.md 2)."""
SENDING = 6.0
"""Seconds that sending a beacon request may take; a radio gives up before."""
DRAWS = 64
"""How many random PAN identifiers are tried before a channel counts as full."""


class NetworkInUse(Exception):
    """What we are to form is somebody else's already; the message says whose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One device that sent a beacon. `extended_pan_id` is None for a beacon that is not Zigbee's."""

    pan_id: PanId
    address: NwkAddress | Eui64
    extended_pan_id: ExtendedPanId | None
    rssi: int


async def survey(radio: Radio, channel: Channel, eui64: Eui64) -> tuple[Heard, ...]:
    """Ask for beacons and listen. The radio is brought up for it. Raises RadioError."""
    found: dict[tuple[PanId, NwkAddress | Eui64], Heard] = {}
    sent: asyncio.Queue[TransmitStatus] = asyncio.Queue()

    def hears(frame: ReceivedFrame) -> None:
        heard = _read(frame)
        if heard is not None:
            found[heard.pan_id, heard.address] = heard

    def confirms(_handle: int, status: TransmitStatus, _pending: bool) -> None:
        sent.put_nowait(status)

    await radio.start(hears, confirms)
    radio.post(Tune(channel=channel, pan_id=BROADCAST_PAN, address=NO_ADDRESS, extended_address=eui64))
    for number in range(REQUESTS):
        psdu = mac.encode(
            mac.Frame(BEACON_REQUEST, number, BROADCAST_PAN, NO_ADDRESS, None, None, BEACON_REQUEST_OCTETS)
        )
        radio.post(Transmit(handle=number, psdu=psdu))
        try:
            async with asyncio.timeout(SENDING):
                status = await sent.get()
        except TimeoutError:
            raise RadioLost(f"the radio does not say whether it sent a frame within {SENDING:g} s") from None
        if status is TransmitStatus.ABORTED:
            raise RadioLost("the radio was lost while it looked for other networks")
        await asyncio.sleep(LISTEN)
    return tuple(found.values())


def choose(setting: Setting, heard: Sequence[Heard], entropy: Entropy) -> Network:
    """The network to form beside those that were heard. Raises NetworkInUse if it is to be one of them."""
    taken = {each.pan_id for each in heard}
    extended = {each.extended_pan_id for each in heard}
    for _ in range(DRAWS):
        chosen = network(setting, entropy)
        if chosen.pan_id not in taken and chosen.extended_pan_id not in extended:
            return chosen
        if setting.pan_id in taken:
            raise NetworkInUse(_whose(heard, f"PAN {hex16(chosen.pan_id)}", setting.channel, setting.pan_id))
        if setting.extended_pan_id is not None and setting.extended_pan_id in extended:
            raise NetworkInUse(
                f"extended PAN {setting.extended_pan_id} is in use on channel {setting.channel}: "
                f"choose another"
            )
    raise NetworkInUse(f"no free PAN identifier was found on channel {setting.channel}")


def resume(kept: Network, heard: Sequence[Heard]) -> Network:
    """The network that was kept, unless another coordinator runs it now. Raises NetworkInUse.

    Its routers answer with the same identifiers, and are welcome: only address 0x0000 is a coordinator's.
    """
    for each in heard:
        ours = each.pan_id == kept.pan_id or each.extended_pan_id == kept.extended_pan_id
        if ours and each.address == COORDINATOR:
            raise NetworkInUse(
                f"another coordinator runs this network (PAN {hex16(each.pan_id)}, extended PAN "
                f"{each.extended_pan_id}, {each.rssi} dBm) on channel {kept.channel}: switch it off first"
            )
    return kept


def settled(setting: Setting, chosen: Network) -> Setting:
    """The setting with nothing left to draw."""
    return replace(
        setting,
        channel=chosen.channel,
        pan_id=chosen.pan_id,
        extended_pan_id=chosen.extended_pan_id,
        network_key=chosen.key,
    )


def _whose(heard: Sequence[Heard], what: str, channel: Channel, pan_id: PanId | None) -> str:
    owner = next(each for each in heard if each.pan_id == pan_id)
    return (
        f"{what} is in use on channel {channel} (extended PAN {owner.extended_pan_id}, {owner.rssi} dBm): "
        f"choose another, or leave the choice to us"
    )


def _read(frame: ReceivedFrame) -> Heard | None:
    try:
        header = mac.decode(frame.psdu)
        if header.frame_control & 7 != mac.FrameType.BEACON:
            return None
        payload = beacon.decode(header.payload).payload
    except DecodeError:
        return None
    if header.source is None or header.source_pan is None:
        return None
    try:
        extended = ExtendedPanId(beacon.decode_zigbee(payload).extended_pan_id)
    except DecodeError:
        extended = None
    return Heard(pan_id=header.source_pan, address=header.source, extended_pan_id=extended, rssi=frame.rssi)
