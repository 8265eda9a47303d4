"""How many events a second reach the broker from a bench that is steered meanwhile.

The bench is the daemon's (`benchmarks.rack`), its events come whether or not there is room for them, and a
command is given all the time: profiles switched, behaviours and faults put in and taken out. A rate is held
when no event is dropped and all come, at the end not more late than at the beginning: no queue fills up.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import mosquitto
from benchmarks.control import at
from benchmarks.measurement import Effort, Measurement
from benchmarks.onlookers import Taken, steersman, taken, taking
from benchmarks.rack import OUTBOX, rack

AIM = 5_000
RUNGS = (500, 1_000, 2_000, 3_000, 4_000, AIM, 6_000, 7_000, 8_000, 10_000)
COMMANDS_A_SECOND = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One rate that was tried."""

    rate: int
    taken: Taken
    answers: list[float]
    switches: int
    refused: int

    def measurements(self) -> list[Measurement]:
        """What was seen at this rate."""
        taken, seconds, name = self.taken, self.taken.milled.seconds, f"events at {self.rate:,}/s"
        offered = (
            f"{taken.offered:,.0f}/s offered with those of the commands, for {seconds:.1f} s, QoS 1; "
            f"{taken.in_all:,} of {taken.due:,} came; host load {os.getloadavg()[0]:.2f}"
        )
        given = f"one by one, {self.switches} of {len(self.answers)} a new generation, {self.refused} refused"
        rows = (
            ("reached the broker", taken.rate, "/s", offered),
            ("dropped", taken.dropped, "events", f"of an outbox of {OUTBOX:,}"),
            ("commands", len(self.answers) / seconds, "/s", given),
            ("command to answer, p50", at(self.answers, 0.5), "ms", ""),
            ("command to answer, p99", at(self.answers, 0.99), "ms", ""),
        )
        return [
            Measurement(name=f"{name}: {what}", value=value, unit=unit, conditions=conditions)
            for what, value, unit, conditions in rows
        ]


def measure(effort: Effort) -> list[Measurement]:
    """The aim, and what is held."""
    seconds = 5.0 if effort.span >= 0.1 else 1.0
    tried, held = asyncio.run(climb(seconds))
    aimed = tried[0].measurements()
    conditions = (
        f"aim {AIM:,}; no event dropped or late, while commands are carried out; tried: "
        f"{', '.join(f'{rung.rate:,}' for rung in tried)}; host load {os.getloadavg()[0]:.2f}"
    )
    best = [rung for rung in tried[1:] if rung.rate == held]
    return [
        Measurement(name="events held", value=held, unit="/s", conditions=conditions),
        *aimed,
        *(row for rung in best for row in rung.measurements()),
    ]


async def climb(seconds: float, rungs: Sequence[int] = RUNGS) -> tuple[list[Rung], int]:
    """Try the aim, or the middle of the rungs; from there up for as long as they are held, or down until one
    is. Return what was tried, and the highest rate that was held, or 0.
    """
    middle = rungs.index(AIM) if AIM in rungs else len(rungs) // 2
    tried = [await hold(rungs[middle], seconds)]
    upwards = tried[0].taken.held
    for rate in rungs[middle + 1 :] if upwards else reversed(rungs[:middle]):
        tried.append(await hold(rate, seconds))
        if tried[-1].taken.held is not upwards:
            break
    return tried, max((rung.rate for rung in tried if rung.taken.held), default=0)


async def hold(rate: int, seconds: float, *more: str) -> Rung:
    """Run a bench whose mill makes events at a rate for so long, and steer it meanwhile. Nobody was on its
    broker before.
    """
    stopped = asyncio.Event()
    with mosquitto() as broker, tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events"
        async with (
            rack(broker, rate, *more) as bench,
            steersman(broker) as asking,
            taking(broker, events),
        ):
            bench.go()
            asyncio.get_running_loop().call_later(seconds, stopped.set)
            await asking.steer(COMMANDS_A_SECOND, stopped)
            milled = await bench.stop()
            answers, switches, refused = list(asking.answers), asking.switches, asking.refused
            await asking.drained(events, milled)
        found = taken(events, milled)
    return Rung(rate=rate, taken=found, answers=answers, switches=switches, refused=refused)
