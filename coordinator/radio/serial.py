"""Opening the line to a radio: a serial port (the one door to serialx), a program behind a pty, or TCP.

Each gives the protocol its transport, or raises RadioError with who or what is in the way.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import tty
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, assert_never

import serialx

from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.pipe import PtyTransport
from coordinator.radio.url import ForkPty, Line, Tcp, Uart

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a TCP connection or for a port to open."""
_PTS_MAJOR, _PTMX = 136, os.makedev(5, 2)
"""Linux's numbers for the two sides of a pseudo-terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbPort:
    """A serial port as the kernel knows it. Without USB behind it, `vid` and `pid` are None."""

    device: str
    vid: int | None = None
    pid: int | None = None
    maker: str = ""
    product: str = ""


def usb_ports() -> list[UsbPort]:
    """The serial ports that this machine's kernel knows."""
    return [
        UsbPort(
            device=port.resolved_device,
            vid=port.vid,
            pid=port.pid,
            maker=port.manufacturer or "",
            product=port.product or "",
        )
        for port in serialx.list_serial_ports()
    ]


Speaker = TypeVar("Speaker", bound=asyncio.Protocol)
Opener = Callable[[Callable[[], Speaker]], Awaitable[Speaker]]
"""Opens a line and puts the protocol that it is given the means to make on it."""


async def open_line(line: Line, factory: Callable[[], Speaker]) -> Speaker:
    """Open the line and return the protocol, connected. Raises RadioError."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            match line:
                case Uart():
                    return await _open_uart(line, factory)
                case ForkPty():
                    return await _open_fork(line, factory)
                case Tcp():
                    return await _open_tcp(line, factory)
                case _:
                    assert_never(line)
    except TimeoutError:
        raise RadioError(Fault.ABSENT, f"{line}: does not open within {CONNECT_TIMEOUT:.0f} s") from None
    except (OSError, serialx.SerialException) as error:
        raise _explain(line, error) from None


def opener(line: Line) -> Opener[Speaker]:
    """The line as something that can be opened again and again."""

    async def open_again(factory: Callable[[], Speaker]) -> Speaker:
        return await open_line(line, factory)

    return open_again


async def _open_uart(line: Uart, factory: Callable[[], Speaker]) -> Speaker:
    protocol: Speaker
    _, protocol = await serialx.create_serial_connection(  # type: ignore[assignment]  # of the factory's type
        asyncio.get_running_loop(),
        factory,
        line.path,
        line.baudrate,
        rtscts=line.flow_control,
        exclusive=True,
    )
    return protocol


async def _open_tcp(line: Tcp, factory: Callable[[], Speaker]) -> Speaker:
    transport, protocol = await asyncio.get_running_loop().create_connection(factory, line.host, line.port)
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return protocol


async def _open_fork(line: ForkPty, factory: Callable[[], Speaker]) -> Speaker:
    """Start the program with a pty of ours for its standard input and output; it ends with the line."""
    ours, theirs = os.openpty()
    try:
        tty.setraw(ours)
        tty.setraw(theirs)
        process = await asyncio.create_subprocess_exec(
            line.path,
            *line.arguments,
            stdin=theirs,
            stdout=theirs,
            start_new_session=True,  # a Ctrl-C is for us: its line is to end in order
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    protocol = factory()
    PtyTransport(ours, protocol, process)
    return protocol


def _explain(line: Line, error: Exception) -> RadioError:
    """What an error from opening means, with the holder of the port where there is one."""
    number = error.errno if isinstance(error, OSError) else None
    if "locked" in str(error) or number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        path = line.path if isinstance(line, Uart) else ""
        holders = ", ".join(f"{name} (PID {pid})" for pid, name in holders_of(path)) or "somebody else"
        return RadioError(Fault.BUSY, f"{line}: the port is held by {holders}")
    if number in (errno.EACCES, errno.EPERM):
        group = _group_of(line)
        return RadioError(Fault.FORBIDDEN, f"{line}: permission denied{group}")
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        return RadioError(Fault.ABSENT, f"{line}: not there")
    if number == errno.ENOTTY:
        return RadioError(Fault.ABSENT, f"{line}: not a serial port")
    if number == errno.ECONNREFUSED:
        return RadioError(Fault.ABSENT, f"{line}: nobody listens there")
    reason = os.strerror(number) if number is not None and number > 0 else str(error)
    return RadioError(Fault.ABSENT, f"{line}: cannot be opened: {reason}")


def _group_of(line: Line) -> str:
    if not isinstance(line, Uart):
        return ""
    try:
        return f"; its group is '{Path(line.path).group()}', and yours must be among them"
    except (OSError, KeyError):
        return ""


def holders_of(path: str, proc: Path = Path("/proc")) -> list[tuple[int, str]]:
    """Which other processes have this file open, by PID and name, as far as we may see.

    Whoever serves a pseudo-terminal from its other side is none of them.
    """
    try:
        wanted = os.stat(path)
    except OSError:
        return []
    found = []
    for entry in sorted(proc.iterdir(), key=lambda entry: entry.name):
        if entry.name.isdigit() and int(entry.name) != os.getpid() and _holds(entry, wanted):
            try:
                name = (entry / "comm").read_text().strip()
            except OSError:
                name = "?"
            found.append((int(entry.name), name))
    return found


def _holds(process: Path, wanted: os.stat_result) -> bool:
    open_files = _open_files(process)
    held = any((each.st_dev, each.st_ino) == (wanted.st_dev, wanted.st_ino) for each in open_files)
    serves = os.major(wanted.st_rdev) == _PTS_MAJOR and any(each.st_rdev == _PTMX for each in open_files)
    return held and not serves


def _open_files(process: Path) -> list[os.stat_result]:
    found = []
    try:
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.append(descriptor.stat())
    except OSError:
        pass
    return found
