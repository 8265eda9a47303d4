"""Who else is on a bench's broker: one that takes every event, and one that gives commands all the time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.rack import IDENTIFIER, PATIENCE, Milled

REPLY = "legacy-tc/_reply/bench/1"
SETTLED_AFTER = 0.3
"""Seconds for a subscription to be in force."""
LONGEST = 65_536
"""Octets that a line of events may have."""
LATE = 0.2
"""Seconds that an event may be on its way; if more of them wait, a queue fills up."""
COMMANDS: tuple[tuple[str, dict[str, object]], ...] = (
    ("profile/set", {"profile": "pre-zb3", "when": "now"}),
    ("profile/get", {}),
    ("behaviour/add", {"name": "reqkey.delay", "settings": {"seconds": 1.0}, "when": "now"}),
    ("behaviour/remove", {"name": "reqkey.delay", "when": "now"}),
    ("profile/set", {"profile": "zb3", "when": "now"}),
    ("fault/arm", {"fault": "f", "action": "drop", "match": {"frame": "transport-key-tclk"}}),
    ("fault/disarm", {"fault": "f"}),
    ("health", {}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the one who takes every event saw of a mill's time."""

    milled: Milled
    in_time: int
    """Events of that time that it had before the mill stopped."""
    in_all: int
    """Events of that time that it ever had."""
    dropped: int
    """Events that it was told are lost, whenever."""

    @property
    def due(self) -> int:
        """Events of that time, of the mill and of what else happened."""
        return self.milled.last - self.milled.first + 1

    @property
    def offered(self) -> float:
        """The same a second."""
        return self.due / self.milled.seconds

    @property
    def rate(self) -> float:
        """Events a second that it had while the mill ran."""
        return self.in_time / self.milled.seconds

    @property
    def held(self) -> bool:
        """Whether all came, and few were on their way when the mill stopped."""
        on_their_way = self.due - self.in_time
        return not self.dropped and self.in_all == self.due and on_their_way <= LATE * self.offered


@contextlib.asynccontextmanager
async def taking(broker: int, into: Path) -> AsyncIterator[None]:
    """Write every event into a file, each after the time at which it came, for as long as the block lasts."""
    with into.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            "mosquitto_sub", "-V", "5", "-p", str(broker), "-q", "1",
            "-t", f"legacy-tc/{IDENTIFIER}/event/#", "-F", "%U %p", stdout=file,
        )  # fmt: skip
    try:
        await asyncio.sleep(SETTLED_AFTER)
        yield
    finally:
        process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()


def taken(path: Path, milled: Milled) -> Taken:
    """What is in such a file."""
    in_time = in_all = dropped = 0
    for line in path.read_bytes().splitlines():
        at, _, payload = line.partition(b" ")
        event = json.loads(payload)
        if event["kind"] == "dropped":
            dropped += event["count"]
        elif milled.first <= event["seq"] <= milled.last:
            in_all += 1
            in_time += float(at) <= milled.ended
    return Taken(milled=milled, in_time=in_time, in_all=in_all, dropped=dropped)


def newest(path: Path) -> int:
    """The number of the last event that is in such a file as a whole, 0 while there is none."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST))
        lines = file.read().split(b"\n")[:-1]
    return int(json.loads(lines[-1].partition(b" ")[2])["seq"]) if lines else 0


@dataclass(slots=True)
class Steersman:
    """Gives one command after the other, and knows how long each answer took, in milliseconds."""

    client: aiomqtt.Client
    answers: list[float] = field(default_factory=list)
    refused: int = 0
    switches: int = 0
    """Answers that named another generation."""

    async def ask(self, verb: str, **request: object) -> dict[str, object]:
        """The whole answer. Raises TimeoutError."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho types its clients only
        properties.ResponseTopic = REPLY
        topic = f"legacy-tc/{IDENTIFIER}/request/{verb}"
        async with asyncio.timeout(PATIENCE):
            sending = asyncio.ensure_future(
                self.client.publish(topic, json.dumps(request), qos=1, properties=properties)
            )
            answer = await self._next()
            await sending
        return answer

    async def _next(self) -> dict[str, object]:
        async for message in self.client.messages:
            if str(message.topic) == REPLY:
                answer: dict[str, object] = json.loads(message.payload)
                return answer
        raise AssertionError("the messages of a client end with an error")

    async def steer(self, rate: int, stopped: asyncio.Event) -> None:
        """So many commands a second at most, each when the one before is answered, until stopped."""
        for verb, request in cycle(COMMANDS):
            if stopped.is_set():
                return
            began = time.perf_counter()
            answer = await self.ask(verb, **request)
            took = time.perf_counter() - began
            self.answers.append(took * 1000)
            self.refused += answer["status"] != "ok"
            self.switches += "generation" in str(answer.get("data")) and verb != "profile/get"
            await asyncio.sleep(max(0.0, 1 / rate - took))

    async def drained(self, into: Path, milled: Milled) -> None:
        """Until the last event of a mill is in the file of the one who takes them, or our patience is over:
        what did not come by then counts as not held.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while newest(into) < milled.last:
                    await self.ask("health")  # an event too: it pushes what its writer may hold back
                    await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def steersman(broker: int) -> AsyncIterator[Steersman]:
    """Somebody who can give commands to the bench, once it has a network."""
    nodelay = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
    async with aiomqtt.Client(
        "127.0.0.1", broker, protocol=aiomqtt.ProtocolVersion.V5, socket_options=nodelay
    ) as client:
        await client.subscribe(f"legacy-tc/{IDENTIFIER}/state", qos=1)
        await client.subscribe(REPLY, qos=1)
        async with asyncio.timeout(PATIENCE):
            async for message in client.messages:
                if json.loads(message.payload).get("channel"):
                    break
        await client.unsubscribe(f"legacy-tc/{IDENTIFIER}/state")
        yield Steersman(client)
