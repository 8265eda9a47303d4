"""A transport over our end of a pty, behind which a program of ours runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process

READ_SIZE = 65_536
PATIENCE = 2.0
"""Seconds that the program may take to end after its line is gone."""
MAX_QUEUED = 65_536
"""Octets that may wait for the program to read; more and the line counts as lost."""


class PtyTransport(asyncio.Transport):
    """Reads and writes the master side. The program is told to end when the transport is closed."""

    def __init__(self, descriptor: int, protocol: asyncio.Protocol, process: Process) -> None:
        super().__init__({"process": process})
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._protocol = protocol
        self._process = process
        self._queued = bytearray()
        self._closing = False
        self._ending: asyncio.Task[None] | None = None
        os.set_blocking(descriptor, False)
        protocol.connection_made(self)
        self._loop.add_reader(descriptor, self._readable)

    def is_closing(self) -> bool:
        """True once the line is gone or given up."""
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write now if the pty takes it, else when it does."""
        if self._closing:
            return
        if not self._queued:
            self._loop.add_writer(self._descriptor, self._writable)
        self._queued += data
        self._writable()
        if len(self._queued) > MAX_QUEUED:
            self._lose(BlockingIOError("the program does not read its input"))

    def close(self) -> None:
        """Give the line up."""
        self._lose(None)

    def abort(self) -> None:
        """Give the line up."""
        self._lose(None)

    def _writable(self) -> None:
        try:
            while self._queued:
                del self._queued[: os.write(self._descriptor, self._queued)]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if not self._closing:
            self._loop.remove_writer(self._descriptor)

    def _readable(self) -> None:
        try:
            octets = os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return
        except OSError:  # EIO: the last to hold the other end is gone
            octets = b""
        if octets:
            self._protocol.data_received(octets)
        else:
            self._lose(ConnectionResetError("the program ended"))

    def _lose(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        os.close(self._descriptor)
        self._ending = self._loop.create_task(self._end(error))

    async def _end(self, error: Exception | None) -> None:
        """See the program off, then tell the protocol."""
        with contextlib.suppress(ProcessLookupError):
            self._tell(signal.SIGTERM)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._tell(signal.SIGKILL)
            await self._process.wait()
        self._protocol.connection_lost(error)

    def _tell(self, number: signal.Signals) -> None:
        """Send a signal. `Process.terminate` would first reap a program that has ended, behind the back of
        the watcher that is there for it, which then complains.
        """
        if self._process.returncode is None:
            os.kill(self._process.pid, number)
