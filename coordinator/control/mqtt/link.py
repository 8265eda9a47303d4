"""Which broker, as whom, and how it is reached."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from coordinator.config import broker_url


class LinkError(ValueError):
    """The broker cannot be reached like this; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A broker and our place on it. `id` is ours in topics; spans are seconds.

    `outbox` is how many events wait for the broker while it is away, `home_assistant` where Home Assistant
    looks for devices, if it is to find us.
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
    home_assistant: str | None = None
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

    Raises LinkError. Without TLS only loopback is reached unless `allow_plaintext`.
    """
    try:
        broker = broker_url.parse(url)
        if not allow_plaintext:
            broker_url.refuse_plaintext(broker)
    except ValueError as error:
        raise LinkError(str(error)) from None
    return Link(host=broker.host, port=broker.port, tls=broker.tls, **others)  # type: ignore[arg-type]  # fields of Link


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
