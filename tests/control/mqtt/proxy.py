"""A network between a bench and its broker, which can be cut, slow, or deaf in one direction."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Forwards to a port. `rate` is octets per second each way; `deaf` lets nothing come back."""

    target: int
    port: int = 0
    rate: float | None = None
    deaf: bool = False
    refuses: bool = False
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        beyond, onward = await asyncio.open_connection("127.0.0.1", self.target)
        self.writers += [writer, onward]
        await asyncio.gather(self._forward(reader, onward, False), self._forward(beyond, writer, True))

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, back: bool) -> None:
        with contextlib.suppress(OSError):
            while octets := await source.read(1024):
                if self.rate is not None:
                    await asyncio.sleep(len(octets) / self.rate)
                if not (back and self.deaf):
                    sink.write(octets)
                    await sink.drain()
        sink.close()


@contextlib.asynccontextmanager
async def proxy(target: int) -> AsyncIterator[Proxy]:
    """A network to this port of loopback."""
    made = Proxy(target)
    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(made.serve(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
