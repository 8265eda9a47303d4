"""One connection to a broker: made, used, watched and ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from coordinator.control.mqtt import reasons
from coordinator.control.mqtt.link import Link
from coordinator.control.mqtt.topics import OFFLINE

GIVEN_UP_WITHIN = 1.0
"""Seconds that a connection which nobody wants any more may take to be made and ended."""
CONNECTED_WITHIN = 5.0
"""Seconds for a broker to answer: the connection, a subscription, a document."""
ACKNOWLEDGED_WITHIN = 15.0
"""Seconds for an event or an answer, which may stand behind many others; that the broker lives at all is
seen by its pings.
"""
LOOKS_EVERY = 1.0
"""Seconds between two looks at what is overdue."""
CAUGHT_UP_WITHIN = 0.25
"""Seconds after we were held up in which all is read that came meanwhile."""
WINDOW = 32
"""Publications of one source, events or answers, that may await their acknowledgement at a time."""
HEADER = 32
"""Octets of a publication beside its topic, payload and correlation data, at most."""
ARRIVED = 1_000
"""Messages that may wait to be looked at; the broker keeps what more there is (MQTT 5, 3.1.2.11.3). Nothing
is discarded when it does not: mosquitto 2.0.11 sends more once the first are acknowledged.
"""

_QUIET = logging.getLogger("coordinator.mqtt")
_QUIET.setLevel(logging.CRITICAL + 1)

Denied = Callable[[str], None]
"""Hears, once a connection, that the broker does not take what we publish."""
Acknowledged = Callable[[ReasonCode], None]
"""Hears that the broker has a publication, and what it says of it."""


class Connection(aiomqtt.Client):
    """aiomqtt's client, which besides tells the reason codes that it leaves out: of an acknowledgement that
    is none (MQTT 5, 3.4.2.1), and of a connection that ends before it has begun; keeps to what the broker
    takes at a time (3.2.2.3.3); publishes without a task for each message; and acknowledges what it has
    taken, not what waits to be.
    """

    def __init__(
        self,
        link: Link,
        identifier: str,
        *,
        will: str | None = None,
        largest: int | None = None,
        denied: Denied = lambda _: None,
    ) -> None:
        """`will`: a topic that the broker publishes OFFLINE to, retained, when we end without a goodbye;
        `largest`: octets of a packet, above which the broker drops what is for us. Raises LinkError for
        certificates that cannot be used.
        """
        limits = {"ReceiveMaximum": ARRIVED} | ({} if largest is None else {"MaximumPacketSize": largest})
        super().__init__(
            link.host,
            link.port,
            username=link.username,
            password=link.password,
            identifier=identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=None if will is None else aiomqtt.Will(will, OFFLINE, qos=1, retain=True),
            clean_start=True,
            keepalive=link.keepalive,
            timeout=CONNECTED_WITHIN,
            max_inflight_messages=4 * WINDOW,
            properties=_properties(PacketTypes.CONNECT, **limits),
            tls_context=link.context(),
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            logger=_QUIET,
        )
        self._client.manual_ack_set(True)
        self.pending_calls_threshold = 1 << 30  # it counts them all for a warning that nobody reads
        self._denied: Denied | None = denied
        self._begun: dict[int, tuple[float, Acknowledged, str]] = {}
        self._largest: int | None = None
        self.window = WINDOW
        """How many publications of one source the broker takes at a time (MQTT 5, 3.2.2.3.3)."""
        self._looked = self._loop.time()
        self._held = (0.0, 0.0)
        self.end: ReasonCode | None = None
        """The reason code that the broker ended the connection with, if it did."""
        self.silent = False
        """We have ended it, because the broker left a ping unanswered."""

    async def __aenter__(self) -> Self:
        """Connect. Who is cancelled meanwhile ends what aiomqtt's thread has begun: nobody else would."""
        connecting = asyncio.ensure_future(super().__aenter__())
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            await asyncio.wait((connecting,), timeout=GIVEN_UP_WITHIN)
            if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(GIVEN_UP_WITHIN):
                        await super().__aexit__(None, None, None)
            connecting.cancel()
            await asyncio.wait((connecting,))
            if self._misc_task is not None:
                self._misc_task.cancel()
            raise

    def send(
        self,
        topic: str,
        octets: bytes,
        acknowledged: Acknowledged,
        properties: Properties | None = None,
        *,
        retain: bool = False,
    ) -> None:
        """Begin a publication at QoS 1; they come in the order in which they were begun.

        Raises MqttError when there is no connection any more.
        """
        info = self._client.publish(topic, octets, 1, retain, properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise aiomqtt.MqttCodeError(info.rc)
        self._begun[info.mid] = (self._loop.time(), acknowledged, topic)

    def takes(self, topic: str, octets: bytes, properties: Properties | None) -> bool:
        """Whether the broker takes packets as large as that (MQTT 5, 3.2.2.3.6); it would end the connection
        for one. If not, that is told.
        """
        correlation = getattr(properties, "CorrelationData", b"")
        size = len(octets) + len(topic.encode()) + len(correlation) + HEADER
        if self._largest is None or size <= self._largest:
            return True
        self._deny(f"{topic}: {len(octets)} octets are more than the broker takes ({self._largest})")
        return False

    async def hear(self, topic: str) -> None:
        """Subscribe. Raises MqttError when the broker does not grant it. A message that its sender wanted
        retained says so, also when it comes at once.
        """
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        for code in await self.subscribe(topic, options=options):
            if isinstance(code, ReasonCode) and code.is_failure:
                why = str(code).lower()
                raise aiomqtt.MqttError(f"the broker refuses the subscription to {topic}: {why}")

    async def arriving(self) -> AsyncIterator[aiomqtt.Message]:
        """What comes, in its order, each acknowledged when it is taken: nothing that the broker believes to
        be with us is discarded. Raises MqttError when the connection ends.
        """
        async for message in self.messages:
            self._client.ack(message.mid, message.qos)
            yield message

    async def watch(self) -> None:
        """Raise MqttError when an acknowledgement is overdue, for as long as the connection lives."""
        while True:
            self._looked = self._loop.time()
            await asyncio.sleep(LOOKS_EVERY)
            if self._loop.time() - self._looked > 2 * LOOKS_EVERY:
                self._held = (self._looked, self._loop.time() + CAUGHT_UP_WITHIN)
            oldest = next(iter(self._begun.values()), None)
            if oldest is not None and self._loop.time() - oldest[0] > ACKNOWLEDGED_WITHIN:
                raise aiomqtt.MqttError("timed out")

    def came(self) -> float:
        """When a message that is read now has come, at the earliest; on the event loop's clock. It is now,
        unless we were held up and have just begun to read what came meanwhile.
        """
        since, until = self._held
        now = self._loop.time()
        return since if now < until else now

    def abort(self) -> None:
        """End the connection without a goodbye, so that the broker publishes the last will."""
        end = self._client.socket()
        if isinstance(end, socket.socket):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _deny(self, reason: str) -> None:
        if self._denied is not None:
            denied, self._denied = self._denied, None
            denied(reason)

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None
    ) -> None:
        self.window = max(1, min(WINDOW, getattr(properties, "ReceiveMaximum", 2 * WINDOW) // 2 - 1))
        self._largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any
    ) -> None:
        begun = self._begun.pop(mid, None)
        if reason_code.is_failure:
            where = "" if begun is None else f" ({begun[2]})"
            self._deny(f"the broker refuses what is published: {str(reason_code).lower()}{where}")
        if begun is None:
            super()._on_publish(client, userdata, mid, reason_code, properties)
        else:
            begun[1](reason_code)

    def _on_socket_register_write(self, client: Any, _userdata: Any, sock: Any) -> None:
        """As aiomqtt does, but not for a socket that is closed when the event loop comes to it: its number
        may be a file's or another socket's by then.
        """

        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # whatever it is, the connection does not carry on
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def register() -> None:
            if client.socket() is sock:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(register)  # paho connects in a thread

    def _on_socket_close(self, client: Any, userdata: Any, sock: Any) -> None:
        """As aiomqtt does, unless it has outlived its event loop: paho closes it when it is collected."""
        if not self._loop.is_closed():
            super()._on_socket_close(client, userdata, sock)

    def _on_socket_unregister_write(self, client: Any, userdata: Any, sock: Any) -> None:
        if not self._loop.is_closed():
            super()._on_socket_unregister_write(client, userdata, sock)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None
    ) -> None:
        said = flags.is_disconnect_packet_from_server
        if self.end is None and said:
            self.end = reason_code
        self.silent |= not said and reason_code.value == reasons.KEEP_ALIVE_TIMEOUT
        if not self._connected.done():
            garbled = reason_code.value == reasons.PROTOCOL_ERROR
            error = aiomqtt.MqttCodeError(reason_code) if said else reasons.UnansweredError(garbled)
            self._connected.set_exception(error)
            self._connected.exception()  # nobody may be waiting any more
        if not self._connected.cancelled():  # whoever waited for it has left
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # nobody may be waiting yet


def message_expiry(seconds: float) -> Properties:
    """The properties of a message that is of no use after so long."""
    return _properties(PacketTypes.PUBLISH, MessageExpiryInterval=max(1, round(seconds)))


def answer_properties(seconds: float, correlation: bytes | None) -> Properties:
    """Those of an answer: the request's correlation data, and an end."""
    properties = message_expiry(seconds)
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties


def request_properties(seconds: float, answer_to: str, correlation: bytes) -> Properties:
    """Those of a request: where its answer goes, and an end."""
    properties = answer_properties(seconds, correlation)
    properties.ResponseTopic = answer_to
    return properties


def _properties(kind: int, **values: object) -> Properties:
    properties = Properties(kind)  # type: ignore[no-untyped-call]  # paho types its clients only
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
