"""Who may ask: whoever has the token, and no page of another site that a browser happens to show."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

from coordinator.config.values import is_loopback
from coordinator.control.http import answers
from coordinator.control.http.listening import Address
from coordinator.control.schema.errors import ErrorCode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = frozenset({"/health"})
"""Paths that need no token: a container's health check has none."""
SCHEME = "bearer"


class Guard:
    """Refuses requests before anybody looks at them.

    On a loopback address the Host header must name this machine: a page whose name was made to mean
    127.0.0.1 (DNS rebinding) names itself. Elsewhere the token does that duty.
    """

    def __init__(self, address: Address, token: str | None) -> None:
        self._address = address
        self._token = None if token is None else token.strip().encode()

    def refusal(self, request: web.Request) -> web.Response | None:
        """Why this request is refused; None when it is not."""
        host = request.headers.get("Host", "")
        if is_loopback(self._address.host) and not is_loopback(_name(host)):
            return answers.refusal(
                ErrorCode.FORBIDDEN,
                f"the Host header names another machine: {host[:60]!a}",
                hint=f"ask {self._address.url}",
                status=403,
            )
        if _from_another_site(request, host):
            return answers.refusal(
                ErrorCode.FORBIDDEN, "a page of another site may not ask this bench", status=403
            )
        if self._token is None or request.path in OPEN:
            return None
        return self._without_token(request, self._token)

    def _without_token(self, request: web.Request, token: bytes) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        scheme, _, shown = given.partition(" ")
        if scheme.lower() == SCHEME and hmac.compare_digest(
            shown.strip().encode(errors="surrogateescape"), token
        ):
            return None
        return answers.refusal(
            ErrorCode.FORBIDDEN,
            "the token is wrong" if given else "this bench asks for a token",
            hint="send the header Authorization: Bearer TOKEN",
            headers={"WWW-Authenticate": 'Bearer realm="legacy-tc"'},
        )


def _name(host: str) -> str:
    """The name or number of a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _from_another_site(request: web.Request, host: str) -> bool:
    """Whether a browser says that a page of somebody else asks. Following a link is no such thing."""
    origin = request.headers.get("Origin")
    if origin is not None:
        scheme, _, site = origin.partition("://")
        return scheme not in ("http", "https") or site.lower() != host.lower()
    crossing = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    return crossing and request.headers.get("Sec-Fetch-Mode") != "navigate"
