"""One frame in and one frame out: MAC, NWK with security, APS data; ours, and the least Python can do."""

from __future__ import annotations

import struct
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from benchmarks.measurement import Effort, Measurement, per_second
from coordinator.codec import aps, mac, nwk
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.security import nwk as nwk_security
from coordinator.security.material import NetworkKeys
from coordinator.types import COORDINATOR, Eui64, Key, NwkAddress, PanId

KEY = Key(bytes(range(16)))
SENDER = Eui64(0x00124B0001020304)
ADDRESS = NwkAddress(0x1A2B)
PAN_ID = PanId(0x1A62)
REPORT = bytes.fromhex("18010a00002001")
"""A ZCL attribute report, seven octets: what devices send all day."""
DATA = aps.frame_control(aps.FrameType.DATA)
NWK_DATA = nwk.frame_control(nwk.FrameType.DATA, discover_route=1, secured=True)
NETWORK_KEY = control(key_identifier=KeyIdentifier.NETWORK, extended_nonce=True)

FLOOR = 40_000
CONDITIONS = f"one unicast APS data frame, {len(REPORT)} octets of ASDU, MAC header included"
BARE = "the same octets by struct and AESCCM alone: no checks, no values, fixed layout"


def measure(effort: Effort) -> list[Measurement]:
    """Both directions, each with its bare counterpart and the ratio of the two."""
    keys = NetworkKeys()
    keys.install(KEY, 0)
    keys.activate(0)
    psdu = encode_encrypt(keys)
    bare_encode = bare_encoder()
    _agree(keys, psdu, bare_encode())
    return [
        *_pair("decode+decrypt", lambda: decode_decrypt(psdu, keys), bare_decoder(psdu), effort, FLOOR),
        *_pair("encode+encrypt", lambda: encode_encrypt(keys), bare_encode, effort, None),
    ]


def _pair(
    name: str,
    ours: Callable[[], object],
    bare: Callable[[], object],
    effort: Effort,
    floor: float | None,
) -> list[Measurement]:
    rate, bare_rate = per_second(ours, bare, effort=effort)
    return [
        Measurement(name=name, value=rate, unit="frames/s", conditions=CONDITIONS, floor=floor),
        Measurement(name=f"{name}, bare", value=bare_rate, unit="frames/s", conditions=BARE),
        Measurement(
            name=f"{name}, bare to ours", value=bare_rate / rate, unit="ratio", conditions="1 is ideal"
        ),
    ]


def _agree(keys: NetworkKeys, psdu: bytes, bare: bytes) -> None:
    """Both ways must do the same work, or their ratio says nothing."""
    read = bare_decoder(psdu)()
    if not decode_decrypt(psdu, keys).payload == decode_decrypt(bare, keys).payload == read == REPORT:
        raise AssertionError("the bare codec and ours disagree on the frame")


def decode_decrypt(psdu: bytes, keys: NetworkKeys) -> aps.Frame:
    """What the stack does with octets from the radio until the APS frame is readable."""
    frame = nwk.decode(msdu := mac.decode(psdu).payload)
    security = frame.security
    assert security is not None
    assert security.source is not None
    key = keys.find(security.key_sequence)
    assert key is not None
    return aps.decode(nwk_security.unprotect(msdu, frame, key.cipher, security.source))


def encode_encrypt(keys: NetworkKeys) -> bytes:
    """What the stack does with an ASDU until there are octets for the radio."""
    active = keys.active
    assert active is not None
    apdu = aps.encode(aps.Frame(DATA, 1, None, 0x0006, 0x0104, 1, 7, None, None, REPORT))
    security = AuxiliaryHeader(NETWORK_KEY, keys.next_counter(), SENDER, active.sequence)
    frame = nwk.Frame(NWK_DATA, COORDINATOR, ADDRESS, 30, 9, None, None, None, None, (), security, apdu)
    msdu = nwk_security.protect(frame, active.cipher, SENDER)
    return mac.encode(
        mac.data(
            sequence=5,
            pan_id=PAN_ID,
            destination=COORDINATOR,
            source=ADDRESS,
            payload=msdu,
            ack_request=True,
        )
    )


_HEADERS = struct.Struct("<HBHHH HHHBB BIQB")
_MAC_SIZE = 9
_CONTROL_AT = 17
_NONCE = struct.Struct("<QIB")
_APS = struct.Struct("<BBHHBB")
_LEVEL = NETWORK_KEY | 5


def bare_decoder(psdu: bytes) -> Callable[[], bytes]:
    """Read the very same frame with nothing between the octets and the cipher."""
    cipher = AESCCM(KEY.octets, tag_length=4)

    def decode() -> bytes:
        fields = _HEADERS.unpack_from(psdu)
        nonce = _NONCE.pack(fields[12], fields[11], _LEVEL)
        header = psdu[_MAC_SIZE:_CONTROL_AT] + bytes((_LEVEL,)) + psdu[_CONTROL_AT + 1 : _HEADERS.size]
        apdu = cipher.decrypt(nonce, psdu[_HEADERS.size :], header)
        _APS.unpack_from(apdu)
        return apdu[_APS.size :]

    return decode


def bare_encoder() -> Callable[[], bytes]:
    """Write the very same frame, its frame counter rising."""
    cipher = AESCCM(KEY.octets, tag_length=4)
    counter = 0

    def encode() -> bytes:
        nonlocal counter
        counter += 1
        apdu = _APS.pack(DATA, 1, 0x0006, 0x0104, 1, 7) + REPORT
        octets = _HEADERS.pack(
            0x8861, 5, PAN_ID, COORDINATOR, ADDRESS,
            NWK_DATA, COORDINATOR, ADDRESS, 30, 9,
            NETWORK_KEY, counter, SENDER, 0,
        )  # fmt: skip
        header = octets[_MAC_SIZE:_CONTROL_AT] + bytes((_LEVEL,)) + octets[_CONTROL_AT + 1 :]
        return octets + cipher.encrypt(_NONCE.pack(SENDER, counter, _LEVEL), apdu, header)

    return encode
