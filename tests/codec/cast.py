"""Who speaks in the judged frames, and what their commands travel in."""

from __future__ import annotations

from coordinator.codec import mac, nwk
from coordinator.types import Eui64, ExtendedPanId, Key, NwkAddress, PanId

PAN = PanId(0x1A62)
TC = NwkAddress(0x0000)
DEVICE = NwkAddress(0x4AB1)
ROUTER = NwkAddress(0x77C2)
EVERYONE = NwkAddress(0xFFFF)
TC_IEEE = Eui64.parse("00:12:4b:00:01:02:03:04")
DEVICE_IEEE = Eui64.parse("f4:ce:36:00:11:22:33:44")
ROUTER_IEEE = Eui64.parse("a4:c1:38:99:88:77:66:55")
EPID = ExtendedPanId(Eui64.parse("dd:ee:aa:bb:cc:00:11:22"))
KEY = Key(bytes.fromhex("00112233445566778899aabbccddeeff"))


def over_mac(octets: bytes, destination: NwkAddress = DEVICE) -> bytes:
    return mac.encode(
        mac.data(
            sequence=9, pan_id=PAN, destination=destination, source=TC, payload=octets, ack_request=False
        )
    )


def over_nwk(octets: bytes) -> bytes:
    return over_mac(nwk.encode(nwk.Frame(0x0008, DEVICE, TC, 30, 0, payload=octets)))
