"""The URL of a broker, read in one way wherever it is written: in a configuration, an option, by a client."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from coordinator.config.values import is_loopback

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Each scheme's own, for a URL that names none (IANA)."""
RIGHT = "write it like mqtt://127.0.0.1:1883 or mqtts://broker.example:8883"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerUrl:
    """Where a broker is, and whether it is spoken to over TLS."""

    host: str
    port: int
    tls: bool


def parse(text: str) -> BrokerUrl:
    """``mqtt://host:1883`` or ``mqtts://host:8883``; the port may be left out.

    Raises ValueError with what is wrong and what would be right. What is in it is not echoed, because people
    put passwords there.
    """
    try:
        parts = urlsplit(text)
        host = parts.hostname
        if host and ":" in host:
            ipaddress.IPv6Address(host)
    except ValueError:
        raise ValueError(f"not the URL of a broker; {RIGHT}") from None
    if parts.scheme not in PORTS:
        raise ValueError(f"not the URL of a broker; {RIGHT}")
    if "@" in parts.netloc:
        raise ValueError("a user and a password do not belong in it: username and password_file take them")
    if not host:
        raise ValueError(f"not the URL of a broker; {RIGHT}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"the port is 1 to 65535; {RIGHT}")
    if parts.path.strip("/") or parts.query or parts.fragment or not text.isprintable() or " " in text:
        raise ValueError(f"only host and port belong in it; {RIGHT}")
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError(f"no host has such a name; {RIGHT}") from None
    return BrokerUrl(host=host, port=port or PORTS[parts.scheme], tls=parts.scheme == "mqtts")


def refuse_plaintext(broker: BrokerUrl) -> None:
    """Raise ValueError for a broker that is reached over a network without TLS: who reads the line has the
    password, and who writes to it has the bench.
    """
    if not broker.tls and not is_loopback(broker.host):
        raise ValueError(
            f"{broker.host} is another host and mqtt:// is plain text: use mqtts://, or allow_plaintext "
            "where the network is yours alone"
        )
