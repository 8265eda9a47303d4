"""Asking a line who is there, in virtual time: emulated firmware at the far end of a line in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiospinel.protocol import HDLCLiteFrame, SpinelFrame

from coordinator.dongle import memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.firmware import Firmware
from coordinator.radio.identify import Identity, Speaker, identify, variants
from coordinator.radio.url import Line, Tcp, Uart
from coordinator.runtime.virtual_time import VirtualTimeLoop
from tests.radio.test_firmware import MENU, PING, RSTACK, with_crc

PORT = Uart(path="/dev/ttyUSB0")
NCP = {1: "04 03", 2: "4e435000", 3: "03", 5: "20 25", 8: "0011223344556677"}
"""What an NCP with Thread answers: CAPS has no radio configuration and no raw MAC."""


class Speaks(asyncio.Protocol):
    """Firmware that answers one question with one answer, after a while; `boots` it says unasked."""

    def __init__(self, question: bytes, answer: bytes, *, after: float = 0.01, boots: bytes = b"") -> None:
        self.question, self.answer, self.after, self.boots = question, answer, after, boots
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.boots:
            transport.write(self.boots)

    def data_received(self, data: bytes) -> None:
        self.heard += data
        if self.question and self.question in data:
            asyncio.get_running_loop().call_later(self.after, self.transport.write, self.answer)


class Ncp(Speaks):
    """Spinel with a stack above it."""

    def __init__(self) -> None:
        super().__init__(b"", b"")

    def data_received(self, data: bytes) -> None:
        asked = SpinelFrame.from_bytes(HDLCLiteFrame.from_bytes(data).data)
        if int(asked.command_id) == 2:
            value = NCP.get(asked.data[0], "")
            about = f"{asked.data[0]:02x} {value}" if value else "00 0d"  # PROP_NOT_FOUND
            self.transport.write(with_crc(f"{0x80 | (asked.header.transaction_id or 0):02x} 06 {about}"))


def identity(far: Callable[[Line], asyncio.Protocol | None], line: Line = PORT) -> tuple[Identity, float]:
    """Who is there, and the seconds it took; `far` makes what is at the far end of a line, or nothing."""
    lines: list[memory.Line] = []

    async def open_line(asked: Line, factory: Callable[[], Speaker]) -> Speaker:
        lines.append(memory.Line())
        return memory.connect(factory(), far(asked) or asyncio.Protocol(), lines[-1])

    async def body() -> tuple[Identity, float]:
        found = await identify(line, open_line)
        assert not any(each.open for each in lines)
        return found, asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(body())


RST, SYS_PING = bytes.fromhex("c038bc7e"), bytes.fromhex("fe00210120")


@pytest.mark.parametrize(
    ("question", "answer", "firmware", "says"),
    [
        (RST, RSTACK, Firmware.EZSP, "EmberZNet"),
        (SYS_PING, PING, Firmware.ZNP, "Z-Stack"),
        (b"\r", MENU, Firmware.GECKO_BOOTLOADER, "Gecko bootloader"),
    ],
)
def test_other_firmware_is_named_with_what_to_do(
    question: bytes, answer: bytes, firmware: Firmware, says: str
) -> None:
    found, _ = identity(lambda _: Speaks(question, answer, after=0.3))
    assert (found.firmware, found.usable, found.line) == (firmware, False, PORT)
    assert says in found.text
    assert "flash an OpenThread RCP build" in found.text


def test_a_stick_at_another_baud_rate_is_found_and_the_rate_is_said() -> None:
    def far(asked: Line) -> asyncio.Protocol:
        assert isinstance(asked, Uart)
        right = asked.baudrate == 115_200
        return Speaks(RST, RSTACK) if right else Speaks(RST, b"\xe0\x00\xfc")  # noise at the wrong one

    found, _ = identity(far)
    assert found.line == Uart(path="/dev/ttyUSB0", baudrate=115_200)
    assert found.firmware is Firmware.EZSP


def test_silence_ends_in_bounded_time() -> None:
    found, took = identity(lambda _: None)
    assert found.firmware is Firmware.SILENT
    assert took < 10


def test_what_cannot_be_told_is_shown_by_its_first_octets() -> None:
    found, _ = identity(lambda _: Speaks(b"\r", b"login: "))
    assert found.firmware is Firmware.UNKNOWN
    assert "6c 6f 67 69 6e" in found.text


def test_an_ncp_that_speaks_spinel_is_no_rcp() -> None:
    found, took = identity(lambda _: Ncp())
    assert (found.firmware, found.usable) == (Firmware.SPINEL, False)
    assert found.text == "speaks Spinel: an NCP with a stack of its own (NCP); flash an RCP build"
    assert took < 10


def test_who_speaks_spinel_and_then_falls_silent_is_not_usable() -> None:
    question = bytes.fromhex("7e810201")
    found, took = identity(lambda _: Speaks(question, with_crc("81 06 01 04 03")))
    assert (found.firmware, found.usable) == (Firmware.SPINEL, False)
    assert "no answer about" in found.text
    assert took < 15


@pytest.mark.parametrize("boots", [b"", b"ESP-ROM:esp32h2-20221101\r\n"])
def test_an_rcp_is_reported_in_full(boots: bytes) -> None:
    async def body() -> Identity:
        async with Bench() as bench:

            async def open_line(_: Line, factory: Callable[[], Speaker]) -> Speaker:
                line = memory.Line()
                client = memory.connect(factory(), Connection(bench.rcp), line)
                line.host_end.deliver(boots)
                return client

            return await identify(PORT, open_line)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(body())
    assert found.usable
    assert found.report is not None
    assert found.report.api_version == 11
    assert found.text.startswith("an OpenThread RCP: LEGACY-TC-RCP/")


def test_a_line_that_cannot_be_opened_says_why() -> None:
    async def open_line(_: Line, factory: Callable[[], Speaker]) -> Speaker:
        raise RadioError(Fault.BUSY, "/dev/ttyUSB0: the port is held by zigbee2mqtt (PID 7)")

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner, pytest.raises(RadioError, match="PID 7"):
        runner.run(identify(PORT, open_line))


def test_the_baud_rate_that_was_named_comes_first_and_other_lines_have_none() -> None:
    rates = [
        each.baudrate for each in variants(Uart(path="/dev/a", baudrate=57_600)) if isinstance(each, Uart)
    ]
    assert rates == [57_600, 460_800, 115_200]
    assert len(variants(PORT)) == 2
    assert variants(Tcp(host="h", port=1)) == (Tcp(host="h", port=1),)
