"""The bench on a broker: one supervised loop of connections, and what each of them carries."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import aiomqtt

from coordinator.control.mqtt import outbox
from coordinator.control.mqtt.connection import (
    BAD_USER_NAME_OR_PASSWORD,
    NOT_AUTHORIZED,
    TAKEN_OVER,
    Connection,
    explain,
    subscribed,
)
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.control.mqtt.requests import Requests
from coordinator.control.mqtt.topics import OFFLINE, ONLINE, Topics
from coordinator.control.plane import Plane

HOPELESS = frozenset((TAKEN_OVER, NOT_AUTHORIZED, BAD_USER_NAME_OR_PASSWORD))
"""Ends that do not mend by trying again at once."""
LEFT_WITHIN = 1.0
"""Seconds that a goodbye may take."""

Told = Callable[[bool, str], None]
"""Hears of each connection that was made or lost, and why; of one that cannot be made, once a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds between attempts: doubling from the first to the longest, each drawn up to a half shorter.

    `hopeless` is for what does not mend by itself: refused credentials, an id that somebody else uses.
    """

    first: float = 0.5
    longest: float = 30.0
    hopeless: float = 30.0


class MqttTransport:
    """Keeps the bench on its broker while `run` runs. Nothing that the broker does touches the bench."""

    def __init__(
        self,
        plane: Plane,
        link: Link,
        told: Told,
        *,
        patience: Patience | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._plane = plane
        self._link = link
        self._told = told
        self._patience = patience or Patience()
        self._jitter = jitter
        self._topics = Topics(link.id)
        self._reader = plane.feed.read(link.outbox)
        self._requests = Requests(plane.dispatcher, self._topics, link)
        self._reason = ""
        self.connected = False
        self.connections = 0
        """How many were made so far."""

    @property
    def waiting(self) -> int:
        """How many events wait for the broker."""
        return len(self._reader)

    @property
    def lost(self) -> int:
        """How many events the broker never got."""
        return self._reader.lost

    async def run(self) -> None:
        """Stay on the broker until cancelled; then say goodbye."""
        delay = 0.0
        try:
            while True:
                await asyncio.sleep(delay * (1 - self._jitter() / 2))
                delay = await self._once(delay)
        finally:
            self._reader.close()

    async def _once(self, delay: float) -> float:
        """One connection, from its making to its loss; return the seconds to wait before the next."""
        patience, before = self._patience, self.connections
        connection: Connection | None = None
        try:
            connection = Connection(self._link, self._topics, self._denied)
            async with connection:
                await self._serve(connection)
        except (aiomqtt.MqttError, OSError, LinkError) as error:
            self._lost(explain(error, self._link, connection))
        end = None if connection is None else connection.end
        if end is not None and end.value in HOPELESS:
            return patience.hopeless
        if self.connections > before:
            return patience.first
        return min(patience.longest, max(patience.first, 2 * delay))

    async def _serve(self, connection: Connection) -> None:
        """Everything that one connection carries. Raises MqttError when it is lost."""
        topics = self._topics
        subscribed(await connection.subscribe(topics.requests, qos=1))
        await connection.publish(topics.availability, ONLINE, qos=1, retain=True)
        seen: dict[str, int] = {}
        await self._post(connection, seen)
        self.connected = True
        self.connections += 1
        self._reason = ""
        self._told(True, str(self._link))
        tasks = [
            asyncio.ensure_future(each)
            for each in (
                self._keep_posting(connection, seen),
                self._requests.listen(connection),
                self._requests.pump(connection),
                outbox.pump(connection, self._reader, topics),
            )
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await self._leave(connection)
            raise
        finally:
            self.connected = False
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _leave(self, connection: Connection) -> None:
        """Say that we are gone: the last will is for those who cannot."""
        with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
            async with asyncio.timeout(LEFT_WITHIN):
                await connection.publish(self._topics.availability, OFFLINE, qos=1, retain=True)

    async def _keep_posting(self, connection: Connection, seen: dict[str, int]) -> None:
        while True:
            await self._plane.board.wait_beyond(seen)
            await self._post(connection, seen)

    async def _post(self, connection: Connection, seen: dict[str, int]) -> None:
        """Publish the documents that are news, retained."""
        for name, octets in self._plane.board.news(seen):
            await connection.publish(self._topics.document(name), octets, qos=1, retain=True)

    def _denied(self, reason: str) -> None:
        self._told(True, reason)

    def _lost(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            self._told(False, reason)
