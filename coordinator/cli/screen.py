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

from coordinator.daemon import Begun, Order
from coordinator.evidence import render
from coordinator.evidence.events import Events
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.radio.simulated import KIND as SIMULATED
from coordinator.types import SECOND, Duration, Instant, hex16

LABEL = 13
SIMULATED_BANNER = (
    "SIMULATED RADIO: nothing is on the air; the device under test is simulated too.\n"
    "Every result below is stamped radio: sim."
)


def behaviours_of(order: Order) -> str:
    """The behaviours of the profile in a line."""
    return ", ".join(behaviour.name for behaviour in order.profile.behaviours) or "none: compliant"


class TerminalReporter:
    """Shows the live ladder on a terminal, or as plain lines where stdout is none."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._console = Console(file=out or sys.stdout, highlight=False, soft_wrap=False)
        self._rich = self._console.is_terminal and self._console.encoding.startswith("utf")
        self._radio = SIMULATED
        self._status: Status | None = None

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
        permit = order.setting.permit // SECOND
        for label, text in (
            ("profile", f"{order.profile.name}: {order.profile.title}"),
            ("behaviours", behaviours_of(order)),
            (
                "network",
                f"channel {network.channel}, PAN {hex16(network.pan_id)}, "
                f"extended PAN {network.extended_pan_id}",
            ),
            ("trust center", f"{run.trust_center}, joining open for {permit} s"),
            ("joiner", f"{order.joiner.name}: {order.joiner.title}"),
            ("window", f"{order.observe / SECOND:g} s after the association request; seed {order.seed}"),
        ):
            self._labelled(label, text)
        self._plain("")
        self._show(render.heading(self._width), render.plain_heading(self._width))

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
        """One rung."""
        self._show(render.rung(row, self._width), render.plain_rung(row, self._width))

    def waiting(self, left: Duration, observing: bool) -> None:
        """A line at the bottom of a terminal that says what is being waited for; nothing in a log."""
        if not self._rich:
            return
        what = "watching until the window closes" if observing else "joining is open, nobody has asked yet"
        text = f"{what}: {max(0, left) // SECOND} s left"
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        else:
            self._status.update(text)

    def verdict(self, verdict: Verdict, _line: Mapping[str, object]) -> None:
        """The verdict block."""
        self.close()
        self._plain("")
        self._show(
            render.outcome(verdict, self._radio, self._width),
            render.plain_outcome(verdict, self._radio, self._width),
        )

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
                "profile": order.profile.name,
                "behaviours": [behaviour.name for behaviour in order.profile.behaviours],
                "joiner": order.joiner.name,
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

    def waiting(self, left: Duration, observing: bool) -> None:
        """Programs have clocks."""

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """The verdict."""
        self._write(verdict.closed, {"kind": "verdict", **line})

    def close(self) -> None:
        """Every line was flushed."""

    def _write(self, at: Instant, value: dict[str, object]) -> None:
        times = {"t_mono_us": at, "t_utc": self._clock.utc(at)}
        print(json.dumps({**times, **value}), file=self._out, flush=True)
