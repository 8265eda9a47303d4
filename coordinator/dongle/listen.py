"""Where an emulated RCP can be reached: a pseudo-terminal, standard input and output, a TCP port.

Each listener serves until it is cancelled, one host at a time; the one on standard input ends with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coordinator.codec.spinel import Status
from coordinator.dongle.connection import Connection
from coordinator.dongle.disturbance import Disturbance
from coordinator.dongle.spinel import Rcp

BACKLOG = 4

Announce = Callable[[str], None]
"""Told where a host finds the RCP, once it does."""


class CannotListen(Exception):
    """There is no listening there; the text is one line and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pty:
    """A new pseudo-terminal; `link` is a symbolic link to make to it, as udev makes by-id names."""

    link: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stdio:
    """Spinel on standard input and output: what a host starts as its own child (forkpty)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp:
    """A TCP port; 0 is any free one."""

    host: str
    port: int


Where = Pty | Stdio | Tcp


async def listen(where: Where, rcp: Rcp, announce: Announce, disturbance: Disturbance | None = None) -> None:
    """Serve hosts there, on lines to which the faults of `disturbance` happen. Raises CannotListen."""
    match where:
        case Pty():
            while (back_in := await _listen_on_pty(where, rcp, announce, disturbance)) is not None:
                await _unplugged(rcp, back_in)
        case Stdio():
            await _listen_on_stdio(rcp, disturbance)
        case Tcp():
            await _listen_on_tcp(where, rcp, announce, disturbance)


async def _unplugged(rcp: Rcp, seconds: float) -> None:
    """Out of its socket for so long: it comes back as after power-on, under whatever name is free."""
    await asyncio.sleep(seconds)
    rcp.reset(Status.RESET_POWER_ON)


async def _listen_on_pty(
    where: Pty, rcp: Rcp, announce: Announce, disturbance: Disturbance | None
) -> float | None:
    """Our side keeps the terminal open too, so that hosts may come and go; returns when it was unplugged,
    and for how many seconds.
    """
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise CannotListen(f"no pseudo-terminal: {error.strerror}") from None
    try:
        tty.setraw(slave)
        path = os.ttyname(slave)
        with _linked(where.link, path):
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(_serve_files(rcp, master, master, disturbance))
                announce(path)
                return await serving
    finally:
        os.close(master)
        os.close(slave)


@contextlib.contextmanager
def _linked(link: Path | None, target: str) -> Iterator[None]:
    """A symbolic link while entered. An old link gives way at once to the new; a file does not."""
    if link is None:
        yield
        return
    if os.path.lexists(link) and not link.is_symlink():
        raise CannotListen(f"{link}: is there already, and is not a symbolic link")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        fresh.symlink_to(target)
        fresh.replace(link)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise CannotListen(f"{link}: {error.strerror}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if os.readlink(link) == target:  # another may have replaced it meanwhile
                link.unlink()


async def _listen_on_stdio(rcp: Rcp, disturbance: Disturbance | None) -> None:
    """Ends when the host closes its end. A terminal, which forkpty makes it, is raw meanwhile."""
    source, sink = 0, 1
    for number, name in ((source, "standard input"), (sink, "standard output")):
        _check_line(number, name)
    blocking = [(number, os.get_blocking(number)) for number in (source, sink)]
    terminals = [(number, termios.tcgetattr(number)) for number in (source, sink) if os.isatty(number)]
    try:
        for number, _ in terminals:
            tty.setraw(number, termios.TCSANOW)  # what the host has said already stays
        await _serve_files(rcp, source, sink, disturbance)
    finally:
        for number, settings in terminals:
            with contextlib.suppress(termios.error):  # the other side may be gone
                termios.tcsetattr(number, termios.TCSANOW, settings)
        for number, was in blocking:
            os.set_blocking(number, was)


def _check_line(number: int, name: str) -> None:
    try:
        mode = os.fstat(number).st_mode
    except OSError:
        raise CannotListen(f"{name} is closed") from None
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(number)):
        raise CannotListen(f"{name} is neither a pipe nor a terminal; a host is to start this program")


class _Inbound(asyncio.Protocol):
    """The reading half of a line whose two directions are different files."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def data_received(self, octets: bytes) -> None:
        self._connection.data_received(octets)

    def connection_lost(self, _: Exception | None) -> None:
        self._connection.close()


async def _serve_files(rcp: Rcp, source: int, sink: int, disturbance: Disturbance | None) -> float | None:
    """Serve on two file descriptors, which stay open, until either side is lost."""
    loop = asyncio.get_running_loop()
    connection = Connection(rcp, disturbance)
    outbound, _ = await loop.connect_write_pipe(lambda: connection, os.fdopen(os.dup(sink), "wb", 0))
    inbound, _ = await loop.connect_read_pipe(
        lambda: _Inbound(connection), os.fdopen(os.dup(source), "rb", 0)
    )
    try:
        return await connection.lost
    finally:
        inbound.close()
        if not connection.lost.done():
            outbound.abort()


async def _listen_on_tcp(where: Tcp, rcp: Rcp, announce: Announce, disturbance: Disturbance | None) -> None:
    """The next host waits in the backlog until the one before is gone."""
    loop = asyncio.get_running_loop()
    with _bound(where) as listening:
        host, port = listening.getsockname()[:2]
        announce(f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}")
        while True:
            client, _ = await loop.sock_accept(listening)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(rcp, disturbance)
            transport, _ = await loop.connect_accepted_socket(partial(_same, connection), client)
            try:
                back_in = await connection.lost
            finally:
                transport.abort()
            await asyncio.sleep(back_in or 0.0)


def _same(connection: Connection) -> Connection:
    return connection


def _bound(where: Tcp) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise CannotListen(f"tcp://{where.host}:{where.port}: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise CannotListen(f"tcp://{where.host}:{where.port}: {error.strerror}") from None
    return listening
