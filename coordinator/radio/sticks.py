"""What a USB stick seems to be, by what it says of itself. Nothing here was asked of the stick.

The numbers are those that public match tables and the makers' pages give; none was checked against a
stick here, so whoever shows them says "seems". The first row that fits wins.
"""

from __future__ import annotations

from typing import NamedTuple


class Stick(NamedTuple):
    """`vid` and `pid` as on USB, None for any; `words` must all be in maker and product, in lower case."""

    vid: int
    pid: int | None
    words: tuple[str, ...]
    seems: str


SILABS_BRIDGE = (0x10C4, 0xEA60)
WCH_BRIDGE = (0x1A86, 0x55D4)
CH340 = (0x1A86, 0x7523)

STICKS = (
    Stick(*SILABS_BRIDGE, ("skyconnect",), "Home Assistant SkyConnect (EFR32MG21)"),
    Stick(*SILABS_BRIDGE, ("zbt-1",), "Home Assistant Connect ZBT-1 (EFR32MG21)"),
    Stick(0x303A, 0x4001, ("zbt-2",), "Home Assistant Connect ZBT-2 (EFR32MG24)"),
    Stick(0x303A, 0x831A, ("zbt-2",), "Home Assistant Connect ZBT-2 (EFR32MG24)"),
    Stick(*SILABS_BRIDGE, ("sonoff", "v2"), "Sonoff ZBDongle-E (EFR32MG21)"),
    Stick(*WCH_BRIDGE, ("sonoff",), "Sonoff ZBDongle-E (EFR32MG21)"),
    Stick(*SILABS_BRIDGE, ("sonoff", "plus"), "Sonoff ZBDongle-P (CC2652P)"),
    Stick(*SILABS_BRIDGE, ("2652",), "a CC2652 stick"),
    Stick(0x0451, 0xBEF3, (), "a TI LaunchPad (XDS110), CC2652 or CC1352"),
    Stick(0x303A, 0x1001, (), "an ESP32-H2 or ESP32-C6 on its own USB"),
    Stick(0x1915, 0x521F, (), "an nRF52840 dongle in its bootloader"),
    Stick(0x1915, None, (), "an nRF52840 dongle or board"),
    Stick(0x2FE3, None, (), "a board with Zephyr firmware"),
    Stick(*SILABS_BRIDGE, (), "something behind a CP210x USB bridge"),
    Stick(*WCH_BRIDGE, (), "something behind a CH9102 USB bridge"),
    Stick(*CH340, (), "something behind a CH340 USB bridge"),
    Stick(0x0403, None, (), "something behind an FTDI USB bridge"),
)


def seems(vid: int | None, pid: int | None, maker: str, product: str) -> str:
    """What it seems to be; empty when nobody can tell."""
    words = f"{maker} {product}".lower()
    for stick in STICKS:
        if stick.vid == vid and stick.pid in (None, pid) and all(word in words for word in stick.words):
            return stick.seems
    return ""
