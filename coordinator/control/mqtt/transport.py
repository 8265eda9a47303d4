"""The bench on a broker: one supervised loop of connections, and what each of them carries."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.control.feed import Event
from coordinator.control.mqtt import home_assistant, outbox, reasons
from coordinator.control.mqtt.connection import Connection
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.control.mqtt.requests import Answer, Requests, written
from coordinator.control.mqtt.topics import OFFLINE, ONLINE, Topics
from coordinator.control.plane import Plane

LARGEST_PACKET = 128 * 1024
"""Octets of the largest packet that a broker may send us (MQTT 5, 3.1.2.11.4); a larger one it drops."""
LEFT_WITHIN = 1.0
"""Seconds for each part of a goodbye: what waits, the word itself, the end of the connection."""

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
        self._offered: tuple[str, ...] | None = None
        """The profiles in the description that Home Assistant has, on this connection."""
        self._brief = 0
        """Connections in a row that were lost soon after they were made."""
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
        """Stay on the broker until cancelled; then say goodbye, within a few seconds."""
        delay = 0.0
        try:
            while not _cancelled():
                await asyncio.sleep(delay * (1 - self._jitter() / 2))
                delay = await self._once(delay)
        finally:
            self._reader.close()

    async def _once(self, delay: float) -> float:
        """One connection, from its making to its loss; return the seconds to wait before the next."""
        patience, before = self._patience, self.connections
        began = asyncio.get_running_loop().time()
        try:
            connection = Connection(
                self._link,
                f"legacy-tc-{self._link.id}",
                will=self._topics.availability,
                largest=LARGEST_PACKET,
                denied=self._denied,
            )
        except LinkError as error:
            self._lost(str(error))
            return patience.hopeless
        end: ReasonCode | None = None
        lasted = False
        try:
            async with connection:
                await self._serve(connection)
        except aiomqtt.MqttError as error:
            end = connection.end or reasons.of(error)
            lasted = asyncio.get_running_loop().time() - began >= patience.longest
            self._brief = 0 if lasted else self._brief + (self.connections > before)
            again, silent = self._brief > 1, connection.silent
            self._lost(reasons.explain(error, self._link, connection.end, again=again, silent=silent))
        finally:
            connection.abort()
        if end is not None and end.value in reasons.HOPELESS:
            return patience.hopeless
        return patience.first if lasted else min(patience.longest, max(patience.first, 2 * delay))

    async def _serve(self, connection: Connection) -> None:
        """Everything that one connection carries. Raises MqttError when it is lost. Ends it without a goodbye
        unless the broker has heard ours: else nobody would be told that we are gone.
        """
        seen: dict[str, int] = {}

        def answer(answer: Answer) -> outbox.Publication | None:
            """Whoever has an answer has the documents as they were then."""
            self._send_news(connection, seen)
            return written(answer)

        answers = outbox.Pump(connection, self._requests, answer)
        events = outbox.Pump(connection, self._reader, self._written)
        tasks: list[asyncio.Future[None]] = []
        left = False
        try:
            await self._arrive(connection, seen)
            works = (
                self._requests.listen(connection),
                connection.watch(),
                answers.run(),
                events.run(),
                self._keep_posting(connection, seen),
            )
            tasks += map(asyncio.ensure_future, works)
            await _until_one_ends(tasks)
        except asyncio.CancelledError:
            left = await self._leave(connection, answers, events, seen)
            raise
        finally:
            self.connected = False
            if not left:
                connection.abort()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _arrive(self, connection: Connection, seen: dict[str, int]) -> None:
        """Hear requests, and tell what is true now; `seen` gets which documents were told."""
        await connection.hear(self._topics.requests)
        await connection.publish(self._topics.availability, ONLINE, qos=1, retain=True)
        for name, octets in self._plane.board.news(seen):
            await connection.publish(self._topics.document(name), octets, qos=1, retain=True)
        self._offered = None
        self._describe(connection)
        self.connected = True
        self.connections += 1
        self._reason = ""
        self._told(True, str(self._link))

    async def _leave(
        self,
        connection: Connection,
        answers: outbox.Pump[Answer],
        events: outbox.Pump[Event],
        seen: dict[str, int],
    ) -> bool:
        """Deliver what waits, and say that we are gone; return whether the broker has heard that."""
        if not self.connected:
            return False
        connection.timeout = LEFT_WITHIN
        with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(LEFT_WITHIN):
                await asyncio.gather(*self._send_news(connection, seen))
                await answers.idle()
                await events.idle()
        try:
            await connection.publish(self._topics.availability, OFFLINE, qos=1, retain=True)
        except aiomqtt.MqttError:
            return False
        return True

    async def _keep_posting(self, connection: Connection, seen: dict[str, int]) -> None:
        """Publish the documents that are news; the next ones when the broker has these."""
        while True:
            await self._plane.board.wait_beyond(seen)
            await asyncio.gather(*self._send_news(connection, seen))

    def _send_news(self, connection: Connection, seen: dict[str, int]) -> list[asyncio.Future[None]]:
        """Begin to publish the documents that are news, retained; each is done when the broker has it.

        Nothing is awaited in between, so that none is ever followed by an older one of its name.
        """
        sent: list[asyncio.Future[None]] = []
        for name, octets in self._plane.board.news(seen):
            acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            connection.send(self._topics.document(name), octets, partial(_done, acknowledged), retain=True)
            sent.append(acknowledged)
        self._describe(connection)
        return sent

    def _describe(self, connection: Connection) -> None:
        """Tell Home Assistant of us, where it is to find us and does not have it so already."""
        prefix, profiles = self._link.home_assistant, self._plane.profiles()
        if prefix is None or profiles == self._offered:
            return
        self._offered = profiles
        topic = home_assistant.topic(prefix, self._link.id)
        octets = home_assistant.description(self._topics, self._link.id, profiles)
        if connection.takes(topic, octets, None):
            connection.send(topic, octets, lambda _code: None, retain=True)

    def _written(self, event: Event) -> outbox.Publication:
        return outbox.Publication(self._topics.event(event.kind), event.octets)

    def _denied(self, reason: str) -> None:
        self._told(True, reason)

    def _lost(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            self._told(False, reason)


def _done(acknowledged: asyncio.Future[None], _code: ReasonCode) -> None:
    if not acknowledged.done():
        acknowledged.set_result(None)


async def _until_one_ends(tasks: Sequence[asyncio.Future[None]]) -> None:
    """Raises what it raised. Cancelled, it leaves them running."""
    if _cancelled():  # what waits in aiomqtt may have missed it
        raise asyncio.CancelledError
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
