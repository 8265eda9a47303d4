"""Where an air is: ``udp://127.0.0.1:PORT``, on this machine and nowhere else."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

EXAMPLE = "udp://127.0.0.1:4949"


@dataclass(frozen=True, slots=True)
class AirUrl:
    """A loopback address (dotted IPv4) and a UDP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"udp://{self.host}:{self.port}"


def parse(text: str, *, any_port: bool = False) -> AirUrl:
    """Read the URL. `any_port` lets 0 stand for a free port. Raises ValueError with one line for people."""
    if not text.isprintable() or " " in text:
        raise ValueError(f"not the URL of an air: {text!r}; write it like {EXAMPLE}")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"'{text}' has no valid port or address; write it like {EXAMPLE}") from None
    if parts.scheme != "udp" or not host or parts.path or parts.query or parts.fragment or "@" in text:
        raise ValueError(f"not the URL of an air: '{text}'; write it like {EXAMPLE}")
    if port is None:
        raise ValueError(f"'{text}' names no port; write it like {EXAMPLE}")
    if port == 0 and not any_port:
        raise ValueError(f"'{text}': nobody can be found at port 0; write it like {EXAMPLE}")
    return AirUrl(_loopback(host, text), port)


def _loopback(host: str, text: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ipaddress.IPv4Address(host)
    except ValueError:
        raise ValueError(
            f"'{text}': an air is at a loopback address such as 127.0.0.1, not at '{host}'"
        ) from None
    if not address.is_loopback:
        raise ValueError(f"'{text}': an air does not leave the machine; {host} is not a loopback address")
    return str(address)
