"""A mosquitto of one's own on loopback, for as long as a benchmark lasts."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

UP_WITHIN = 5.0
SETTINGS = """
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
"""
"""As a rack's broker would be set: without TCP_NODELAY every answer is 40 ms late."""


@contextlib.contextmanager
def mosquitto() -> Iterator[int]:
    """Run one, and yield its port. Raises FileNotFoundError when it is not installed."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise FileNotFoundError("mosquitto is not here; on Debian: apt-get install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "mosquitto.conf"
        settings.write_text(SETTINGS.format(port=port))
        running = subprocess.Popen([program, "-c", str(settings)], stderr=subprocess.DEVNULL)
        try:
            until_open(port)
            yield port
        finally:
            running.terminate()
            running.wait(UP_WITHIN)


def until_open(port: int) -> None:
    """Wait until somebody listens."""
    ends = time.monotonic() + UP_WITHIN
    while time.monotonic() < ends:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")
