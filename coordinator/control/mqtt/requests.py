"""Requests that come in over one connection, and their answers."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import aiomqtt

from coordinator.control import payload
from coordinator.control.dispatch import Call, Dispatcher
from coordinator.control.mqtt.connection import Connection, answer_properties
from coordinator.control.mqtt.link import Link
from coordinator.control.mqtt.outbox import Publication
from coordinator.control.mqtt.topics import Topics
from coordinator.control.options import IN_FLIGHT
from coordinator.control.schema.commands import Response

ANSWERS_KEPT = 4 * IN_FLIGHT
"""Answers that wait for a broker: two for each request that may be in flight, and as many of earlier ones.
The oldest go first.
"""
FRESH = 60.0
"""Seconds after which an answer is of no use to anybody."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way to one topic."""

    topic: str
    octets: bytes
    correlation: bytes | None
    until: float


class Requests:
    """Begins requests in the order they come; outlives connections, for the answers that are still owed."""

    def __init__(self, dispatcher: Dispatcher, topics: Topics, link: Link) -> None:
        self._dispatcher = dispatcher
        self._topics = topics
        self._link = link
        self._answers: deque[Answer] = deque()
        self._came = asyncio.Event()

    async def listen(self, connection: Connection) -> None:
        """Begin requests for as long as the connection lives. Raises MqttError when it ends."""
        async for message in connection.arriving():
            self._begin(message, connection.came())

    def _begin(self, message: aiomqtt.Message, came: float) -> None:
        properties = message.properties
        expiry = getattr(properties, "MessageExpiryInterval", None)
        correlation = getattr(properties, "CorrelationData", None)
        answer_to = getattr(properties, "ResponseTopic", None)
        verb = self._topics.verb(str(message.topic))
        octets = bytes(message.payload)
        call = Call(
            verb=verb,
            body=octets,
            origin="mqtt",
            retained=message.retain,
            expires=came + (self._link.expiry if expiry is None else expiry),
        )
        begun = self._dispatcher.begin(call)
        if isinstance(begun, Response):
            self._answer(begun, verb, answer_to, correlation)
        else:
            begun.add_done_callback(
                lambda done: (
                    None if done.cancelled() else self._answer(done.result(), verb, answer_to, correlation)
                )
            )

    def _answer(
        self, response: Response, verb: str, answer_to: str | None, correlation: bytes | None
    ) -> None:
        octets = payload.encode(response)
        until = asyncio.get_running_loop().time() + FRESH
        for topic in dict.fromkeys((answer_to, self._topics.response(verb))):
            if topic is not None and self._topics.is_answerable(topic):
                self._answers.append(Answer(topic, octets, correlation, until))
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popleft()
        self._came.set()

    def take(self) -> Answer | None:
        """The next answer that is owed."""
        return self._answers.popleft() if self._answers else None

    async def get(self) -> Answer:
        """The next answer, when there is one."""
        while not self._answers:
            self._came.clear()
            await self._came.wait()
        return self._answers.popleft()

    def put_back(self, answer: Answer) -> None:
        """An answer that was not delivered is the next again."""
        self._answers.appendleft(answer)
        self._came.set()


def written(answer: Answer) -> Publication | None:
    """An answer as it is published; None when it comes too late for anybody."""
    left = answer.until - asyncio.get_running_loop().time()
    if left <= 0:
        return None
    return Publication(answer.topic, answer.octets, answer_properties(left, answer.correlation))
