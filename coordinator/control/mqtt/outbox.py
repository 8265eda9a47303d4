"""Publishing events: in order, several on their way at a time, none lost while the outbox has room."""

from __future__ import annotations

import asyncio
from collections import deque

import aiomqtt

from coordinator.control.feed import Event, Reader
from coordinator.control.mqtt.connection import IN_FLIGHT
from coordinator.control.mqtt.topics import Topics

WINDOW = IN_FLIGHT // 2
"""Events that may await their acknowledgement at a time."""


async def pump(client: aiomqtt.Client, reader: Reader, topics: Topics) -> None:
    """Publish events for as long as the connection lives. Raises MqttError when it ends; then what was not
    acknowledged is put back, and is the next to be read.
    """
    flight: deque[tuple[Event, asyncio.Future[None]]] = deque()
    try:
        while True:
            event = reader.take()
            if event is None and not flight:
                event = await reader.get()
            if event is not None and len(flight) < WINDOW:
                publishing = client.publish(topics.event(event.kind), event.octets, qos=1)
                flight.append((event, asyncio.ensure_future(publishing)))
                if len(flight) < WINDOW:
                    continue
            await flight[0][1]
            flight.popleft()
    finally:
        for event, sent in reversed(flight):
            if not (sent.done() and not sent.cancelled() and sent.exception() is None):
                sent.cancel()
                reader.put_back(event)
        await asyncio.gather(*(sent for _, sent in flight), return_exceptions=True)
