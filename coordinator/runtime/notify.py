"""What a service manager is told: sd_notify(3), and the watchdog that is fed only after a probe.

Written here, since nothing well kept does all of it: sdnotify's last release is of 2017, systemd-python
(LGPL) wants a compiler and libsystemd's headers, cysystemd brings 2 MB of compiled code for four lines of
text, systemd-watchdog knows neither RELOADING nor STOPPING. None of them feeds a watchdog after a probe.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Self

PATIENCE = 1.0
"""Seconds that the end of a watchdog waits for a probe that is being cancelled."""

Probe = Callable[[], Awaitable[object]]
"""Returns when all is well; raises, with the reason as text, when it is not."""
Missed = Callable[[Exception], None]
"""Told why the watchdog was not fed; TimeoutError when the probe gave no answer."""


class Notifier:
    """Tells the service manager, or nobody when there is none.

    Nothing here waits or raises: each method returns whether the manager was told. The socket is kept
    open, so that a process out of file descriptors can still say that it lives.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self._address = address
        self.watchdog = watchdog
        """Seconds after which the manager gives up on a process that has not said `alive`; None for never."""
        self._socket: socket.socket | None = None
        if address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, pid: int | None = None) -> Self:
        """The manager that NOTIFY_SOCKET names: a path, or with "@" an abstract name; others are ignored.

        The watchdog is on when WATCHDOG_USEC is set and WATCHDOG_PID, if it is there, is this process
        (sd_watchdog_enabled(3)).
        """
        address = environment.get("NOTIFY_SOCKET", "")
        if address[:1] not in ("/", "@") or len(address) < 2:
            return cls()
        span, owner = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        ours = owner in ("", str(os.getpid() if pid is None else pid))
        microseconds = int(span) if ours and span.isascii() and span.isdigit() else 0
        return cls("\0" + address[1:] if address[0] == "@" else address, microseconds / 1_000_000 or None)

    @property
    def managed(self) -> bool:
        """Whether there is a manager."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """It is up, or has reloaded."""
        return self._send("READY=1", *_status(status))

    def reloading(self) -> bool:
        """It reads its configuration anew; `ready` ends that. systemd 253 and later ask for the time."""
        return self._send(
            "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"
        )

    def stopping(self, status: str = "") -> bool:
        """It has begun to end."""
        return self._send("STOPPING=1", *_status(status))

    def status(self, text: str) -> bool:
        """One line for people, as in `systemctl status`."""
        return self._send(*_status(text))

    def alive(self) -> bool:
        """Feed the watchdog. Call it when something was found to be well, not because time has passed."""
        return self._send("WATCHDOG=1")

    def close(self) -> None:
        """Tell nobody any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, *lines: str) -> bool:
        if self._socket is None or not lines:
            return False
        try:
            self._socket.sendto("\n".join(lines).encode("utf-8", "replace"), self._address or "")
        except OSError:
            return False  # the manager has gone or is not reading; a run does not end for that
        return True


def _status(text: str) -> tuple[str, ...]:
    """As a line of its own, whatever is in it."""
    return (f"STATUS={' '.join(text.split())}",) if text else ()


class Watchdog:
    """Feeds the manager's watchdog while `probe` succeeds. Does nothing when there is none to feed.

    It probes at each half of the interval, and at each eighth after a failure, so that one lost answer
    is not the end. A probe has a quarter of the interval; one that hangs or fails feeds nothing, and a
    failure that lasts ends in the manager's hands. `async with` owns the task.
    """

    def __init__(self, notifier: Notifier, probe: Probe, missed: Missed | None = None) -> None:
        self._notifier = notifier
        self._probe = probe
        self._missed = missed or self._show
        self._task: asyncio.Task[None] | None = None
        self._ending = False  # a probe may swallow the cancellation that says so

    async def __aenter__(self) -> Self:
        if self._notifier.watchdog is not None:
            self._task = asyncio.create_task(self._feed(self._notifier.watchdog), name="watchdog")
        return self

    async def __aexit__(self, *_: object) -> None:
        task, self._task, self._ending = self._task, None, True
        if task is None:
            return
        task.cancel()
        done, _pending = await asyncio.wait((task,), timeout=PATIENCE)
        if done and not task.cancelled():
            task.result()

    async def _feed(self, interval: float) -> None:
        loop = asyncio.get_running_loop()
        while not self._ending:
            began = loop.time()
            well = await self._well(interval / 4)
            if well:
                self._notifier.alive()
            pause = began + interval / (2 if well else 8) - loop.time()
            await asyncio.sleep(max(pause, interval / 100))

    async def _well(self, limit: float) -> bool:
        """Whether the probe succeeded within its time, also by the clock: it may have stopped the loop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit
        try:
            async with asyncio.timeout_at(deadline):
                await self._probe()
            if loop.time() > deadline:
                raise TimeoutError
        except TimeoutError as error:
            self._missed(error if str(error) else TimeoutError(f"no answer within {limit:g} s"))
            return False
        except Exception as error:  # a probe that is itself broken has found nothing to be well
            self._missed(error)
            return False
        return True

    def _show(self, error: Exception) -> None:
        self._notifier.status(f"the watchdog is not fed: {str(error) or type(error).__name__}")
