"""Which broker, as whom, and how it is reached."""

from __future__ import annotations

import ssl
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from coordinator.config.values import is_loopback

PLAIN, SECURED = 1883, 8883
"""The ports of mqtt:// and mqtts:// where none is named (IANA)."""


class LinkError(ValueError):
    """The broker cannot be reached like this; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A broker and our place on it. `id` is ours in topics; spans are seconds.

    `outbox` is how many events wait for the broker while it is away.
    """

    host: str
    port: int
    id: str
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    outbox: int = 10_000
    keepalive: int = 5
    expiry: float = 10.0
    """A request that says nothing of its own expiry is not begun later than this after it came."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' if self.tls else ''}://{host}:{self.port}"

    def context(self) -> ssl.SSLContext | None:
        """What TLS believes and shows. Raises LinkError for files that cannot be used."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        except (OSError, ssl.SSLError) as error:
            raise LinkError(f"{self.ca_file}: not a file of CA certificates: {_reason(error)}") from None
        context.sslsocket_class = _Socket
        if self.certificate_file is not None:
            try:
                # a passphrase, or OpenSSL asks the terminal for one, and waits
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except (OSError, ssl.SSLError) as error:
                raise LinkError(
                    f"{self.certificate_file}: not a certificate with its key: {_reason(error)}"
                ) from None
        return context


class _Socket(ssl.SSLSocket):
    """Closes when its handshake fails: paho does not."""

    def do_handshake(self, block: bool = False) -> None:
        """Raises OSError."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def at(url: str, *, allow_plaintext: bool = False, **others: object) -> Link:
    """The link to the broker that a URL names: ``mqtt://host[:port]``, or ``mqtts://`` for TLS.

    Raises LinkError. Without TLS only loopback is reached unless `allow_plaintext`: who reads the line has
    the password, and who writes to it has the bench.
    """
    parsed = urllib.parse.urlsplit(url)
    if parsed.scheme not in ("mqtt", "mqtts") or not parsed.hostname:
        raise LinkError(f"not a broker: {url!r}; expected mqtt://HOST:PORT or mqtts://HOST:PORT")
    try:
        port = parsed.port
        if port == 0:
            raise ValueError
    except ValueError:
        raise LinkError(f"{url!r}: the port is 1 to 65535") from None
    try:
        parsed.hostname.encode("idna")
    except UnicodeError:
        raise LinkError(f"{url!r}: no host has such a name") from None
    if parsed.username is not None or parsed.password is not None:
        raise LinkError(
            "a user and password do not belong into the URL: username and password_file take them"
        )
    if parsed.path not in ("", "/") or parsed.query or parsed.fragment:
        raise LinkError(f"{url!r}: nothing comes after host and port")
    tls = parsed.scheme == "mqtts"
    if not (tls or allow_plaintext or is_loopback(parsed.hostname)):
        raise LinkError(
            f"mqtt:// to {parsed.hostname} would go in plain text over a network; use mqtts://, or set "
            "allow_plaintext where the network is yours alone"
        )
    port = port or (SECURED if tls else PLAIN)
    return Link(host=parsed.hostname, port=port, tls=tls, **others)  # type: ignore[arg-type]  # fields of Link


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
