"""Runs and their verdicts: who asked for what, how each join ended, the latest ones kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from coordinator.evidence.outcome import Outcome
from coordinator.types import Duration

RUNS_KEPT = 64
VERDICTS_KEPT = 64
"""Of each run, and outside any; the latest ones."""

Line = Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Run:
    """One run. `ends` is the handle of its time to live."""

    label: str
    started: str
    on_disconnect: str = "continue"
    ended: str | None = None
    why: str = ""
    capture: str | None = None
    ends: asyncio.TimerHandle | None = None
    expect: frozenset[Outcome] | None = None
    """Outcomes that are a pass; None: those of the bench."""
    observe: Duration | None = None
    doomed: tuple[str, str] | None = None
    """How and why it ends as soon as there is a network again."""
    verdicts: deque[Line] = field(default_factory=lambda: deque(maxlen=VERDICTS_KEPT))


class Runs:
    """The run that is under way, those before it, and whoever waits for a verdict."""

    def __init__(self) -> None:
        self.present: Run | None = None
        self._earlier: OrderedDict[str, Run] = OrderedDict()
        self._verdicts: deque[Line] = deque(maxlen=VERDICTS_KEPT)
        self._came = asyncio.Event()

    @property
    def labels(self) -> tuple[str, ...]:
        """The runs that are known, by name."""
        return (*self._earlier, *(() if self.present is None else (self.present.label,)))

    def find(self, label: str) -> Run | None:
        """The run of this name, the latest if there were several."""
        if self.present is not None and self.present.label == label:
            return self.present
        return self._earlier.get(label)

    def begin(self, run: Run) -> None:
        """A run begins; there is no other."""
        self.present = run

    def end(self, ended: str, why: str) -> Run | None:
        """The run ends."""
        run, self.present = self.present, None
        if run is None:
            return None
        run.ended, run.why = ended, why
        if run.ends is not None:
            run.ends.cancel()
        self._earlier[run.label] = run
        self._earlier.move_to_end(run.label)
        if len(self._earlier) > RUNS_KEPT:
            self._earlier.popitem(last=False)
        self._tell()
        return run

    def verdict(self, line: Line) -> None:
        """A verdict was given; `seq` is the number of its event."""
        self._verdicts.append(line)
        if self.present is not None:
            self.present.verdicts.append(line)
        self._tell()

    def sought(self, run: Run | None, device: str | None, after: int | None) -> Line | None:
        """The last verdict, of this run, of this device; the first of them that came after an event."""
        verdicts = self._verdicts if run is None else run.verdicts
        fitting = (each for each in reversed(verdicts) if device in (None, each.get("device")))
        if after is None:
            return next(fitting, None)
        later = [each for each in fitting if int(str(each["seq"])) > after]
        return later[-1] if later else None

    async def news(self) -> None:
        """Until one more verdict is given, or the run has ended."""
        await self._came.wait()

    def _tell(self) -> None:
        came, self._came = self._came, asyncio.Event()
        came.set()
