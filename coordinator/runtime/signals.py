"""The signals that tell a process to end, as a value to wait for."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Hangup:
    """What SIGHUP does to a service, which has no terminal to lose: `act`, once somebody has set it."""

    def __init__(self) -> None:
        self.act: Callable[[], None] = lambda: None


def stop_signal(hangup: Hangup | None = None) -> asyncio.Future[int]:
    """Done, with the signal's number, when the process is told to end: by the keyboard, by whoever
    started it, or, without `hangup`, because its terminal has gone. From now on none of them kills it; one
    that comes when the event loop has ended is for whoever heeded it before.
    """
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[int] = loop.create_future()

    def stopped(number: int) -> None:
        if not stop.done():
            stop.set_result(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        _heed(number, loop, stopped)
    _heed(signal.SIGHUP, loop, stopped if hangup is None else lambda _number: hangup.act())
    return stop


def _heed(number: signal.Signals, loop: asyncio.AbstractEventLoop, call: Callable[[int], None]) -> None:
    """As `loop.add_signal_handler`, which forgets what was before: with the end of the loop, a signal that
    comes a moment too late would kill the process.
    """
    before = signal.getsignal(number)

    def told(_number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call, number)
        elif callable(before):
            before(number, frame)
        elif before is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(number, told)


@contextmanager
def cancelled_by(stop: asyncio.Future[int]) -> Iterator[Callable[[], None]]:
    """Who is told to stop while a radio comes up has nothing to finish; call what is given once there is."""
    task = asyncio.current_task()
    assert task is not None

    def cancel(_: asyncio.Future[int]) -> None:
        task.cancel()

    def begun() -> None:
        stop.remove_done_callback(cancel)

    stop.add_done_callback(cancel)
    try:
        yield begun
    finally:
        begun()
