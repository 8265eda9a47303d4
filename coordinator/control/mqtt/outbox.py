"""Publishing what waits: in order, several on their way at a time, none lost while its source has room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.control.mqtt.connection import Connection

Item = TypeVar("Item")


class Source(Protocol[Item]):
    """Where it waits while there is no broker, or a slow one."""

    def take(self) -> Item | None:
        """The next, if there is one."""
        ...

    async def get(self) -> Item:
        """The next, when there is one."""
        ...

    def put_back(self, item: Item) -> None:
        """One that was taken is the next again."""
        ...


@dataclass(frozen=True, slots=True)
class Publication:
    """What goes to a broker, at QoS 1 and not retained."""

    topic: str
    octets: bytes
    properties: Properties | None = None


class Pump(Generic[Item]):
    """Publishes from a source over one connection."""

    def __init__(
        self, connection: Connection, source: Source[Item], written: Callable[[Item], Publication | None]
    ) -> None:
        """`written` is asked when an item's turn has come; None: it is of no use any more."""
        self._connection = connection
        self._source = source
        self._written = written
        self._flight: deque[Item] = deque()
        self._room = asyncio.Event()
        self._waits = False
        self._idle = asyncio.Event()

    async def run(self) -> None:
        """For as long as the connection lives. Raises MqttError when it ends; in any case what was not
        acknowledged is put back, and is the next to be taken.
        """
        try:
            while True:
                item = self._source.take()
                self._begin(await self._next() if item is None else item)
                if len(self._flight) >= self._connection.window:
                    self._room.clear()
                    await self._room.wait()
        finally:
            while self._flight:
                self._source.put_back(self._flight.pop())

    async def idle(self) -> None:
        """Until everything is with the broker. Waits for as long as it takes: bound it."""
        await self._idle.wait()

    async def _next(self) -> Item:
        self._waits = True
        self._look()
        try:
            return await self._source.get()
        finally:
            self._waits = False
            self._idle.clear()

    def _begin(self, item: Item) -> None:
        made = self._written(item)
        if made is not None and self._connection.takes(made.topic, made.octets, made.properties):
            self._flight.append(item)
            self._connection.send(made.topic, made.octets, self._acknowledged, made.properties)

    def _acknowledged(self, _code: ReasonCode) -> None:
        """A broker acknowledges in the order of publication (MQTT 5, 4.6)."""
        if self._flight:
            self._flight.popleft()
        if len(self._flight) <= self._connection.window // 2:
            self._room.set()
        self._look()

    def _look(self) -> None:
        if self._waits and not self._flight:
            self._idle.set()
