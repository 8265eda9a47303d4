"""One connection to a broker: made, watched, and why it failed, in words."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.control.mqtt.link import Link
from coordinator.control.mqtt.topics import OFFLINE, Topics

CONNECTED_WITHIN = 5.0
"""Seconds for a broker to answer: the connection, a subscription, one publication."""
LARGEST_PACKET = 128 * 1024
"""Octets of the largest packet that a broker may send us (MQTT 5, 3.1.2.11.4); a larger one it drops."""
IN_FLIGHT = 64
"""Publications that may await their acknowledgement at a time."""
ARRIVED = 2_000
"""Requests that may wait to be looked at; more are discarded, and their senders hear nothing."""

_QUIET = logging.getLogger("coordinator.mqtt")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False

TAKEN_OVER = 0x8E
NOT_AUTHORIZED = 0x87
BAD_USER_NAME_OR_PASSWORD = 0x86
"""Reason codes (MQTT 5, 2.4)."""

Denied = Callable[[str], None]
"""Hears, once a connection, that the broker does not take what we publish."""


class Connection(aiomqtt.Client):
    """aiomqtt's client, which besides tells the reason codes that it leaves out: of an acknowledgement that
    is none (MQTT 5, 3.4.2.1), and of a connection that ends before it has begun.
    """

    def __init__(self, link: Link, topics: Topics, denied: Denied) -> None:
        super().__init__(
            link.host,
            link.port,
            username=link.username,
            password=link.password,
            identifier=f"legacy-tc-{link.id}",
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(topics.availability, OFFLINE, qos=1, retain=True),
            clean_start=True,
            keepalive=link.keepalive,
            timeout=CONNECTED_WITHIN,
            max_inflight_messages=2 * IN_FLIGHT,
            max_queued_outgoing_messages=4 * IN_FLIGHT,
            max_queued_incoming_messages=ARRIVED,
            properties=_properties(PacketTypes.CONNECT, MaximumPacketSize=LARGEST_PACKET),
            tls_context=link.context(),
            socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
            logger=_QUIET,
        )
        self.pending_calls_threshold = 1 << 30  # it counts them all for a warning that nobody reads
        self._denied: Denied | None = denied
        self.end: ReasonCode | None = None
        """The reason code that the connection ended with, if the broker gave one."""

    def _on_publish(
        self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any
    ) -> None:
        if reason_code.is_failure and self._denied is not None:
            denied, self._denied = self._denied, None
            denied(f"the broker refuses what is published: {str(reason_code).lower()}")
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None
    ) -> None:
        self.end = reason_code if isinstance(reason_code, ReasonCode) else None
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttCodeError(reason_code))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


def subscribed(codes: object) -> None:
    """Raise MqttError when a broker did not grant a subscription."""
    for code in codes if isinstance(codes, (list, tuple)) else ():
        if isinstance(code, ReasonCode) and code.is_failure:
            raise aiomqtt.MqttError(
                f"the broker refuses the subscription to our requests: {str(code).lower()}"
            )


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


def explain(error: BaseException, link: Link, connection: Connection | None) -> str:
    """Why there is no broker, in a line."""
    end = None if connection is None else connection.end
    if end is not None and end.value == TAKEN_OVER:
        return f"another client uses the id '{link.id}' on {link}: one of the two must have another"
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        why = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"{link}: the broker's certificate is not believed: {why or text}"
    if "ssl" in text.lower() or "ALERT" in text:
        return f"{link}: TLS failed: {text.partition('] ')[2].partition(' (_ssl')[0] or text}"
    if "timed out" in text.lower():
        return f"{link}: the broker does not answer"
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
        return f"{link}: the broker says: {str(error.rc).lower()}"
    if text == "Disconnected during message iteration":
        return f"{link}: the connection was lost"
    return f"{link}: {text.removeprefix('[Errno ').partition('] ')[2] or text}"
