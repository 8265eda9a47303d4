"""Who speaks, by what it says. The octets are written out: UG101 for ASH, TI's MT, OpenThread's frames."""

from __future__ import annotations

import pytest
from aiospinel.protocol import HDLCLiteFrame
from hypothesis import given
from hypothesis import strategies as st

from coordinator.radio.firmware import QUESTIONS, Firmware, left_over, recognise

RSTACK = bytes.fromhex("c1 02 02 9b 7b 7e")
"""The example of UG101: version 2, reset by power-on."""
RSTACK_SOFTWARE = bytes.fromhex("c1 02 0b 0a 52 7e")
PING = bytes.fromhex("fe 02 61 01 79 07 1c")
RESET_INDICATION = bytes.fromhex("fe 06 41 80 00 02 00 02 06 03 c2")
MENU = b"\r\nGecko Bootloader v1.12.00\r\n1. upload gbl\r\n2. run\r\n3. ebl info\r\nBL > "


def with_crc(payload: str) -> bytes:
    """An HDLC frame as aiospinel makes it."""
    return HDLCLiteFrame(bytes.fromhex(payload)).serialize()


@pytest.mark.parametrize(
    ("octets", "firmware"),
    [
        (with_crc("81 06 01 04 03"), Firmware.SPINEL),
        (b"noise" + with_crc("80 06 00 72") * 2, Firmware.SPINEL),
        (RSTACK, Firmware.EZSP),
        (bytes.fromhex("1a 1a") + RSTACK_SOFTWARE, Firmware.EZSP),
        (bytes.fromhex("c1 11 02 02 13 9b 7b 7e"), Firmware.EZSP),
        (b"\xff\x00\x7e" + RSTACK, Firmware.EZSP),
        (PING, Firmware.ZNP),
        (b"\x00\xfe" + PING, Firmware.ZNP),
        (MENU, Firmware.GECKO_BOOTLOADER),
        (b"\r\nBL > ", Firmware.GECKO_BOOTLOADER),
    ],
)
def test_it_is_recognised(octets: bytes, firmware: Firmware) -> None:
    assert recognise(octets) is firmware


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"ESP-ROM:esp32h2-20221101\r\nBuild:Nov  1 2022\r\n",
        RSTACK[:-2] + b"\x7a\x7e",
        PING[:-1] + b"\x00",
        PING[:-1],
        b"\xfe",
        with_crc("81 02 01"),  # our own question, echoed by a terminal
        bytes.fromhex("7d 7e 7d"),
    ],
)
def test_what_is_half_or_wrong_is_not_recognised(octets: bytes) -> None:
    assert recognise(octets) is None


@given(st.binary(max_size=300))
def test_no_octets_break_it(octets: bytes) -> None:
    recognise(octets)
    recognise(b"\x7e" + octets + b"\x7e")


def test_what_nobody_recognised_is_silence_a_boot_text_or_unknown() -> None:
    assert left_over(b"") is Firmware.SILENT
    assert left_over(b"\xffESP-ROM:esp32c6") is Firmware.ESP_ROM
    assert left_over(b"login: ") is Firmware.UNKNOWN


def test_no_question_chooses_from_the_menu_of_the_gecko_bootloader() -> None:
    assert not any(octet in b"123" for question in QUESTIONS for octet in question.octets)


def test_the_questions_are_those_of_the_protocols() -> None:
    said = [question.octets for question in QUESTIONS]
    assert said[0].endswith(with_crc("81 02 01"))
    assert said[1] == bytes.fromhex("1a c0 38 bc 7e")  # UG101: cancel, RST
    assert said[2] == bytes.fromhex("fe 00 21 01 20")
