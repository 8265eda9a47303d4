"""Asks a bench over HTTP, and follows its events. Blocking, for a program that does nothing else.

The standard library's client: a health check that runs every few seconds should not load a server.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

LARGEST = 16 * 1024 * 1024
"""Octets of an answer, or of an event, that are read at most."""
SILENCE = 45.0
"""Seconds after which a stream that shows no sign of life is dead; one comes every 15 s."""
JSON = "application/json"
DEFAULT_PORTS = {"http": 80, "https": 443}


class Unreachable(Exception):
    """Nobody is there, or not a bench, or not to be trusted; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where a bench serves HTTP. `prefix` is what a proxy has put before its paths."""

    url: str
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    prefix: str = ""
    token: str | None = None

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection to it, which is not made yet."""
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.tls)

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


def server(url: str, token: str | None = None, ca: str | None = None) -> Server:
    """``http://127.0.0.1:8080``. Raises ValueError, and Unreachable for a CA file that is none."""
    parts = urlsplit(url)
    if "@" in url or parts.query or parts.fragment:  # not echoed: people put secrets there
        raise ValueError("only a host, a port and a path belong in an address; a token comes from a file")
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an HTTP address: '{url}'; write it like http://127.0.0.1:8080")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"'{url}' has no port that there is: 1 to 65535") from None
    if token is not None and not (token and token.isascii() and token.isprintable()):
        raise ValueError("the token is empty, or has characters that no header can carry")
    tls = None
    if parts.scheme == "https":
        try:
            tls = ssl.create_default_context(cafile=ca)
        except OSError as error:
            raise Unreachable(f"{ca}: {error.strerror or error}") from None
    return Server(
        url=url,
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        tls=tls,
        prefix=parts.path.rstrip("/"),
        token=token,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a JSON object."""

    status: int
    body: dict[str, object]


def ask(to: Server, method: str, path: str, *, timeout: float, body: bytes | None = None) -> Answer:
    """One request and its answer. Raises Unreachable; `timeout` is seconds for each thing to wait for."""
    headers = {**to.headers(), **({} if body is None else {"Content-Type": JSON})}
    with _explained(to, timeout), contextlib.closing(to.connect(timeout)) as connection:
        connection.request(method, to.prefix + path, body, headers)
        response = connection.getresponse()
        octets = response.read(LARGEST)
    try:
        found = json.loads(octets)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unreachable(f"{to.url} is no bench: it answered {response.status} without a JSON object")
    return Answer(status=response.status, body=found)


def command(to: Server, verb: str, body: bytes, timeout: float) -> dict[str, object]:
    """The answer to a command, as MQTT would bring it. Raises Unreachable."""
    answer = ask(to, "POST", f"/api/v1/{verb}", timeout=timeout, body=body).body
    if answer.get("status") not in ("ok", "error"):
        raise Unreachable(f"{to.url} is no bench: its answer has no status")
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the stream."""

    kind: str
    data: str


class Refused(Exception):
    """The bench does not let us look on. `answer` is its word."""

    def __init__(self, answer: dict[str, object]) -> None:
        super().__init__(str(answer))
        self.answer = answer


def events(to: Server, path: str, since: int | None, until: float | None) -> Generator[Event, None, None]:
    """What happens, until the instant `until` of the monotonic clock. Raises Unreachable, Refused."""
    headers = {**to.headers(), "Accept": "text/event-stream"}
    if since is not None:
        headers["Last-Event-ID"] = str(since)
    patience = _patience(until)
    with _explained(to, patience), contextlib.closing(to.connect(patience)) as connection:
        connection.request("GET", to.prefix + path, headers=headers)
        line = connection.sock
        response = connection.getresponse()
        if response.status != 200 or response.headers.get_content_type() != "text/event-stream":
            raise _refusal(to, response)
        yield from _parsed(to, response, line, until)


def _parsed(
    to: Server, response: http.client.HTTPResponse, line: socket.socket, until: float | None
) -> Generator[Event, None, None]:
    """Events as HTML 9.2.6 reads them."""
    kind = "message"
    data: list[str] = []
    while until is None or time.monotonic() < until:
        line.settimeout(_patience(until))
        try:
            octets = response.readline(LARGEST)
        except TimeoutError:
            if until is not None and time.monotonic() >= until:
                return
            raise Unreachable(f"{to.url} has been silent for {SILENCE:g} s") from None
        except (ConnectionError, http.client.IncompleteRead):
            octets = b""
        if not octets:
            raise Unreachable(f"{to.url} has ended the stream")
        text = octets.decode(errors="replace").rstrip("\r\n")
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if not text:
            if data:
                yield Event(kind=kind, data="\n".join(data))
            kind, data = "message", []
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)


def _patience(until: float | None) -> float:
    return SILENCE if until is None else min(SILENCE, max(0.001, until - time.monotonic()))


def _refusal(to: Server, response: http.client.HTTPResponse) -> Exception:
    try:
        answer = json.loads(response.read(LARGEST))
    except ValueError:
        answer = None
    if isinstance(answer, dict) and answer.get("status") == "error":
        return Refused(answer)
    return Unreachable(f"{to.url} is no bench: it answered {response.status} to who asked for events")


@contextlib.contextmanager
def _explained(to: Server, timeout: float) -> Iterator[None]:
    """What goes wrong on a line, as one line."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"{to.url} is not to be trusted: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Unreachable(f"{to.url}: TLS failed: {error.reason or error}") from None
    except TimeoutError:
        raise Unreachable(f"{to.url} did not answer within {timeout:g} s") from None
    except socket.gaierror as error:
        raise Unreachable(f"{to.url}: {error.strerror}") from None
    except OSError as error:
        raise Unreachable(f"{to.url} cannot be reached: {error.strerror or error}") from None
    except http.client.HTTPException as error:
        raise Unreachable(f"{to.url} does not speak HTTP: {type(error).__name__}") from None
