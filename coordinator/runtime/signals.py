"""The signals that tell a process to end, as a value to wait for."""

from __future__ import annotations

import asyncio
import signal


def stop_signal() -> asyncio.Future[int]:
    """Done, with the signal's number, when the process is told to end: by the keyboard, by whoever
    started it, or because its terminal has gone. From now on none of them kills it.
    """
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def stopped(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopped, number)
    return stop
