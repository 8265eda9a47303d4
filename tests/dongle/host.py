"""aiospinel, the independent host, on a line in memory to our dongle, in virtual time.

Property numbers and layouts are written out here, from radios.md section 3: the product's own codec
must not judge itself.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from aiospinel.protocol import SpinelProtocol
from aiospinel.types import CommandID, PackedUInt21

from coordinator.dongle import memory
from coordinator.dongle.bench import Bench
from coordinator.dongle.connection import Connection
from coordinator.radio.simulated import AiredRadio
from coordinator.runtime.virtual_time import VirtualTimeLoop
from coordinator.stack.node import ReceivedFrame, Transmit, TransmitStatus, Tune
from coordinator.types import Channel, Eui64, NwkAddress, PanId

LAST_STATUS, NCP_VERSION, HWADDR = 0, 2, 8
PHY_ENABLED, PHY_CHAN, PHY_TX_POWER = 32, 33, 37
SCAN_STATE, SCAN_MASK, SCAN_PERIOD = 48, 49, 50
LADDR, SADDR, PANID, RAW_STREAM, PROMISCUOUS, SCAN_RESULT = 52, 53, 54, 55, 56, 57
STREAM_RAW = 113
MATCH, MATCH_SHORT, MATCH_EXTENDED = 0x1303, 0x1304, 0x1305

OK, INVALID_ARGUMENT, INVALID_STATE, INVALID_COMMAND, PARSE_ERROR = 0, 3, 4, 5, 9
NOMEM, BUSY, PROP_NOT_FOUND, NO_ACK, CCA_FAILURE = 11, 12, 13, 17, 18
ITEM_NOT_FOUND, INVALID_COMMAND_FOR_PROP = 20, 21

PAN = PanId(0x1A62)
CHANNEL = Channel(15)
PEER = NwkAddress(0x1234)
PEER_EUI64 = Eui64(0x00124B0001020304)
BEACON_REQUEST = bytes.fromhex("0308 01 ffff ffff 07")
TO_PEER = bytes.fromhex("6188 2a 621a 3412 0000 aabbcc")
"""A data frame 0x0000 -> 0x1234 with ACK request and sequence number 0x2a."""
FROM_PEER = bytes.fromhex("6188 07 621a 0000 3412 ddee")
POLL_SHORT = bytes.fromhex("6388 51 621a 0000 3412 04")
"""Data Request of 0x1234 to 0x0000."""
POLL_EXTENDED = bytes.fromhex("63c8 52 621a 0000 0403020100 4b1200 04")
"""Data Request of 00:12:4b:00:01:02:03:04 to 0x0000."""

Result = TypeVar("Result")


class Answer(NamedTuple):
    """One frame of the dongle: its command, the property it is about, the value."""

    command: int
    property_id: int
    value: bytes


class Raw(NamedTuple):
    """STREAM_RAW as received."""

    psdu: bytes
    fcs: bytes
    rssi: int
    noise: int
    flags: int
    channel: int
    lqi: int
    timestamp: int


def read_raw(value: bytes) -> Raw:
    """Every field up to the vendor octet and the MAC data, which must be there and empty of news."""
    (length,) = struct.unpack_from("<H", value)
    frame, rest = value[2 : 2 + length], value[2 + length :]
    rssi, noise, flags, phy, channel, lqi, timestamp = struct.unpack_from("<bbHHBBQ", rest)
    assert phy == 10
    assert rest[16:] == bytes.fromhex("0100 00 0500 00 00000000")
    return Raw(frame[:-2], frame[-2:], rssi, noise, flags, channel, lqi, timestamp)


def packed(value: int) -> bytes:
    """aiospinel's own packed integer."""
    return PackedUInt21(value).serialize()


def order(
    psdu: bytes, *, channel: int = CHANNEL, retries: int = 3, csma: bool = True, channel_after: int = 0
) -> bytes:
    """STREAM_RAW as to be sent, all fields but the power, as zigbee-on-host writes it."""
    frame = psdu + b"\x00\x00"
    fields = struct.pack("<BBBBBBBIIB", channel, 4, retries, csma, 1, 0, 1, 0, 0, channel_after)
    return struct.pack("<H", len(frame)) + frame + fields


class Host:
    """aiospinel, with what it got unasked, and a line in memory for whoever connects it by one."""

    def __init__(self) -> None:
        self.line = memory.Line()
        self.protocol = SpinelProtocol()
        self.statuses: list[bytes] = []
        self.heard: list[Raw] = []
        self.levels: list[tuple[int, int]] = []
        self.scan_states: list[int] = []
        self._unanswered: set[asyncio.Future[Answer]] = set()
        listen = self.protocol.add_property_listener
        listen(LAST_STATUS, self.statuses.append)
        listen(STREAM_RAW, lambda value: self.heard.append(read_raw(value)))
        listen(SCAN_RESULT, lambda value: self.levels.append(struct.unpack("<Bb", value)))
        listen(SCAN_STATE, lambda value: self.scan_states.append(value[0]))

    async def ask(self, command: CommandID | PackedUInt21, property_id: int, value: bytes = b"") -> Answer:
        """One command and its answer; sent once."""
        frame = await self.protocol.send_command(
            command,  # type: ignore[arg-type]  # a number that CommandID has not is what some tests send
            packed(property_id) + value,
            retries=0,
            timeout=300,
        )
        about, rest = PackedUInt21.deserialize(frame.data)
        return Answer(int(frame.command_id), int(about), rest)

    async def get(self, property_id: int) -> bytes:
        """A property's value."""
        answer = await self.ask(CommandID.PROP_VALUE_GET, property_id)
        assert (answer.command, answer.property_id) == (CommandID.PROP_VALUE_IS, property_id)
        return answer.value

    async def set(self, property_id: int, value: bytes) -> Answer:
        """Set a property."""
        return await self.ask(CommandID.PROP_VALUE_SET, property_id, value)

    async def send(self, value: bytes) -> bytes:
        """Transmit; the value of the LAST_STATUS that ends it."""
        answer = await self.set(STREAM_RAW, value)
        assert (answer.command, answer.property_id) == (CommandID.PROP_VALUE_IS, LAST_STATUS)
        return answer.value

    def hurry(self, answer: Coroutine[object, object, Answer]) -> None:
        """Ask, and do not wait: the answer may never come, because of a reset."""
        task = asyncio.ensure_future(answer)
        self._unanswered.add(task)
        task.add_done_callback(self._unanswered.discard)

    def give_up(self) -> None:
        """Wait for no answer any more."""
        for task in self._unanswered:
            task.cancel()

    async def refused(self, answer: Awaitable[Answer], status: int) -> None:
        """The answer must be a LAST_STATUS."""
        assert await answer == Answer(CommandID.PROP_VALUE_IS, LAST_STATUS, packed(status))

    async def bring_up(self, *, channel: int = CHANNEL) -> None:
        """What hosts do before they form a network."""
        await self.protocol.probe()
        for property_id, value in (
            (PHY_ENABLED, b"\x01"),
            (PHY_CHAN, bytes((channel,))),
            (PHY_TX_POWER, b"\x0a"),
            (PROMISCUOUS, b"\x00"),
            (LADDR, bytes.fromhex("020000000000c0de")),
            (SADDR, b"\x00\x00"),
            (PANID, b"\x62\x1a"),
            (59, b"\x01"),
            (RAW_STREAM, b"\x01"),
        ):
            assert await self.set(property_id, value) == Answer(6, property_id, value)
        self.statuses.clear()


@dataclass
class Peer:
    """Another radio on the air, and what it heard and was confirmed."""

    radio: AiredRadio
    heard: list[ReceivedFrame] = field(default_factory=list)
    confirmed: list[tuple[TransmitStatus, bool]] = field(default_factory=list)

    async def start(
        self, *, channel: int = CHANNEL, address: NwkAddress = PEER, eui64: Eui64 = PEER_EUI64
    ) -> Peer:
        await self.radio.start(
            self.heard.append, lambda _, status, pending: self.confirmed.append((status, pending))
        )
        self.radio.post(Tune(channel=Channel(channel), pan_id=PAN, address=address, extended_address=eui64))
        return self

    async def send(self, psdu: bytes, *, csma: bool = True) -> tuple[TransmitStatus, bool]:
        """Send once, wait a while, return how it went."""
        self.radio.post(Transmit(handle=1, psdu=psdu, csma=csma, retries=0))
        await asyncio.sleep(0.05)
        return self.confirmed.pop()


def peer(bench: Bench, name: str = "peer") -> Peer:
    return Peer(bench.air.radio(name))


@asynccontextmanager
async def connected(bench: Bench) -> AsyncIterator[Host]:
    """A host on a line of its own to the bench's RCP, which is powered meanwhile."""
    async with bench:
        host = Host()
        memory.connect(host.protocol, Connection(bench.rcp), host.line)
        yield host
        host.give_up()


def with_host(test: Callable[[Host, Bench], Awaitable[Result]], **settings: object) -> Result:
    """Run a test's body in virtual time; settings are the bench's."""

    async def body() -> Result:
        bench = Bench(**settings)  # type: ignore[arg-type]
        async with connected(bench) as host:
            return await test(host, bench)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(body())
