"""Fault 36: no file descriptor is free. What needs one fails and says so; the run goes on, and recovers."""

from __future__ import annotations

import http.client
import json
import os
import resource
from pathlib import Path

import pytest

from tests.faults.host.daemon import DEADLINE, Daemon, Json, daemon

pytestmark = pytest.mark.real_time


def squeeze(running: Daemon) -> tuple[int, int]:
    """From now on the process gets no further descriptor; return what it was allowed before."""
    pid = running.process.pid
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    free = next(number for number in range(len(used) + 1) if number not in used)
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, before[1]))
    return before


def test_without_a_descriptor_the_run_goes_on_what_needs_one_says_so_and_it_recovers(tmp_path: Path) -> None:
    with daemon(LEGACY_TC__EVIDENCE__FOLDER=str(tmp_path)) as running:
        address = running.url.removeprefix("http://")
        line = http.client.HTTPConnection(address, timeout=DEADLINE)

        def ask(verb: str, **request: object) -> Json:
            """Over the one connection that is there already."""
            line.request("POST", f"/api/v1/{verb}", json.dumps(request), {"Content-Type": "application/json"})
            told: Json = json.loads(line.getresponse().read())
            return told

        assert ask("run/start", run="one", permit_join=60, observe=2)["status"] == "ok"
        assert ask("joiner/power", joiner="zboss-r22")["status"] == "ok"
        before = squeeze(running)
        refused = ask("capture/start", file="one")
        assert refused["error"]["code"] == "refused"  # type: ignore[index]
        assert "one.pcapng: cannot be written: Too many open files" in str(refused["error"])
        with pytest.raises(TimeoutError):
            running.asked("health", 0.5, {})
        said = running.until("out-of-resources")
        assert said["level"] == "warning"
        assert "Too many open files" in str(said["reason"])
        unread = ask("joiner/power", joiner="telink")  # its file cannot be opened
        assert unread["error"]["code"] == "busy"  # type: ignore[index]
        assert "Too many open files" in str(unread["error"])
        verdict = ask("verdict/get", run="one", wait=DEADLINE / 2)["data"]
        assert (verdict["verdict"], verdict["incomplete"]) == ("pass", [])  # type: ignore[index]

        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, before)
        assert running.done("health", timeout=3)["ok"] is True
        assert ask("capture/start", file="one")["status"] == "ok"
        assert ask("capture/stop")["status"] == "ok"
        line.close()
    assert running.process.returncode == 143
    assert running.other == []
    assert running.said("internal-error") is None
    assert len([line for line in running.log if line["event"] == "out-of-resources"]) < 30
