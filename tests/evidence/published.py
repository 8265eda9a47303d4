"""The frames that the reference pages publish (protocol.md 1.1 to 1.7, evidence.md), as one join."""

from __future__ import annotations

import struct
from pathlib import Path

from coordinator.types import Eui64, Key

TRUST_CENTER = Eui64.parse("00:12:4b:00:01:02:03:04")
DEVICE = Eui64.parse("f4:ce:36:00:11:22:33:44")
NETWORK_KEY = Key(bytes(range(16)))
NEW_KEY = Key(bytes(range(0xA0, 0xB0)))

TRANSPORT_NETWORK_KEY = bytes.fromhex(
    "2110300010000004030201004b1200463d234530eb915d404428f41f25b893ae"
    "05f083b0b867a0b30dfe5473a80d22e73aa8343d3316"
)
REQUEST_KEY = bytes.fromhex("21812000200000443322110036cef412209b293a2d")
TRANSPORT_NEW_KEY = bytes.fromhex(
    "2111380110000004030201004b120011774f46286aea76ef9e161e747b3fb69f"
    "be438566b6a62dc824d329aca359b7ed17accd1ced"
)
TRANSPORT_REUSED_KEY = bytes.fromhex(
    "2111380110000004030201004b12001177b58eed8b2bb60855d2debfbef07e01"
    "28438566b6a62dc824d329aca359b7ed17fb58d14e"
)
VERIFY_KEY = bytes.fromhex("01820f04443322110036cef4910713a83109c2091b23c4207fdcadb0")
CONFIRM_KEY = bytes.fromhex("6112200210000004030201004b12003a13134a62f010e93b5649811e6277")
REQUEST_KEY_OVER_NWK = bytes.fromhex(
    "4802000034121e552800300000443322110036cef400b669752603ac163f2e904478607a37e6b106a98dd3c934a489"
)
DISCLOSED_NETWORK_KEY = bytes.fromhex(
    "418800621ab14a00000800b14a00001e000100050100112233445566778899aabbccddeeff00"
    "1100ffeeddccbbaa8877665544332211"
)
DISCLOSED_LINK_KEY = bytes.fromhex(
    "418800621ab14a00000800b14a00001e00010005045a6967426565416c6c69616e63653039"
    "1100ffeeddccbbaa8877665544332211"
)
BEACON_REQUEST = bytes.fromhex("030864ffffffff07")
BEACON = bytes.fromhex("008001621a0000 ffcf 00 00 00 2284 221100ccbbaaeedd ffffff 00")
ASSOCIATION_REQUEST = bytes.fromhex("23c802 621a 0000 ffff 443322110036cef4 01 8e")
DATA_REQUEST = bytes.fromhex("63c803 621a 0000 443322110036cef4 04")
ACK_WITH_FRAME_PENDING = bytes.fromhex("120003")
ASSOCIATION_RESPONSE = bytes.fromhex("63cc04 621a 443322110036cef4 0403020100 4b1200 02 3412 00")
LEAVE = bytes.fromhex("418805 621a ffff 3412 0910 fdff 3412 01 07 443322110036cef4 04 00")


def to_device(apdu: bytes) -> bytes:
    """An APS frame from the Trust Center to 0x1234, without NWK security."""
    return bytes.fromhex("618807 621a 3412 0000 0800 3412 0000 1e01") + apdu


def from_device(npdu: bytes) -> bytes:
    """A NWK frame from 0x1234 to the Trust Center, over one hop."""
    return bytes.fromhex("618808 621a 0000 3412") + npdu


def from_device_unsecured(apdu: bytes) -> bytes:
    """An APS frame from 0x1234 to the Trust Center, without NWK security."""
    return from_device(bytes.fromhex("0800 0000 3412 1e02") + apdu)


JOIN = (
    BEACON_REQUEST,
    BEACON,
    ASSOCIATION_REQUEST,
    DATA_REQUEST,
    ACK_WITH_FRAME_PENDING,
    ASSOCIATION_RESPONSE,
    to_device(TRANSPORT_NETWORK_KEY),
    from_device(REQUEST_KEY_OVER_NWK),
    to_device(TRANSPORT_REUSED_KEY),
    to_device(TRANSPORT_NEW_KEY),
    from_device_unsecured(VERIFY_KEY),
    to_device(CONFIRM_KEY),
    LEAVE,
)


def write_pcap(path: Path, frames: tuple[bytes, ...], link_type: int) -> bytes:
    """A classic pcap, a second and a microsecond between frames; returns what was written."""
    octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for number, frame in enumerate(frames):
        octets += struct.pack("<IIII", 1_795_345_440 + number, number, len(frame), len(frame)) + frame
    path.write_bytes(octets)
    return octets
