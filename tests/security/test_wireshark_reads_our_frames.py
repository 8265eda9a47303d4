"""Wireshark as the independent judge: it decrypts what we protect, at every level and key identifier.

Plaintexts are written by hand as octets; only protection is ours. How tshark gets its keys:
evidence.md, "Works 1".
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest

from coordinator.codec import aps as aps_codec
from coordinator.codec import nwk as nwk_codec
from coordinator.security import aes, aps, nwk, suites
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key

pytestmark = pytest.mark.tshark

LINKTYPE_IEEE802_15_4_NOFCS = 230
TRUST_CENTER = Eui64.parse("00124b0001020304")
DEVICE = Eui64.parse("f4ce360011223344")
NETWORK_KEY = Key.parse("00112233445566778899aabbccddeeff")
NEW_KEY = Key(bytes(range(0xA0, 0xB0)))
FROM_TRUST_CENTER, FROM_DEVICE = TRUST_CENTER.to_octets().hex(), DEVICE.to_octets().hex()
TO_DEVICE_AND_FROM_TRUST_CENTER = FROM_DEVICE + FROM_TRUST_CENTER
DEVICE_ANNOUNCE = f"0802130000000060 01 b14a {FROM_DEVICE} 8e"
LEVEL_NAMES = {
    aes.Level.MIC_32: "No Encryption, 32-bit Integrity Protection",
    aes.Level.MIC_64: "No Encryption, 64-bit Integrity Protection",
    aes.Level.MIC_128: "No Encryption, 128-bit Integrity Protection",
    aes.Level.ENC: "AES-128 Encryption, No Integrity Protection",
    aes.Level.ENC_MIC_32: "AES-128 Encryption, 32-bit Integrity Protection",
    aes.Level.ENC_MIC_64: "AES-128 Encryption, 64-bit Integrity Protection",
    aes.Level.ENC_MIC_128: "AES-128 Encryption, 128-bit Integrity Protection",
}


def over_the_air(nwk_octets: bytes, from_device: bool) -> bytes:
    """A MAC data frame on PAN 0x1a62 between the Trust Center (0x0000) and the device (0x4ab1)."""
    addresses = "0000b14a" if from_device else "b14a0000"
    return bytes.fromhex("418805621a" + addresses) + nwk_octets


def secured_nwk(payload: bytes, counter: int, from_device: bool, level: int = aes.Level.ENC_MIC_32) -> bytes:
    """`payload` in an NWK data frame that we protect with the network key, as a MAC frame."""
    source = DEVICE if from_device else TRUST_CENTER
    addresses = "0000b14a" if from_device else "b14a0000"
    header = f"0802{addresses}1e07 28{struct.pack('<I', counter).hex()}{source.to_octets().hex()}00"
    frame = nwk_codec.decode(bytes.fromhex(header) + payload)
    return over_the_air(nwk.protect(frame, aes.Ccm(NETWORK_KEY), source, level), from_device)


def secured_aps(header: str, command: str, key: Key, source: Eui64) -> bytes:
    """An APS frame that we protect; `header` ends with the auxiliary header, level zero."""
    frame = aps_codec.decode(bytes.fromhex(header + command))
    assert frame.security is not None
    cipher = suites.suite(key).cipher(frame.security.key_identifier)
    return aps.protect(frame, cipher, source)


def read(
    tmp_path: Path, frames: list[bytes], keys: list[Key], fields: list[str], *options: str
) -> list[list[str]]:
    """What tshark reads in the frames: one row a frame, one column a field."""
    capture = tmp_path / "frames.pcap"
    octets = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_IEEE802_15_4_NOFCS)
    for number, frame in enumerate(frames):
        octets += struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame
    capture.write_bytes(octets)
    command = ["tshark", "-r", str(capture), "-T", "fields", "-E", "separator=|", *options]
    for key in keys:
        command += ["-o", f'uat:zigbee_pc_keys:"{key.octets.hex()}","Normal","key"']
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("|") for line in done.stdout.splitlines()]


def join_frames() -> list[bytes]:
    """Transport-Key, Device_annce, Request-Key, Transport-Key, Confirm-Key: every key identifier."""
    transport_network_key = secured_aps(
        f"210a 30 00100000 {FROM_TRUST_CENTER}",
        f"0501{NETWORK_KEY.octets.hex()}00{TO_DEVICE_AND_FROM_TRUST_CENTER}",
        GLOBAL_LINK_KEY,
        TRUST_CENTER,
    )
    request_key = secured_aps(f"2181 20 00200000 {FROM_DEVICE}", "0804", GLOBAL_LINK_KEY, DEVICE)
    transport_link_key = secured_aps(
        f"210b 38 01100000 {FROM_TRUST_CENTER}",
        f"0504{NEW_KEY.octets.hex()}{TO_DEVICE_AND_FROM_TRUST_CENTER}",
        GLOBAL_LINK_KEY,
        TRUST_CENTER,
    )
    confirm_key = secured_aps(
        f"610c 20 02100000 {FROM_TRUST_CENTER}", f"100004{FROM_DEVICE}", NEW_KEY, TRUST_CENTER
    )
    unsecured_nwk = bytes.fromhex("0800b14a00001e07")
    return [
        over_the_air(unsecured_nwk + transport_network_key, from_device=False),
        secured_nwk(bytes.fromhex(DEVICE_ANNOUNCE), 0x3000, from_device=True),
        secured_nwk(request_key, 0x3001, from_device=True),
        secured_nwk(transport_link_key, 0x4000, from_device=False),
        secured_nwk(confirm_key, 0x4001, from_device=False),
    ]


def test_wireshark_decrypts_a_whole_join_knowing_only_the_global_link_key(tmp_path: Path) -> None:
    fields = ["zbee_aps.cmd.id", "zbee_aps.zdp_cluster", "zbee_aps.cmd.key_type", "zbee_aps.cmd.key"]
    rows = read(tmp_path, join_frames(), [GLOBAL_LINK_KEY], [*fields, "zbee_sec.encrypted_payload"])
    assert rows == [
        ["0x05", "", "0x01", NETWORK_KEY.octets.hex(), ""],
        ["", "0x0013", "", "", ""],
        ["0x08", "", "0x04", "", ""],
        ["0x05", "", "0x04", NEW_KEY.octets.hex(), ""],
        ["0x10", "", "0x04", "", ""],
    ]


def test_wireshark_reads_the_auxiliary_headers_we_sent(tmp_path: Path) -> None:
    fields = ["zbee.sec.key_id", "zbee.sec.counter", "zbee.sec.src64", "zbee.sec.key_seqno"]
    (row,) = read(tmp_path, join_frames()[2:3], [GLOBAL_LINK_KEY, NETWORK_KEY], fields)
    # The NWK layer first, then the APS layer within.
    assert row == ["0x01,0x00", "12289,8192", f"{DEVICE},{DEVICE}", "0"]


def test_wireshark_cannot_read_them_without_the_key(tmp_path: Path) -> None:
    rows = read(tmp_path, join_frames(), [NEW_KEY], ["zbee_aps.cmd.key", "zbee_aps.zdp_cluster"])
    assert rows == [["", ""]] * 5


@pytest.mark.parametrize("level", LEVEL_NAMES)
def test_wireshark_reads_nwk_frames_of_every_security_level(tmp_path: Path, level: aes.Level) -> None:
    frame = secured_nwk(bytes.fromhex(DEVICE_ANNOUNCE), 0x3000, from_device=True, level=level)
    changed = frame[:-1] + bytes([frame[-1] ^ 1])
    fields = ["zbee_zdp.ext_addr", "zbee_sec.encrypted_payload"]
    preference = f"zbee_nwk.seclevel:{LEVEL_NAMES[level]}"
    intact, flipped = read(tmp_path, [frame, changed], [NETWORK_KEY], fields, "-o", preference)
    assert intact == [str(DEVICE), ""]
    if level >= aes.Level.ENC_MIC_32:  # tshark does not check a MIC without encryption
        assert flipped == ["", "1"]
