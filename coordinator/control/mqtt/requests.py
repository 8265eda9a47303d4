"""Requests that come in over one connection, and their answers."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

import aiomqtt

from coordinator.control import payload
from coordinator.control.dispatch import Call, Dispatcher
from coordinator.control.mqtt.connection import answer_properties
from coordinator.control.mqtt.link import Link
from coordinator.control.mqtt.topics import Topics, is_answerable
from coordinator.control.schema.commands import Response

ANSWERS_KEPT = 1_000
"""Answers that wait for a broker to come back; the oldest go first."""
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

    async def listen(self, client: aiomqtt.Client) -> None:
        """Take requests for as long as the connection lives. Raises MqttError when it ends."""
        async for message in client.messages:
            self._take(message)

    def _take(self, message: aiomqtt.Message) -> None:
        properties = message.properties
        expiry = getattr(properties, "MessageExpiryInterval", None)
        correlation = getattr(properties, "CorrelationData", None)
        answer_to = getattr(properties, "ResponseTopic", None)
        verb = self._topics.verb(str(message.topic))
        octets = bytes(message.payload)
        now = asyncio.get_running_loop().time()
        call = Call(
            verb=verb,
            body=octets,
            origin="mqtt",
            retained=message.retain,
            expires=now + (self._link.expiry if expiry is None else expiry),
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
        for topic in (answer_to, self._topics.response(verb)):
            if topic is not None and is_answerable(topic):
                self._answers.append(Answer(topic, octets, correlation, until))
        while len(self._answers) > ANSWERS_KEPT:
            self._answers.popleft()
        self._came.set()

    async def pump(self, client: aiomqtt.Client) -> None:
        """Publish answers for as long as the connection lives. Raises MqttError when it ends."""
        while True:
            while self._answers:
                await self._send(client, self._answers[0])
                self._answers.popleft()
            self._came.clear()
            await self._came.wait()

    async def _send(self, client: aiomqtt.Client, answer: Answer) -> None:
        left = answer.until - asyncio.get_running_loop().time()
        if left > 0:
            properties = answer_properties(left, answer.correlation)
            await client.publish(answer.topic, answer.octets, qos=1, properties=properties)
