"""A real mosquitto on a free port of loopback, and its own clients."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.operation.debian import program
from tests.pace import PATIENCE
from tests.ports import free_port

OPEN = "allow_anonymous true"
KEEPS = "persistence true\nautosave_interval 1\nautosave_on_changes true"


@dataclass
class Broker:
    """A mosquitto that can be killed, frozen and begun again, on the same port with the same files."""

    folder: Path
    config: str = OPEN
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it accepts connections."""
        path = self.folder / "mosquitto.conf"
        listener = f"listener {self.port} 127.0.0.1\nset_tcp_nodelay true\nuser root"
        path.write_text(f"{listener}\npersistence_location {self.folder}/\n{self.config}\n", encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program("mosquitto", "mosquitto"), "-c", path], stderr=log, stdout=log
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            with (
                contextlib.suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self.port)),
            ):
                return
            time.sleep(0.01)

    def freeze(self) -> None:
        """It is there, and does nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Without a word to its clients."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """It says goodbye and keeps what it is to keep."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(PATIENCE)
            self.process = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def command(self, verb: str, *arguments: str, v: str = "5") -> list[str]:
        """mosquitto_pub, _sub or _rr."""
        name = program(f"mosquitto_{verb}", "mosquitto-clients")
        return [name, "-V", v, "-h", "127.0.0.1", "-p", str(self.port), *arguments]

    async def client(self, verb: str, *arguments: str, check: bool = True, v: str = "5") -> str:
        """What it says; with its complaints when it may fail."""
        out = asyncio.subprocess.PIPE
        command = self.command(verb, *arguments, v=v)
        done = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=out)
        async with asyncio.timeout(PATIENCE):
            said, complained = await done.communicate()
        assert not check or done.returncode == 0, (arguments, said, complained)
        return said.decode() if check else said.decode() + complained.decode()


@contextlib.contextmanager
def broker(folder: Path, config: str = OPEN, *, running: bool = True) -> Iterator[Broker]:
    """A broker for as long as the block runs."""
    made = Broker(folder, config)
    if running:
        made.start()
    try:
        yield made
    finally:
        made.kill()
