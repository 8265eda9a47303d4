"""What is logged at each level: a frame in hundreds a second only to whoever asked for everything."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from coordinator.control.feed import Event
from coordinator.daemon.control import Level, LogSettings
from coordinator.daemon.log import Log

KINDS = {"frame": "debug", "standing": "debug", "join-step": "info", "turned-away": "warning"}
LEVELS: tuple[Level, ...] = get_args(Level)


@pytest.mark.parametrize("level", LEVELS)
def test_an_event_is_logged_from_its_level_on(level: Level, capfd: pytest.CaptureFixture[str]) -> None:
    with Log(LogSettings(level=level, form="json")) as log:
        for number, kind in enumerate(KINDS, 1):
            log.event(Event(seq=number, kind=kind, body={"seq": number, "kind": kind, "gen": 1}))
        log.broken(RuntimeError("ours"))
    logged = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    wanted = {kind: of for kind, of in KINDS.items() if LEVELS.index(of) >= LEVELS.index(level)}
    assert {line["event"]: line["level"] for line in logged} == {**wanted, "internal-error": "error"}
