"""The RCP's end of a line: an asyncio protocol between its octets and any transport."""

from __future__ import annotations

import asyncio
from typing import cast

from coordinator.dongle.spinel import Rcp

PENDING_OCTETS = 4096
"""What the transport itself may hold back; beyond that octets wait in the RCP's outbox, which is bounded."""


class Connection(asyncio.Protocol):
    """One host's line to the RCP. `lost` is done when it is gone."""

    def __init__(self, rcp: Rcp) -> None:
        self._rcp = rcp
        self._transport: asyncio.WriteTransport | None = None
        self._paused = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with empty buffers."""
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.set_write_buffer_limits(high=PENDING_OCTETS)
        self._rcp.connected()
        self._rcp.outbox.ready = self._send

    def data_received(self, octets: bytes) -> None:
        """Octets from the host."""
        self._rcp.feed(octets)

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
            self.lost.set_result(None)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _send(self) -> None:
        if self._transport is not None and not self._paused and self._rcp.outbox.size:
            self._transport.write(self._rcp.outbox.take())


def _unread() -> None:
    """Nobody reads."""
