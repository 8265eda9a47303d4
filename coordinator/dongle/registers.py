"""The properties of the emulated RCP: what it holds, how each is read and how each is set.

A setter raises DecodeError for octets that are not of the property's type and Refused for a value that
the RCP does not take. Octets after a value are ignored, so that later hosts may say more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from coordinator import __version__
from coordinator.codec import spinel
from coordinator.codec.cursor import Cursor
from coordinator.codec.spinel import Capability, Property, RadioCapability, Status
from coordinator.sim.radio import NOISE_FLOOR
from coordinator.types import BROADCAST_PAN, CHANNELS, NO_ADDRESS, Channel, Eui64, NwkAddress, PanId

VERSION = f"LEGACY-TC-RCP/{__version__}; SIM; simulated air"
API_VERSION = 11
MIN_HOST_API_VERSION = 4
CAPABILITIES = (
    Capability.CONFIG_RADIO,
    Capability.MAC_RAW,
    Capability.IEEE_802_15_4_2450MHZ_OQPSK,
    Capability.RCP_API_VERSION,
    Capability.RCP_MIN_HOST_API_VERSION,
)
RADIO_CAPABILITIES = (
    RadioCapability.ACK_TIMEOUT
    | RadioCapability.ENERGY_SCAN
    | RadioCapability.TRANSMIT_RETRIES
    | RadioCapability.CSMA_BACKOFF
    | RadioCapability.RX_ON_WHEN_IDLE
)
SENSITIVITY = -100
"""PHY_RX_SENSITIVITY in dBm."""
POWER_RANGE = (-20, 20)
"""PHY_TX_POWER in dBm: what is asked for beyond is cut to this."""


class Refused(Exception):
    """The RCP does not do that; `status` says why."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Registers:
    """What an RCP holds, with its values after power-on. `table_size` bounds each source-match table."""

    eui64: Eui64
    table_size: int
    last_status: int = Status.RESET_POWER_ON
    phy_enabled: bool = False
    channel: Channel = CHANNELS[0]
    cca_threshold: int = -75
    tx_power: int = 0
    scan_mask: tuple[Channel, ...] = CHANNELS
    scan_period: int = 200
    extended_address: Eui64 = Eui64(0)
    address: NwkAddress = NO_ADDRESS
    pan_id: PanId = BROADCAST_PAN
    raw_stream: bool = False
    promiscuous: int = 0
    rx_on_when_idle: bool = True
    source_match: bool = False
    match_short: set[NwkAddress] = field(default_factory=set)
    match_extended: set[Eui64] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.extended_address = self.eui64


Reader = Callable[[Registers], bytes]
Writer = Callable[[Registers, Cursor], None]


def _u8(value: int) -> bytes:
    return bytes((value,))


def _i8(value: int) -> bytes:
    return value.to_bytes(1, "little", signed=True)


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "little")


READERS: dict[int, Reader] = {
    Property.LAST_STATUS: lambda held: spinel.pack(held.last_status),
    Property.PROTOCOL_VERSION: lambda _: spinel.pack_all(spinel.PROTOCOL_VERSION),
    Property.NCP_VERSION: lambda _: VERSION.encode() + b"\x00",
    Property.INTERFACE_TYPE: lambda _: spinel.pack(spinel.INTERFACE_802_15_4),
    Property.CAPS: lambda _: spinel.pack_all(CAPABILITIES),
    Property.HWADDR: lambda held: spinel.eui64(held.eui64),
    Property.RCP_API_VERSION: lambda _: spinel.pack(API_VERSION),
    Property.RCP_MIN_HOST_API_VERSION: lambda _: spinel.pack(MIN_HOST_API_VERSION),
    Property.RADIO_CAPS: lambda _: spinel.pack(RADIO_CAPABILITIES),
    Property.PHY_ENABLED: lambda held: _u8(held.phy_enabled),
    Property.PHY_CHAN: lambda held: _u8(held.channel),
    Property.PHY_CHAN_SUPPORTED: lambda _: bytes(CHANNELS),
    Property.PHY_CCA_THRESHOLD: lambda held: _i8(held.cca_threshold),
    Property.PHY_TX_POWER: lambda held: _i8(held.tx_power),
    Property.PHY_RSSI: lambda _: _i8(NOISE_FLOOR),
    Property.PHY_RX_SENSITIVITY: lambda _: _i8(SENSITIVITY),
    Property.MAC_SCAN_MASK: lambda held: bytes(held.scan_mask),
    Property.MAC_SCAN_PERIOD: lambda held: _u16(held.scan_period),
    Property.MAC_15_4_LADDR: lambda held: spinel.eui64(held.extended_address),
    Property.MAC_15_4_SADDR: lambda held: _u16(held.address),
    Property.MAC_15_4_PANID: lambda held: _u16(held.pan_id),
    Property.MAC_RAW_STREAM_ENABLED: lambda held: _u8(held.raw_stream),
    Property.MAC_PROMISCUOUS_MODE: lambda held: _u8(held.promiscuous),
    Property.MAC_RX_ON_WHEN_IDLE_MODE: lambda held: _u8(held.rx_on_when_idle),
    Property.MAC_SRC_MATCH_ENABLED: lambda held: _u8(held.source_match),
    Property.MAC_SRC_MATCH_SHORT_ADDRESSES: lambda held: b"".join(map(_u16, sorted(held.match_short))),
    Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES: lambda held: b"".join(
        map(spinel.eui64, sorted(held.match_extended))
    ),
}


def channel(number: int) -> Channel:
    """A channel that the radio has. Raises Refused."""
    if number not in CHANNELS:
        raise Refused(Status.INVALID_ARGUMENT)
    return Channel(number)


def _signed(value: Cursor) -> int:
    octet = value.u8("value")
    return octet - 0x100 if octet & 0x80 else octet


def _eui64(value: Cursor) -> Eui64:
    return spinel.read_eui64(value.take(8, "EUI-64"))


def _phy_enabled(held: Registers, value: Cursor) -> None:
    held.phy_enabled = value.u8("value") != 0


def _phy_channel(held: Registers, value: Cursor) -> None:
    held.channel = channel(value.u8("channel"))


def _cca_threshold(held: Registers, value: Cursor) -> None:
    held.cca_threshold = _signed(value)


def _tx_power(held: Registers, value: Cursor) -> None:
    least, most = POWER_RANGE
    held.tx_power = max(least, min(most, _signed(value)))


def _scan_mask(held: Registers, value: Cursor) -> None:
    mask = tuple(channel(number) for number in value.rest())
    if not mask:
        raise Refused(Status.INVALID_ARGUMENT)
    held.scan_mask = mask


def _scan_period(held: Registers, value: Cursor) -> None:
    held.scan_period = value.u16("milliseconds")


def _extended_address(held: Registers, value: Cursor) -> None:
    held.extended_address = _eui64(value)


def _address(held: Registers, value: Cursor) -> None:
    held.address = NwkAddress(value.u16("short address"))


def _pan_id(held: Registers, value: Cursor) -> None:
    held.pan_id = PanId(value.u16("PAN identifier"))


def _raw_stream(held: Registers, value: Cursor) -> None:
    held.raw_stream = value.u8("value") != 0


def _promiscuous(held: Registers, value: Cursor) -> None:
    mode = value.u8("value")
    if mode > 2:
        raise Refused(Status.INVALID_ARGUMENT)
    held.promiscuous = mode


def _rx_on_when_idle(held: Registers, value: Cursor) -> None:
    held.rx_on_when_idle = value.u8("value") != 0


def _source_match(held: Registers, value: Cursor) -> None:
    held.source_match = value.u8("value") != 0


def _match_short(held: Registers, value: Cursor) -> None:
    addresses = set()
    while value.remaining:
        addresses.add(NwkAddress(value.u16("short address")))
    _check_room(held, len(addresses))
    held.match_short = addresses


def _match_extended(held: Registers, value: Cursor) -> None:
    addresses = set()
    while value.remaining:
        addresses.add(_eui64(value))
    _check_room(held, len(addresses))
    held.match_extended = addresses


def _check_room(held: Registers, count: int) -> None:
    if count > held.table_size:
        raise Refused(Status.NOMEM)


WRITERS: dict[int, Writer] = {
    Property.PHY_ENABLED: _phy_enabled,
    Property.PHY_CHAN: _phy_channel,
    Property.PHY_CCA_THRESHOLD: _cca_threshold,
    Property.PHY_TX_POWER: _tx_power,
    Property.MAC_SCAN_MASK: _scan_mask,
    Property.MAC_SCAN_PERIOD: _scan_period,
    Property.MAC_15_4_LADDR: _extended_address,
    Property.MAC_15_4_SADDR: _address,
    Property.MAC_15_4_PANID: _pan_id,
    Property.MAC_RAW_STREAM_ENABLED: _raw_stream,
    Property.MAC_PROMISCUOUS_MODE: _promiscuous,
    Property.MAC_RX_ON_WHEN_IDLE_MODE: _rx_on_when_idle,
    Property.MAC_SRC_MATCH_ENABLED: _source_match,
    Property.MAC_SRC_MATCH_SHORT_ADDRESSES: _match_short,
    Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES: _match_extended,
}


def _insert_short(held: Registers, value: Cursor) -> None:
    addresses = held.match_short | {NwkAddress(value.u16("short address"))}
    _check_room(held, len(addresses))
    held.match_short = addresses


def _insert_extended(held: Registers, value: Cursor) -> None:
    addresses = held.match_extended | {_eui64(value)}
    _check_room(held, len(addresses))
    held.match_extended = addresses


def _remove_short(held: Registers, value: Cursor) -> None:
    address = NwkAddress(value.u16("short address"))
    if address not in held.match_short:
        raise Refused(Status.ITEM_NOT_FOUND)
    held.match_short.remove(address)


def _remove_extended(held: Registers, value: Cursor) -> None:
    address = _eui64(value)
    if address not in held.match_extended:
        raise Refused(Status.ITEM_NOT_FOUND)
    held.match_extended.remove(address)


INSERTERS: dict[int, Writer] = {
    Property.MAC_SRC_MATCH_SHORT_ADDRESSES: _insert_short,
    Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES: _insert_extended,
}
REMOVERS: dict[int, Writer] = {
    Property.MAC_SRC_MATCH_SHORT_ADDRESSES: _remove_short,
    Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES: _remove_extended,
}
