"""A SpinelRadio on a line in memory to the emulated RCP, in virtual time, with somebody between them.

What is said in between is framed by aiospinel, so that the product's own framing does not judge itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from aiospinel.protocol import HDLCLiteFrame, SpinelFrame
from aiospinel.types import PackedUInt21

from coordinator.dongle import memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel.client import Client
from coordinator.radio.spinel.radio import SpinelRadio
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import Eui64, NwkAddress
from tests.dongle.host import CHANNEL, PAN

GET, SET, INSERT, REMOVE, IS = 2, 3, 4, 5, 6
OURS = Eui64(0x020000000000C0DE)
TUNE = Tune(channel=CHANNEL, pan_id=PAN, address=NwkAddress(0), extended_address=OURS)
LINE = "/dev/rcp"

Reply = Callable[[int], bytes | None]
"""Given a transaction, the frame that the host gets instead of the RCP's; None is silence."""
Result = TypeVar("Result")


def frame(transaction: int, command: int, property_id: int, value: bytes = b"") -> bytes:
    """One Spinel frame on the line."""
    payload = bytes((0x80 | transaction, command)) + PackedUInt21(property_id).serialize() + value
    return HDLCLiteFrame(payload).serialize()


def answer(property_id: int, value: bytes) -> Reply:
    """PROP_VALUE_IS."""
    return lambda transaction: frame(transaction, IS, property_id, value)


def status(number: int) -> Reply:
    """LAST_STATUS."""
    return answer(0, PackedUInt21(number).serialize())


def silence(_transaction: int) -> bytes | None:
    """The RCP says nothing."""
    return None


class Rig:
    """The radio, what it told, and `instead`: what the host gets for a command about a property."""

    def __init__(self, bench: Bench, *, tx_power: int | None = None) -> None:
        self.bench = bench
        self.instead: dict[tuple[int, int], Reply] = {}
        self.asked: list[tuple[int, int, bytes]] = []
        self.lines: list[memory.Line] = []
        self.clients: list[Client] = []
        self.heard: list[ReceivedFrame] = []
        self.confirmed: list[tuple[int, TransmitStatus, bool]] = []
        self.failures: list[RadioError] = []
        self.radio = SpinelRadio(self._open, LINE, tx_power=tx_power)
        self.radio.watch(self.failures.append, lambda _: None)

    @property
    def line(self) -> memory.Line:
        return self.lines[-1]

    async def start(self) -> None:
        self.radio.post(TUNE)
        await self.radio.start(self.heard.append, self._confirm)

    def _confirm(self, handle: int, how: TransmitStatus, pending: bool) -> None:
        self.confirmed.append((handle, how, pending))

    async def _open(self, factory: Callable[[], Client]) -> Client:
        self.lines.append(memory.Line(to_dongle=self._pass))
        self.clients.append(factory())
        return memory.connect(self.clients[-1], Connection(self.bench.rcp), self.line)

    def _pass(self, octets: bytes, deliver: memory.Deliver) -> None:
        said = SpinelFrame.from_bytes(HDLCLiteFrame.from_bytes(octets).data)
        if int(said.command_id) == 1:  # a reset is about no property
            deliver(octets)
            return
        about, value = PackedUInt21.deserialize(said.data)
        self.asked.append((int(said.command_id), int(about), value))
        reply = self.instead.get((int(said.command_id), int(about)))
        if reply is None:
            deliver(octets)
            return
        transaction = said.header.transaction_id
        assert transaction is not None
        instead = reply(transaction)
        if instead is not None:
            self.line.host_end.deliver(instead)

    def say(self, octets: bytes) -> None:
        """The host gets these octets."""
        self.line.host_end.deliver(octets)

    async def send(self, psdu: bytes, handle: int = 1) -> None:
        """Have a frame sent, and wait long enough."""
        self.radio.post(Transmit(handle=handle, psdu=psdu, csma=True, retries=3))
        await asyncio.sleep(0.1)


def with_radio(
    test: Callable[[Rig], Awaitable[Result]], *, tx_power: int | None = None, **settings: object
) -> Result:
    """Run a test's body in virtual time; settings are the bench's. The radio is closed at the end."""

    async def body() -> Result:
        async with Bench(**settings) as bench:  # type: ignore[arg-type]
            rig = Rig(bench, tx_power=tx_power)
            try:
                result = await test(rig)
            finally:
                await rig.radio.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(body())


async def refused(rig: Rig, fault: Fault) -> str:
    """The radio must not come up; what it says."""
    with pytest.raises(RadioError) as caught:
        await rig.start()
    assert caught.value.fault is fault
    assert str(caught.value).startswith(f"{LINE}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)
