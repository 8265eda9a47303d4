"""One request to a bench on a broker, and its answer."""

from __future__ import annotations

import asyncio
import secrets

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.control.mqtt import reasons
from coordinator.control.mqtt.connection import Connection, request_properties
from coordinator.control.mqtt.link import Link, LinkError
from coordinator.control.mqtt.topics import OFFLINE, REPLY, Topics

KNOWN_WITHIN = 1.0
"""Seconds for what is retained to come after a subscription."""
NOBODY_LISTENS = 0x10
"""A publication that no subscription matches (MQTT 5, 3.4.2.1); brokers need not tell it."""


class NoAnswerError(Exception):
    """There is no answer: no broker, no bench, no leave to ask, or no time left. The text is one line for
    people.
    """


class NoBrokerError(NoAnswerError):
    """There is no broker, or it does not let us in: of the bench nothing is known."""


async def request(link: Link, tc_id: str, verb: str, body: bytes, timeout: float) -> bytes:
    """Ask the bench `tc_id` over MQTT 5, and return its answer as it came. `timeout`: seconds for everything;
    the request expires with it. Raises NoAnswerError.

    The answer is sent to ``legacy-tc/_reply/NAME/...``, where NAME is the user name, or the client id without
    one, so that an access list can keep everybody to their own.
    """
    identifier = f"legacy-tc-{secrets.token_hex(6)}"
    name = link.username or identifier
    if set(name) & set("+#\0"):
        raise NoAnswerError(f"the username '{name}' cannot stand in the topic of an answer: no + or #")
    asking = _Asking(link, tc_id, f"{REPLY}/{name}/{secrets.token_hex(6)}")
    try:
        connection = Connection(link, identifier, denied=asking.denied)
    except LinkError as error:
        raise NoAnswerError(str(error)) from None
    try:
        async with asyncio.timeout(timeout), connection:
            return await asking.ask(connection, verb, body, timeout)
    except TimeoutError:
        raise (NoAnswerError if asking.let_in else NoBrokerError)(asking.overdue(timeout)) from None
    except aiomqtt.MqttError as error:
        known = asking.refusal or reasons.explain(error, link, connection.end)
        raise (NoAnswerError if asking.let_in else NoBrokerError)(known + asking.unknown) from None
    finally:
        connection.abort()


class _Asking:
    """One request on its way, and what is known about it."""

    def __init__(self, link: Link, tc_id: str, answer_to: str) -> None:
        self._link = link
        self._tc_id = tc_id
        self._topics = Topics(tc_id)
        self._answer_to = answer_to
        self._correlation = secrets.token_bytes(12)
        self._asked = False
        self.let_in = False
        """There is a broker, and it knows us."""
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.refusal = ""

    @property
    def unknown(self) -> str:
        """What must be said besides when the request was on its way."""
        return "; whether it was done is not known" if self._asked and not self.refusal else ""

    def denied(self, reason: str) -> None:
        """The broker does not take the request."""
        self.refusal = f"{self._link}: {reason}"

    def overdue(self, timeout: float) -> str:
        """Why nothing came in time."""
        if not self._asked:
            return f"{self._link}: the broker does not answer within {timeout:g} s"
        why = f"{self._link}: no answer from {self._tc_id} within {timeout:g} s{self.unknown}"
        if self._link.certificate_file is not None and self._link.username is None:
            why += "; with a certificate, the broker may want its common name as the username"
        return why

    async def ask(self, connection: Connection, verb: str, body: bytes, timeout: float) -> bytes:
        """Raises MqttError, NoAnswerError."""
        self.let_in = True
        await connection.hear(self._topics.availability)
        await connection.hear(self._answer_to)
        await self._there(connection)
        properties = request_properties(timeout, self._answer_to, self._correlation)
        topic = self._topics.request(verb)
        if not connection.takes(topic, body, properties):
            raise NoAnswerError(self.refusal)
        self._asked = True
        connection.send(topic, body, self._acknowledged, properties)
        answering = asyncio.ensure_future(self._answer(connection))
        try:
            await asyncio.wait((answering, self._failed), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                raise NoAnswerError(self.refusal)
            return answering.result()
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)

    async def _there(self, connection: Connection) -> None:
        """Until the broker says that the bench is online."""
        try:
            async with asyncio.timeout(KNOWN_WITHIN):
                async for message in connection.arriving():
                    if str(message.topic) == self._topics.availability:
                        self._stays(message)
                        return
        except TimeoutError:
            raise NoAnswerError(
                f"{self._link}: there is no bench {self._tc_id} (nothing is retained on "
                f"{self._topics.availability}, or we may not read it)"
            ) from None

    def _stays(self, message: aiomqtt.Message) -> None:
        if message.payload == OFFLINE:
            raise NoAnswerError(f"{self._link}: {self._tc_id} is offline{self.unknown}")

    async def _answer(self, connection: Connection) -> bytes:
        async for message in connection.arriving():
            if str(message.topic) == self._topics.availability:
                self._stays(message)
            elif getattr(message.properties, "CorrelationData", None) == self._correlation:
                return bytes(message.payload)
        raise AssertionError("the messages of a connection end with an error")

    def _acknowledged(self, code: ReasonCode) -> None:
        if code.value == NOBODY_LISTENS:
            self.denied(f"nobody listens to requests to {self._tc_id}, though it is said to be online")
        if self.refusal and not self._failed.done():
            self._failed.set_result(None)
