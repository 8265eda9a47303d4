"""A line in memory: two asyncio transports, and a hook on each direction for those who disturb it.

It needs nothing but the event loop's `call_soon`, so it runs in virtual time too. `Line.cut` ends it
at both ends; a half-open line is one whose hooks deliver nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Deliver = Callable[[bytes], None]
"""Hands octets to the far end, at once. After the line was cut it does nothing."""

Hook = Callable[[bytes, Deliver], None]
"""Sees what one end wrote, and delivers it: now, later, changed, in pieces, twice or never."""

HIGH_WATER = 64 * 1024

HostProtocol = TypeVar("HostProtocol", bound=asyncio.Protocol)


def pass_on(octets: bytes, deliver: Deliver) -> None:
    """The hook of an undisturbed line."""
    deliver(octets)


def swallow(octets: bytes, deliver: Deliver) -> None:
    """The hook of a line whose far end is gone without a word."""


class Line:
    """Two ends and what lies between. The hooks may be changed at any time.

    `to_dongle` and `to_host` get each write of the far end as it was written, in order, one turn of the
    event loop later.
    """

    def __init__(self, *, to_dongle: Hook = pass_on, to_host: Hook = pass_on) -> None:
        self.to_dongle = to_dongle
        self.to_host = to_host
        self.host_end = End(self, lambda octets: self.to_dongle(octets, self.dongle_end.deliver))
        self.dongle_end = End(self, lambda octets: self.to_host(octets, self.host_end.deliver))
        self.host_end.far, self.dongle_end.far = self.dongle_end, self.host_end
        self.open = True

    def connect(self, host: asyncio.Protocol, dongle: asyncio.Protocol) -> None:
        """Put a protocol at each end; the dongle's is told first."""
        self.dongle_end.attach(dongle)
        self.host_end.attach(host)

    def cut(self, error: Exception | None = None) -> None:
        """Both ends lose their connection, the host with `error`. What is under way is lost."""
        if not self.open:
            return
        self.open = False
        self.host_end.lose(error)
        self.dongle_end.lose(None)


class End(asyncio.Transport):
    """One end of a line, for the protocol that is attached to it."""

    def __init__(self, line: Line, send: Callable[[bytes], None]) -> None:
        super().__init__()
        self.far: End
        self._line = line
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._protocol: asyncio.Protocol | None = None
        self._reading = True
        self._unread = bytearray()
        self._high = HIGH_WATER
        self._full = False

    def attach(self, protocol: asyncio.Protocol) -> None:
        """Tell a protocol that it is connected."""
        self._protocol = protocol
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets; after the line was cut they are lost, as on any transport."""
        if self._line.open and data:
            self._loop.call_soon(self._pass, bytes(data))

    def _pass(self, octets: bytes) -> None:
        if self._line.open:
            self._send(octets)

    def deliver(self, octets: bytes) -> None:
        """Octets have come to this end; they wait while its protocol has paused reading."""
        if not self._line.open or not octets:
            return
        if self._reading and self._protocol is not None:
            self._protocol.data_received(octets)
            return
        self._unread += octets
        self.far.press(len(self._unread))

    def press(self, unread: int) -> None:
        """The far end has left so much unread: pause whoever writes here, or let it go on."""
        full = unread > self._high
        if self._protocol is None or full == self._full:
            return
        self._full = full
        if full:
            self._protocol.pause_writing()
        else:
            self._protocol.resume_writing()

    def lose(self, error: Exception | None) -> None:
        """Tell the protocol, soon, that the connection is gone."""
        if self._protocol is not None:
            self._loop.call_soon(self._protocol.connection_lost, error)

    def pause_reading(self) -> None:
        """Leave what comes unread."""
        self._reading = False

    def resume_reading(self) -> None:
        """Read on, beginning with what waits."""
        self._reading = True
        waiting, self._unread = bytes(self._unread), bytearray()
        self.deliver(waiting)
        self.far.press(0)

    def is_reading(self) -> bool:
        """Whether octets are handed on as they come."""
        return self._reading

    def set_write_buffer_limits(self, high: int | None = None, _low: int | None = None) -> None:
        """How much may be unread at the far end before writing is paused, until it is read to there."""
        self._high = HIGH_WATER if high is None else high

    def get_write_buffer_size(self) -> int:
        """How much the far end has not read."""
        return len(self.far._unread)

    def is_closing(self) -> bool:
        """Whether the line is cut."""
        return not self._line.open

    def close(self) -> None:
        """Hang up when what was written has passed: both ends lose the line without an error."""
        self._loop.call_soon(self._line.cut)

    def abort(self) -> None:
        """The same: nothing waits to be sent."""
        self._line.cut()


def connect(host: HostProtocol, dongle: asyncio.Protocol, line: Line | None = None) -> HostProtocol:
    """Join a client's protocol and the dongle's `Connection` by a line; returns the client's."""
    (line or Line()).connect(host, dongle)
    return host
