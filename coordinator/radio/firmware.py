"""What speaks at the far end of a serial line, told by the first octets it says. Pure.

The octets are those of radios.md section 2: EZSP over ASH answers RST with RSTACK, TI's MT answers
SYS_PING, an RCP or NCP of OpenThread answers in HDLC-lite. The boot texts are what people see in a
terminal; they are told by a few words of them.
"""

from __future__ import annotations

import binascii
import enum
import functools
import operator
from dataclasses import dataclass

from coordinator.codec import hdlc, spinel
from coordinator.codec.cursor import DecodeError


class Firmware(enum.Enum):
    """Who answers."""

    SPINEL = "spinel"
    EZSP = "ezsp"
    ZNP = "znp"
    GECKO_BOOTLOADER = "gecko-bootloader"
    ESP_ROM = "esp-rom"
    UNKNOWN = "unknown"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Octets to say, and the seconds in which who understands them answers."""

    octets: bytes
    patience: float


GET_PROTOCOL_VERSION = bytes.fromhex("7e 7e 810201 c5b2 7e")
"""Two flags first: what was on the line before ends there."""
ASH_CANCEL_AND_RST = bytes.fromhex("1a c038bc7e")
MT_SYS_PING = bytes.fromhex("fe 00 2101 20")
RETURN = b"\r"

QUESTIONS = (
    Question(octets=GET_PROTOCOL_VERSION, patience=0.5),
    Question(octets=ASH_CANCEL_AND_RST, patience=1.5),
    Question(octets=MT_SYS_PING, patience=0.5),
    Question(octets=RETURN, patience=0.4),
    Question(octets=GET_PROTOCOL_VERSION, patience=0.6),  # who has only just started hears it now
)
"""No octet of these is a choice in the Gecko bootloader's menu (1, 2, 3)."""

_ASH_FLAG, _ASH_ESCAPE = b"\x7e", b"\x7d"
_ASH_ANSWERS = (b"\xc1", b"\xc2")
"""RSTACK, ERROR."""
_ASH_BREAKS = (b"\x18", b"\x1a")
"""Substitute and cancel end what was begun."""
_ASH_FLOW = (b"\x11", b"\x13")
"""XON and XOFF stand between octets."""
_MT_START = b"\xfe"
_MT_ANSWERS = (b"\x61\x01", b"\x41\x80")
"""SYS_PING's response, SYS_RESET_IND."""
_TEXTS = (
    (b"Gecko Bootloader", Firmware.GECKO_BOOTLOADER),
    (b"BL >", Firmware.GECKO_BOOTLOADER),
)
_ESP_BOOT_TEXT = b"ESP-ROM:"


def recognise(octets: bytes) -> Firmware | None:
    """Who said these octets, None while that cannot be told."""
    if _has_spinel(octets):
        return Firmware.SPINEL
    if _has_ash(octets):
        return Firmware.EZSP
    if _has_mt(octets):
        return Firmware.ZNP
    return next((firmware for text, firmware in _TEXTS if text in octets), None)


def left_over(octets: bytes) -> Firmware:
    """What octets that told nobody are a sign of, once every question was asked."""
    if _ESP_BOOT_TEXT in octets:  # an RCP on an ESP32 says this too before it runs
        return Firmware.ESP_ROM
    return Firmware.UNKNOWN if octets else Firmware.SILENT


def _has_spinel(octets: bytes) -> bool:
    for payload in hdlc.Deframer().feed(octets):
        try:
            frame = spinel.decode(payload)
        except DecodeError:
            continue
        if frame.command == spinel.Command.PROP_VALUE_IS:
            return True
    return False


def _has_ash(octets: bytes) -> bool:
    """RSTACK or ERROR: version 2 of ASH and a code, then the CRC that CCITT gives from 0xffff."""
    for control in _ASH_BREAKS:
        octets = octets.replace(control, _ASH_FLAG)
    for control in _ASH_FLOW:
        octets = octets.replace(control, b"")
    for stuffed in octets.split(_ASH_FLAG):
        frame = _unstuffed(stuffed)
        sound = len(frame) == 5 and frame[1] == 2 and frame[:1] in _ASH_ANSWERS
        if sound and binascii.crc_hqx(frame[:3], 0xFFFF) == int.from_bytes(frame[3:], "big"):
            return True
    return False


def _unstuffed(octets: bytes) -> bytes:
    first, *rest = octets.split(_ASH_ESCAPE)
    return first + b"".join(bytes((each[0] ^ 0x20,)) + each[1:] for each in rest if each)


def _has_mt(octets: bytes) -> bool:
    """SYS_PING's response or a reset indication: start, length, command, data, exclusive-or of all these."""
    start = octets.find(_MT_START)
    while 0 <= start < len(octets) - 1:
        frame = octets[start + 1 : start + 5 + octets[start + 1]]
        whole = len(frame) == frame[0] + 4
        if whole and frame[1:3] in _MT_ANSWERS and functools.reduce(operator.xor, frame) == 0:
            return True
        start = octets.find(_MT_START, start + 1)
    return False
