"""A daemon with HTTP in a process of its own, and somebody who asks it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

Json = dict[str, object]
ROOT = Path(__file__).parents[3]
PROGRAM = (
    sys.executable,
    "-c",
    "import sys; sys.argv[0] = 'legacy-tc'; from coordinator.cli import main; main()",
)
DEADLINE = 60.0
"""Seconds for what should take one or two, on a machine that has other things to do."""


@dataclass(kw_only=True)
class Daemon:
    """It runs; `log` grows."""

    process: subprocess.Popen[str]
    log: list[Json] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    """Lines of standard error that are none of the log."""
    url: str = ""

    def listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:
                self.other.append(line)

    def said(self, event: str, **fields: object) -> Json | None:
        for line in tuple(self.log):
            if line["event"] == event and all(line.get(name) == value for name, value in fields.items()):
                return line
        return None

    def until(self, event: str, **fields: object) -> Json:
        deadline = time.monotonic() + DEADLINE
        while (found := self.said(event, **fields)) is None:
            assert time.monotonic() < deadline, (event, self.log[-5:], self.other)
            time.sleep(0.02)
        return found

    def ask(self, verb: str, **request: object) -> Json:
        """The whole answer, over a connection of its own."""
        return self.asked(verb, DEADLINE, request)

    def asked(self, verb: str, timeout: float, request: Json) -> Json:
        """The same within so many seconds. Raises TimeoutError and OSError."""
        asked = urllib.request.Request(
            f"{self.url}/api/v1/{verb}", json.dumps(request).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=timeout) as answer:
                told: Json = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            told = json.loads(error.read())
        return told

    def done(self, verb: str, **request: object) -> Json:
        answer = self.ask(verb, **request)
        assert answer["status"] == "ok", answer
        data = answer["data"]
        assert isinstance(data, dict)
        return data


@contextlib.contextmanager
def daemon(*arguments: str, **environment: str) -> Iterator[Daemon]:
    """One on a simulated air of its own and a free port, its network up."""
    process = subprocess.Popen(
        [*PROGRAM, "--profile", "zb3", "--http", "127.0.0.1:0", "--json", "--seed", "1", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip
    running = Daemon(process=process)
    reader = Thread(target=running.listen, daemon=True)
    reader.start()
    try:
        running.url = str(running.until("http")["listens"]).rstrip("/")
        running.until("network")
        yield running
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()
            reader.join(DEADLINE)
            assert process.stderr is not None
            process.stderr.close()
