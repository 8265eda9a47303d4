"""Where the server listens, and who may reach it there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from coordinator.config.values import is_loopback

BACKLOG = 64


class CannotListen(Exception):
    """The address cannot be listened on, or not so; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address to listen on, or that is listened on. Port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return f"http://{self}"


def bind(address: Address, token: str | None) -> tuple[socket.socket, Address]:
    """A socket that listens, and its address in numbers. Raises CannotListen.

    Without a token only loopback addresses are listened on: whoever reaches the port commands the bench.
    """
    if not 0 <= address.port <= 65_535:
        raise CannotListen(f"{address.port} is no port: 0 to 65535")
    if token is not None and not token.strip():
        raise CannotListen("the token is empty: that would let everybody in")
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no name of a machine"
        raise CannotListen(f"cannot listen on {address}: {address.host}: {reason}") from None
    host = str(where[0])
    if token is None and not is_loopback(host):
        raise CannotListen(
            f"{address} can be reached from other machines: that needs a token; "
            "without one listen on 127.0.0.1"
        )
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(where)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = "; port 0 takes a free one" if "in use" in reason else ""
        raise CannotListen(f"cannot listen on {address}: {reason}{hint}") from None
    return listening, Address(host=host, port=listening.getsockname()[1])
