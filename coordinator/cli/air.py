"""Hosts an air for other processes, and says who comes and goes."""

from __future__ import annotations

import asyncio
import json as json_format
import secrets
import sys
from pathlib import Path
from typing import TextIO

import typer

from coordinator.cli import exits, options
from coordinator.cli.ordering import LARGEST_RANDOM_SEED
from coordinator.evidence.events import Events
from coordinator.radio.air.hub import Attendance
from coordinator.radio.air.url import AirUrl
from coordinator.radio.simulated import KIND
from coordinator.runtime import hosting
from coordinator.types import SECOND, Instant


class TextAudience:
    """A line each, with the seconds of the air's clock."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def opened(self, url: AirUrl, _utc_at_zero: int) -> None:
        """Where it is."""
        self._print(f"SIMULATED AIR at {url}: nothing is on the real air. Ctrl-C ends it.")

    def attended(self, note: Attendance) -> None:
        """Who comes and goes."""
        what = "came" if note.present else f"left: {note.reason}"
        self._print(f"{note.at / SECOND:12.6f}  {note.name} {what}")

    def ended(self, ending: hosting.Ending) -> None:
        """What was wrong, if anything."""
        if ending.ignored:
            self._print(f"{ending.ignored} datagrams were ignored: not of a guest of this air")

    def _print(self, text: str) -> None:
        print(text, file=self._out, flush=True)


class JsonAudience:
    """JSON Lines: ``opened``, ``came`` and ``left``, ``ended``."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._clock = Events(utc_at_zero=0)

    def opened(self, url: AirUrl, utc_at_zero: int) -> None:
        """Where it is."""
        self._clock = Events(utc_at_zero=utc_at_zero)
        self._write({**self._times(Instant(0)), "kind": "opened", "air": str(url), "radio": KIND})

    def attended(self, note: Attendance) -> None:
        """Who comes and goes."""
        line = {**self._times(note.at), "kind": "came" if note.present else "left", "name": note.name}
        self._write(line if note.present else {**line, "reason": note.reason})

    def ended(self, ending: hosting.Ending) -> None:
        """What was wrong, if anything."""
        self._write({"kind": "ended", "ignored_datagrams": ending.ignored, "missed": ending.missed})

    def _times(self, at: Instant) -> dict[str, object]:
        return {"t_mono_us": at, "t_utc": self._clock.utc(at)}

    def _write(self, value: dict[str, object]) -> None:
        print(json_format.dumps(value), file=self._out, flush=True)


def run(
    listen: str,
    *,
    capture: Path | None = None,
    limit: float | None = None,
    seed: int | None = None,
    json: bool = False,
) -> int:
    """Host the air until told to end; return the exit code."""
    order = hosting.Order(
        url=options.parse_air(listen, "--listen", any_port=True),
        seed=secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed,
        capture=capture,
        limit=None if limit is None else options.seconds(limit),
    )
    audience = JsonAudience() if json else TextAudience()
    ending = asyncio.run(hosting.serve(order, audience))
    audience.ended(ending)
    if ending.missed:
        typer.echo(f"legacy-tc: {ending.missed}", err=True)
        return exits.INCONCLUSIVE
    return exits.PASS if ending.signal is None else exits.SIGNAL + ending.signal
