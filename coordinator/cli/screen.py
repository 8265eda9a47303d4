"""What a run looks like: on a terminal, in a log, or as JSON Lines."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.panel import Panel
from rich.status import Status
from rich.text import Text

from coordinator import trace
from coordinator.daemon import Begun, Order
from coordinator.evidence import render
from coordinator.evidence.events import Events
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.radio.simulated import KIND as SIMULATED
from coordinator.types import SECOND, Duration, Eui64, Instant, hex16

LABEL = 13
SIMULATED_BANNER = (
    "SIMULATED RADIO: nothing is on the air; the device under test is simulated too.\n"
    "Every result below is stamped radio: sim."
)


CLOSED = "joining is closed"


def _window(run: Begun) -> str:
    order = run.order
    own = ", or the run's own" if run.steered else ""
    seed = "" if order.seed is None else f"; seed {order.seed}"
    return f"{order.observe / SECOND:g} s after the association request{own}{seed}"


def behaviours_of(order: Order) -> str:
    """The behaviours that are in force from the beginning, in a line."""
    return ", ".join(behaviour.name for behaviour in order.begins_with.behaviours) or "none: compliant"


class TerminalReporter:
    """Shows the live ladder on a terminal, or as plain lines where stdout is none."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._console = Console(file=out or sys.stdout, highlight=False, soft_wrap=False)
        self._rich = self._console.is_terminal and self._console.encoding.startswith("utf")
        self._radio = SIMULATED
        self._status: Status | None = None
        self._told_closed = False
        self._told_of_radio: set[tuple[trace.RadioState, str]] = set()
        self._device: Eui64 | None = None

    @property
    def _width(self) -> int:
        return min(self._console.width, 120)

    def started(self, run: Begun) -> None:
        """Banner, what runs, column titles."""
        order, network = run.order, run.network
        self._radio = run.radio
        if run.radio == SIMULATED:
            if self._rich:
                banner = Panel(Text(SIMULATED_BANNER), style="bold black on yellow", width=self._width)
                self._console.print(banner)
            else:
                rule = "=" * min(78, self._width)
                self._plain(rule)
                for line in SIMULATED_BANNER.splitlines():
                    self._plain("\n".join(textwrap.wrap(line, max(self._width, 20))))
                self._plain(rule)
        profile, permit = order.begins_with.profile, order.setting.permit // SECOND
        self._told_closed = not permit
        for label, text in (
            ("profile", f"{profile.name}: {profile.title}"),
            ("behaviours", behaviours_of(order)),
            (
                "network",
                f"channel {network.channel}, PAN {hex16(network.pan_id)}, "
                f"extended PAN {network.extended_pan_id}",
            ),
            (
                "trust center",
                f"{run.trust_center}, " + (f"joining open for {permit} s" if permit else CLOSED),
            ),
            *self._of_the_radio(run),
            ("window", _window(run)),
        ):
            self._labelled(label, text)
        self._plain("")
        self._show(render.heading(self._width), render.plain_heading(self._width))

    def _of_the_radio(self, run: Begun) -> list[tuple[str, str]]:
        """What is on the air: a simulated joiner, or whoever comes to a radio that is a thing."""
        lines = []
        if run.report is not None:
            report = run.report
            power = "" if report.tx_power is None else f", {report.tx_power} dBm"
            lines.append(("radio", f"{report.line}: {report.firmware}{power}"))
            allowed = run.order.setting.allowed
            named = "ANY JOINER IS SERVED" if allowed is None else ", ".join(sorted(map(str, allowed)))
            who = named or "nobody: --allow EUI64 or --any-joiner, with --permit-join, opens it"
            lines.append(("allowed", who))
        if run.order.joiner is not None:
            lines.append(("joiner", f"{run.order.joiner.name}: {run.order.joiner.title}"))
        return lines

    def radio(self, change: trace.RadioChanged) -> None:
        """A radio that came, went, restarted or missed something, across the ladder."""
        said = (change.state, "" if change.state is trace.RadioState.RECOVERING else change.reason)
        if change.state is trace.RadioState.UP:
            self._told_of_radio.clear()
        elif said in self._told_of_radio:
            return  # once an outage is enough
        self._told_of_radio.add(said)
        only_missed = change.missed and change.state is trace.RadioState.UP
        word = "MISSED" if only_missed else change.state.value.upper()
        self._plain(f"radio        {word}: {change.reason}")

    def _labelled(self, label: str, text: str) -> None:
        """One fact: on a terminal wrapped beside its label, or below where that is too narrow."""
        width = self._width
        if not self._console.is_terminal or len(text) + LABEL <= width:
            self._plain(f"{label:{LABEL}}{text}")
            return
        margin = LABEL if width >= render.NARROWEST else 2
        first = f"{label:{LABEL}}" if margin == LABEL else f"{label}\n  "
        lines = textwrap.wrap(text, max(width - margin, 10), break_on_hyphens=False)
        self._plain(first + f"\n{'':{margin}}".join(lines))

    def row(self, row: Row) -> None:
        """One rung, and whose it is where that is another device than before."""
        if row.device is not None and row.device != self._device:
            if self._device is not None:
                self._plain(f"-- device {row.device}")
            self._device = row.device
        self._show(render.rung(row, self._width), render.plain_rung(row, self._width))

    def waiting(self, left: Duration | None, observing: bool) -> None:
        """What is being waited for, at the bottom of a terminal; in a log only that joining has closed."""
        if left is None and not self._told_closed:
            self._told_closed = True
            self._plain(f"{CLOSED}; Ctrl-C ends it")
        if not self._rich:
            return
        if left is None:
            text = f"{CLOSED}; listening, Ctrl-C ends it"
        else:
            what = "watching until the window closes" if observing else "joining is open; Ctrl-C ends it"
            text = f"{what}: {max(0, left) // SECOND} s left"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """The verdict block, and where the Trust Center was made another in it."""
        self.close()
        self._plain("")
        self._show(
            render.outcome(verdict, self._radio, self._width),
            render.plain_outcome(verdict, self._radio, self._width),
        )
        switches = line.get("switches")
        for each in switches if isinstance(switches, list) else ():
            what = f"{each['seconds']:+.3f} s  generation {each['generation']}: {each['change']}"
            self._labelled("switched", what)

    def close(self) -> None:
        """Give the terminal back: what waited at its bottom is gone, the cursor is there again."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _show(self, rich: Text, plain: str) -> None:
        if self._rich:
            self._console.print(rich)
        else:
            self._plain(plain)

    def _plain(self, text: str) -> None:
        if self._rich:
            self._console.print(Text(text), soft_wrap=True)
        else:
            print(text, file=self._console.file, flush=True)


class JsonReporter:
    """JSON Lines on stdout: ``started``, a ``step`` a rung, a ``verdict`` a window, each with both times."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._clock = Events(utc_at_zero=0)

    def started(self, run: Begun) -> None:
        """What runs."""
        order, network = run.order, run.network
        self._clock = Events(utc_at_zero=run.utc_at_zero)
        self._write(
            Instant(0),
            {
                "kind": "started",
                "profile": order.begins_with.profile.name,
                "behaviours": [behaviour.name for behaviour in order.begins_with.behaviours],
                "joiner": None if order.joiner is None else order.joiner.name,
                "seed": order.seed,
                "radio": run.radio,
                "channel": network.channel,
                "pan_id": hex16(network.pan_id),
                "extended_pan_id": str(network.extended_pan_id),
                "trust_center": str(run.trust_center),
            },
        )

    def row(self, row: Row) -> None:
        """One rung."""
        self._write(
            row.at,
            {
                "kind": "step",
                "device": None if row.device is None else str(row.device),
                "direction": row.direction.value,
                "what": row.what,
                "key": row.key,
                "since_association_us": row.since,
                "deviations": list(row.deviations),
                "note": row.note,
                "expected_but_missing": row.ghost,
            },
        )

    def radio(self, change: trace.RadioChanged) -> None:
        """A radio that came, went, restarted or missed something."""
        what = {"state": change.state.value, "reason": change.reason, "missed": change.missed}
        self._write(change.at, {"kind": "radio", **what})

    def waiting(self, left: Duration | None, observing: bool) -> None:
        """Programs have clocks."""

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """The verdict."""
        self._write(verdict.closed, {"kind": "verdict", **line})

    def close(self) -> None:
        """Every line was flushed."""

    def _write(self, at: Instant, value: dict[str, object]) -> None:
        times = {"t_mono_us": at, "t_utc": self._clock.utc(at)}
        print(json.dumps({**times, **value}), file=self._out, flush=True)
