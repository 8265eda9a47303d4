"""Asks a line who is there. It takes bounded time; an EZSP stick is restarted by the question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from coordinator.radio import serial
from coordinator.radio.capabilities import Report
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.firmware import QUESTIONS, Firmware, left_over, recognise
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.radio.url import Line, Uart
from coordinator.stack.node import ReceivedFrame, TransmitStatus

BAUDRATES = (460_800, 115_200)
"""What sticks are set to, in the order in which they are tried after the one that was named."""
LONGEST = 4096
"""Octets that are looked at; who has said more and was not recognised never will be."""
SHOWN = 16
CLOSING = 2.0
"""Seconds that a line may take to close."""

_IN_WORDS = {
    Firmware.EZSP: "an EmberZNet NCP (EZSP over ASH): flash an OpenThread RCP build to use it here",
    Firmware.ZNP: "a TI Z-Stack ZNP (MT): flash an OpenThread RCP build to use it here",
    Firmware.GECKO_BOOTLOADER: "the Gecko bootloader: flash an OpenThread RCP build",
    Firmware.ESP_ROM: "an ESP32 that boots and then says nothing: flash an OpenThread RCP build",
    Firmware.UNKNOWN: "something that speaks no protocol known here; it began with ",
    Firmware.SILENT: "nobody answers: no power, another baud rate, or no radio at all",
}
Speaker = TypeVar("Speaker", bound=asyncio.Protocol)


class OpensLine(Protocol):
    """Opens a line for a protocol. Raises RadioError."""

    async def __call__(self, line: Line, factory: Callable[[], Speaker], /) -> Speaker: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who answers on a line: `text` says it in a line for people; `report` is there when it is usable.

    `line` is the one that answered: of a serial port, with the baud rate at which it did.
    """

    line: Line
    firmware: Firmware
    text: str
    report: Report | None = None

    @property
    def usable(self) -> bool:
        """Whether it can be a radio here."""
        return self.report is not None


async def identify(line: Line, open_line: OpensLine = serial.open_line) -> Identity:
    """Find out who is there. Raises RadioError when the line cannot be opened."""
    heard = b""
    for variant in variants(line):
        said = await _ask(variant, open_line)
        firmware = recognise(said)
        if firmware is Firmware.SPINEL:
            return await _bring_up(variant, open_line)
        if firmware is not None:
            return Identity(line=variant, firmware=firmware, text=_IN_WORDS[firmware])
        heard = heard or said
    firmware = left_over(heard)
    text = _IN_WORDS[firmware]
    if firmware is Firmware.UNKNOWN:
        text += heard[:SHOWN].hex(" ")
    rates = [str(each.baudrate) for each in variants(line) if isinstance(each, Uart)]
    if rates:
        text += f" (tried {' and '.join(rates)} baud)"
    return Identity(line=line, firmware=firmware, text=text)


def variants(line: Line) -> tuple[Line, ...]:
    """The line at each baud rate to try, its own first."""
    if not isinstance(line, Uart):
        return (line,)
    rates = dict.fromkeys((line.baudrate, *BAUDRATES))
    return tuple(replace(line, baudrate=rate) for rate in rates)


class _Ear(asyncio.Protocol):
    """Keeps what is said, and wakes whoever waits for it."""

    def __init__(self) -> None:
        self.octets = b""
        self.news = asyncio.Event()
        self.gone = asyncio.Event()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.octets = (self.octets + data)[:LONGEST]
        self.news.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.gone.set()
        self.news.set()


async def _ask(line: Line, open_line: OpensLine) -> bytes:
    """Put every question until the answer is known; return what was said."""
    ear = await open_line(line, _Ear)
    try:
        for question in QUESTIONS:
            if ear.transport is not None and not ear.transport.is_closing():
                ear.transport.write(question.octets)
            if await _known_within(ear, question.patience) or ear.gone.is_set():
                break
        return ear.octets
    finally:
        if ear.transport is not None:
            ear.transport.close()
            await _wait(ear.gone, CLOSING)


async def _known_within(ear: _Ear, patience: float) -> bool:
    """Listen for so long, or until it is known who speaks."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience
    while recognise(ear.octets) is None:
        ear.news.clear()
        left = ends - loop.time()
        if left <= 0 or ear.gone.is_set():
            return False
        await _wait(ear.news, left)
    return True


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


async def _bring_up(line: Line, open_line: OpensLine) -> Identity:
    """Somebody speaks Spinel: see whether it is an RCP that takes all we need."""
    radio = radio_on(line, open_line)
    try:
        await radio.start(ignore_frame, ignore_confirm)
    except RadioError as error:
        if error.fault in (Fault.WRONG_FIRMWARE, Fault.REFUSED, Fault.UNRESPONSIVE):
            text = str(error).removeprefix(f"{line}: ")
            return Identity(line=line, firmware=Firmware.SPINEL, text=f"speaks Spinel: {text}")
        raise
    report = radio.report
    await radio.close()
    text = f"an OpenThread RCP: {report.firmware}"
    return Identity(line=line, firmware=Firmware.SPINEL, text=text, report=report)


def radio_on(line: Line, open_line: OpensLine = serial.open_line) -> SpinelRadio:
    """The RCP on this line."""

    async def opened(factory: Callable[[], Speaker]) -> Speaker:
        return await open_line(line, factory)

    return SpinelRadio(opened, str(line))


def ignore_frame(_frame: ReceivedFrame) -> None:
    """What a radio tells of frames when nobody asks."""


def ignore_confirm(_handle: int, _status: TransmitStatus, _pending: bool) -> None:
    """What a radio tells of transmissions when nobody asks."""
