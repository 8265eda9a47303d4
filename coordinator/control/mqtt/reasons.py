"""Why there is no broker: one line for people, and what they may do about it."""

from __future__ import annotations

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from coordinator.control.mqtt.link import Link

TAKEN_OVER = 0x8E
NOT_AUTHORIZED = 0x87
BAD_USER_NAME_OR_PASSWORD = 0x86
PROTOCOL_ERROR = 0x82
KEEP_ALIVE_TIMEOUT = 0x8D
"""Reason codes (MQTT 5, 2.4)."""
HOPELESS = frozenset((TAKEN_OVER, NOT_AUTHORIZED, BAD_USER_NAME_OR_PASSWORD))
"""Ends that do not mend by trying again at once."""


class UnansweredError(aiomqtt.MqttError):
    """The connection ended before the broker had answered at all."""

    def __init__(self, garbled: bool) -> None:
        """`garbled`: something came, and it was no MQTT."""
        super().__init__("what answers is no MQTT broker" if garbled else "ends before an answer")
        self.garbled = garbled


def of(error: aiomqtt.MqttError) -> ReasonCode | None:
    """The broker's own reason code, if this error has one."""
    code = error.rc if isinstance(error, aiomqtt.MqttCodeError) else None
    return code if isinstance(code, ReasonCode) else None


def explain(
    error: aiomqtt.MqttError,
    link: Link,
    end: ReasonCode | None,
    *,
    again: bool = False,
    silent: bool = False,
) -> str:
    """Why, in a line. `end`: the reason code that the broker ended the connection with, if it did; `again`:
    an earlier one was lost soon after it was made, too; `silent`: we gave up a broker that left a ping
    unanswered. mosquitto 2.0.11 gives no reason when it hands a
    client id over to somebody else.
    """
    said = end or of(error)
    if said is not None and said.value == TAKEN_OVER:
        return f"another client uses the id '{link.id}' on {link}: one of the two must have another"
    if said is not None:
        why = f"the broker says: {str(said).lower()}"
        return f"{link}: {why}{_credentials(link) if said.value in HOPELESS else ''}"
    if isinstance(error, UnansweredError):
        return f"{link}: {error if error.garbled else _unanswered(link)}"
    if silent:
        return f"{link}: the broker does not answer: nothing came from it for {link.keepalive} s and more"
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"{link}: {_unbelieved(text)}"
    if "timed out" in text.lower():
        return f"{link}: the broker does not answer"
    if text == "Disconnected during message iteration":
        asks = f" again; does another client use the id '{link.id}'?" if again else ""
        return f"{link}: the connection was lost{asks}"
    plain = text.partition("] ")[2].partition(" (_ssl")[0] if text.startswith("[") else text
    if link.tls and ("ssl" in text.lower() or "reset" in text.lower()):
        return f"{link}: TLS failed: {plain or text}; without TLS it is mqtt://"
    return f"{link}: {plain or text}"


def _credentials(link: Link) -> str:
    if link.username is not None:
        return f"; are the username '{link.username}' and its password right?"
    if link.certificate_file is not None:
        return f"; does it know the name in {link.certificate_file}?"
    return "; it wants a username and a password, or a certificate"


def _unanswered(link: Link) -> str:
    ends = "the broker ends the connection without a word"
    if not link.tls:
        return f"{ends}; does it want TLS (mqtts://), or is it no MQTT broker?"
    if link.certificate_file is None:
        return f"{ends}; does it want a certificate of ours (certificate_file)?"
    return f"{ends}; does it believe {link.certificate_file}?"


def _unbelieved(text: str) -> str:
    why = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or text
    asks = "; is its authority's certificate in ca_file?" if "issuer" in why or "self-signed" in why else ""
    return f"the broker's certificate is not believed: {why}{asks}"
