"""The RCP's end of a line: an asyncio protocol between its octets and any transport."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.spinel import Rcp

PENDING_OCTETS = 4096
"""What the transport itself may hold back; beyond that octets wait in the RCP's outbox, which is bounded."""


class Connection(asyncio.Protocol):
    """One host's line to the RCP, on which a `Disturbance` may have its way. `lost` is done when it is gone,
    and says in how many seconds it may come back: None unless a fault cut it.
    """

    def __init__(self, rcp: Rcp, disturbance: Disturbance | None = None) -> None:
        self._rcp = rcp
        self._disturbance = disturbance
        self._back_in: float | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._paused = False
        self.lost: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with empty buffers."""
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(high=PENDING_OCTETS)
        self._rcp.connected()
        self._rcp.outbox.ready = self._send
        if self._disturbance is not None:
            self._disturbance.cut = self._cut
            self._disturbance.opened()

    def data_received(self, octets: bytes) -> None:
        """Octets from the host."""
        if self._disturbance is None:
            self._rcp.feed(octets)
        else:
            self._disturbance.to_dongle(octets, self._rcp.feed)

    def pause_writing(self) -> None:
        """The host reads too slowly."""
        self._paused = True

    def resume_writing(self) -> None:
        """The host has caught up."""
        self._paused = False
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """The host is gone; what the RCP says until the next one comes is dropped when that comes."""
        self._transport = None
        if self._rcp.outbox.ready == self._send:
            self._rcp.outbox.ready = _unread
        if not self.lost.done():
            self.lost.set_result(self._back_in)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        if self._transport is None or self._paused or not self._rcp.outbox.size:
            return
        if self._disturbance is None:
            self._transport.write(self._rcp.outbox.take())
        else:
            self._disturbance.to_host(self._rcp.outbox.take(), self._write)

    def _write(self, octets: bytes) -> None:
        if self._transport is not None:
            self._transport.write(octets)

    def _cut(self, seconds: float) -> None:
        """Hang up without a word: a TCP host sees a reset."""
        self._back_in = seconds
        if self._transport is not None:
            ours = self._transport.get_extra_info("socket")
            if ours is not None:
                ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()


def _unread() -> None:
    """Nobody reads."""
