"""The capture file: what was on the air, why, and the keys to read it.

Interface `keys` carries synthetic key-disclosure frames: Transport-Key commands without any
security, from which Wireshark learns the keys with no preferences at all (evidence.md, "Works 3").
They must precede the first frame that needs them. Interface `radio0` carries what was on the air,
behind a TAP header with channel, RSS and LQI. Frames have no FCS: radios check it and take it off.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from coordinator import __version__, trace
from coordinator.evidence import pcapng
from coordinator.types import (
    COORDINATOR,
    GLOBAL_LINK_KEY,
    NO_ADDRESS,
    Channel,
    Eui64,
    Instant,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)

KEYS_INTERFACE = 0
RADIO_INTERFACE = 1
KEYS_NAME = "keys"
RADIO_NAME = "radio0"
NO_EUI64 = Eui64(0)

KEYS_COMMENT = (
    "THIS FILE CONTAINS KEYS of a test network formed by legacy-tc. "
    'Frames on interface "keys" never were on the air: they disclose the keys to the dissector '
    '(hide them with frame.interface_name != "keys").'
)
_DISCLOSURE = "legacy-tc: key disclosure, never on the air: "

_TAP = struct.Struct("<BBH HHI HHf HHHBx HHI")
_TAP_FCS_TYPE, _TAP_RSS, _TAP_CHANNEL, _TAP_LQI = 0, 1, 3, 10
_NO_FCS = 0

_MAC_AND_NWK = struct.Struct("<HBHHH HHHBB")
_MAC_DATA = 0x8841  # data, PAN id compression, both addresses short, no ACK
_NWK_DATA = 0x0008  # data, protocol version 2, no security
_RADIUS = 30
_APS_TRANSPORT_KEY = b"\x01\x00\x05"  # command, counter 0, Transport-Key; no security
_NETWORK_KEY, _TRUST_CENTER_LINK_KEY = 0x01, 0x04
_REMEMBERED = 256


class Writer(Protocol):
    """What a capture needs of an open binary file."""

    def write(self, octets: bytes, /) -> object: ...


class Capture:
    """Writes one pcapng section. The same calls give the same octets.

    `utc_at_zero` is the UTC time of `Instant(0)` in microseconds since the epoch; `radio` is stamped
    on the file; `remarks` are further lines about it (profile, joiner, seed).
    """

    def __init__(
        self,
        out: Writer,
        *,
        utc_at_zero: int,
        radio: str = "sim",
        trust_center: Eui64 = NO_EUI64,
        remarks: Sequence[str] = (),
    ) -> None:
        self._out = out
        self._utc_at_zero = utc_at_zero
        self._trust_center = trust_center
        self._disclosed: OrderedDict[tuple[Key, PanId, bool], None] = OrderedDict()
        out.write(
            pcapng.section_header(
                hardware=f"radio: {radio}",
                application=f"legacy-tc {__version__}",
                comments=(f"radio: {radio}", KEYS_COMMENT, *remarks),
            )
        )
        out.write(
            pcapng.interface_description(
                link_type=pcapng.LINKTYPE_IEEE802_15_4_NOFCS,
                name=KEYS_NAME,
                description="synthetic key disclosures, never on the air",
            )
        )
        out.write(
            pcapng.interface_description(
                link_type=pcapng.LINKTYPE_IEEE802_15_4_TAP, name=RADIO_NAME, description=f"radio: {radio}"
            )
        )

    def frame(
        self,
        at: Instant,
        psdu: bytes,
        channel: Channel,
        rssi: int,
        lqi: int,
        comments: Sequence[str] = (),
    ) -> None:
        """Add a frame that was on the air: PSDU without FCS, RSSI in dBm, LQI 0 to 255."""
        octets = tap_header(channel, rssi, lqi) + psdu
        self._out.write(pcapng.enhanced_packet(RADIO_INTERFACE, self._utc_at_zero + at, octets, comments))

    def key(self, record: trace.KeyInUse, pan_id: PanId, address: NwkAddress = NO_ADDRESS) -> None:
        """Disclose a key; call it before the first frame that the key protects.

        A record with a `sequence` is a network key, any other a Trust Center link key; `address` is
        then its holder's, if it is known. With a network's first key goes the default global link key,
        which everyone has and Wireshark must be told. A key disclosed lately is not disclosed again.
        """
        if record.sequence is not None:
            everyones = trace.KeyInUse(at=record.at, key=GLOBAL_LINK_KEY, kind=LinkKeyKind.GLOBAL)
            self._disclose(everyones, pan_id, NO_ADDRESS)
        self._disclose(record, pan_id, address)

    def _disclose(self, record: trace.KeyInUse, pan_id: PanId, address: NwkAddress) -> None:
        identity = (record.key, pan_id, record.sequence is None)
        if identity in self._disclosed:
            self._disclosed.move_to_end(identity)
            return
        self._disclosed[identity] = None
        if len(self._disclosed) > _REMEMBERED:
            self._disclosed.popitem(last=False)
        if record.sequence is not None:
            secrets = pcapng.nwk_key_secrets(record.key, pan_id)
        else:
            secrets = pcapng.aps_key_secrets(record.key, pan_id, COORDINATOR, address)
        self._out.write(secrets)
        psdu = disclosure(record, pan_id, address, self._trust_center)
        self._out.write(
            pcapng.enhanced_packet(
                KEYS_INTERFACE, self._utc_at_zero + record.at, psdu, (_DISCLOSURE + _name(record),)
            )
        )


def disclosure(record: trace.KeyInUse, pan_id: PanId, address: NwkAddress, trust_center: Eui64) -> bytes:
    """A Transport-Key command to `address` without NWK and APS security (PSDU without FCS)."""
    header = _MAC_AND_NWK.pack(
        _MAC_DATA, 0, pan_id, address, COORDINATOR, _NWK_DATA, address, COORDINATOR, _RADIUS, 0
    )
    device = (record.device if record.device is not None else NO_EUI64).to_octets()
    if record.sequence is not None:
        described = bytes((_NETWORK_KEY,)) + record.key.octets + bytes((record.sequence,))
    else:
        described = bytes((_TRUST_CENTER_LINK_KEY,)) + record.key.octets
    return header + _APS_TRANSPORT_KEY + described + device + trust_center.to_octets()


@lru_cache(maxsize=512)
def tap_header(channel: Channel, rssi: int, lqi: int) -> bytes:
    """The TAP header of a frame without FCS. RSS is a float in dBm; the channel page is 0."""
    return _TAP.pack(
        0, 0, _TAP.size,
        _TAP_FCS_TYPE, 1, _NO_FCS,
        _TAP_RSS, 4, float(rssi),
        _TAP_CHANNEL, 3, channel, 0,
        _TAP_LQI, 1, lqi,
    )  # fmt: skip


def _name(record: trace.KeyInUse) -> str:
    if record.sequence is not None:
        return f"network key, sequence number {record.sequence}"
    kind = f"{record.kind.value} " if record.kind is not None else ""
    owner = f" of {record.device}" if record.device is not None else ""
    return f"{kind}Trust Center link key{owner}"
