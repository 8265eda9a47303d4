"""A UDP socket on the loopback interface, read by the event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from coordinator.radio.air.url import AirUrl

Address = tuple[str, int]
Takes = Callable[[bytes, Address], None]

_BATCH = 64
"""Datagrams read before others on the event loop have their turn."""
_BUFFER = 1 << 20
"""Octets of receive buffer asked for; the kernel gives what it allows (net.core.rmem_max)."""
_LARGEST = 65_535


class Endpoint:
    """Open from construction to `close`. `refused` is called when nobody is at the other end's port.

    `listen` binds the URL's address, and raises OSError; else the socket is connected to it.
    """

    def __init__(
        self, url: AirUrl, takes: Takes, refused: Callable[[], None] | None = None, *, listen: bool = False
    ) -> None:
        self._takes = takes
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._open = True
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            if listen:
                self._socket.bind((url.host, url.port))
            else:
                self._socket.connect((url.host, url.port))
            self._loop.add_reader(self._socket.fileno(), self.read)
        except OSError:
            self._socket.close()
            raise

    @property
    def url(self) -> AirUrl:
        """Our own end."""
        host, port = self._socket.getsockname()
        return AirUrl(host, port)

    def send(self, octets: bytes, address: Address | None = None) -> None:
        """Send to an address, or to the other end. What the kernel does not take is lost, and missed."""
        if not self._open:
            return
        try:
            if address is None:
                self._socket.send(octets)
            else:
                self._socket.sendto(octets, address)
        except ConnectionRefusedError:
            self._tell_refused()
        except OSError:
            pass  # its number will be missed at the other end

    def read(self, limit: int = _BATCH) -> None:
        """Hand over what has come in, up to `limit` datagrams."""
        for _ in range(limit):
            if not self._open:
                return
            try:
                octets, address = self._socket.recvfrom(_LARGEST)
            except ConnectionRefusedError:
                self._tell_refused()
                return
            except OSError:
                return  # nothing there
            self._takes(octets, address)

    def _tell_refused(self) -> None:
        self._loop.call_soon(self._be_refused)

    def _be_refused(self) -> None:
        if self._refused is not None and self._open:
            self._refused()

    def close(self) -> None:
        """Read no more and let go of the port. Closing twice is harmless."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
