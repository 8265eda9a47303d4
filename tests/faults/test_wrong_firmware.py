"""Fault 8: whoever answers, if anybody does, is no RCP that we can work with: one line, exit code 4."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.codec import spinel
from coordinator.codec.spinel import Property
from coordinator.dongle import memory
from coordinator.dongle.registers import READERS, Registers
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.runtime.virtual_time import VirtualTimeLoop
from tests.faults import rig
from tests.faults.rig import LINE

ASH_RESET = bytes.fromhex("1a c1 02 0b 0a 52 7e")
"""RSTACK of an EmberZNet NCP (UG101): it has a flag, and no Spinel."""
ZNP_RESET = bytes.fromhex("fe 06 41 80 00 02 00 02 07 01 c0")
"""SYS_RESET_IND of a Z-Stack NCP."""
BOOTLOADER = b"\r\nGecko Bootloader v1.12.0\r\n1. upload gbl\r\n2. run\r\n3. ebl info\r\nBL > "
BOOT_TEXT = (
    b"ESP-ROM:esp32h2-20221101\r\nBuild:Nov  1 2022\r\nrst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\n"
)


class Stranger(asyncio.Protocol):
    """Says the same to whatever it is told."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer)


def refusal(answer: bytes) -> RadioError:
    """What a radio says of a stranger."""
    lost: list[object] = []

    async def body() -> RadioError:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
        lines: list[memory.Line] = []

        async def open_line(factory: Callable[[], Client]) -> Client:
            lines.append(memory.Line())
            return memory.connect(factory(), Stranger(answer), lines[-1])

        radio = SpinelRadio(open_line, LINE)
        with pytest.raises(RadioError) as refused:
            async with asyncio.timeout(60):
                await radio.start(lambda _: None, lambda *_: None)
        await asyncio.sleep(0)
        assert not lines[0].open
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return refused.value

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        error = runner.run(body())
    assert not lost
    assert "\n" not in str(error)
    return error


@pytest.mark.parametrize(
    "answer", [b"", ASH_RESET, ZNP_RESET, BOOTLOADER, BOOT_TEXT, b"\x00" * 64, b"\xff", b"\x7e"]
)
def test_who_does_not_speak_spinel_is_told_apart_from_a_radio(answer: bytes) -> None:
    error = refusal(answer)
    assert error.fault is Fault.UNRESPONSIVE
    assert str(error).startswith(f"{LINE}: nobody there speaks Spinel")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=80))
def test_any_answer_is_refused_in_one_line(answer: bytes) -> None:
    assert refusal(answer).fault in (Fault.UNRESPONSIVE, Fault.WRONG_FIRMWARE)


def says(value: bytes) -> Callable[[Registers], bytes]:
    return lambda _: value


@pytest.mark.parametrize(
    ("property_id", "value", "wrong"),
    [
        (Property.CAPS, spinel.pack_all((24, 32, 52)), "an NCP with a stack of its own"),
        (Property.INTERFACE_TYPE, b"\x01", "interface type 1"),
        (Property.PROTOCOL_VERSION, b"\x05\x00", "speaks Spinel 5.0"),
        (Property.RCP_MIN_HOST_API_VERSION, b"\x0c", "demands host API 12"),
        (Property.HWADDR, b"\x01\x02", "not an RCP that we know"),
        (Property.PROTOCOL_VERSION, b"", "not an RCP that we know"),
        (Property.CAPS, b"\xff\xff\xff\xff", "not an RCP that we know"),
        (Property.MAC_15_4_PANID, b"\x00\x00", "was told MAC_15_4_PANID"),
    ],
)
def test_firmware_that_is_not_what_we_need_is_refused_and_why(
    property_id: Property, value: bytes, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(READERS, property_id, says(value))
    seen = rig.run(limit=60)
    assert wrong in str(seen.error)
    assert str(seen.error).startswith(LINE)
    assert "\n" not in str(seen.error)


def test_a_firmware_name_that_is_no_text_is_shown_as_far_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(READERS, Property.NCP_VERSION, says(b"RCP\xff\xfe"))
    assert rig.run().error is None
