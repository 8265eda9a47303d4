"""Gives verdicts: watches each device for its window, closes windows when they are due or must be."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping

from coordinator import trace
from coordinator.composition import JoinerNode
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import Outcome, Verdict
from coordinator.evidence.witness import Witness
from coordinator.joiner.model import JoinerModel
from coordinator.primitives import mlme
from coordinator.runtime.evidence_files import EvidenceFiles
from coordinator.runtime.order import Order, Reporter
from coordinator.runtime.relay import Relay
from coordinator.runtime.windows import Windows
from coordinator.scenario import verdict_line, weakest_basis
from coordinator.types import Duration, Eui64, Instant

SWITCHES_KEPT = 64
"""Switches that a verdict names at most, the latest ones."""
POWERED_KEPT = 64
"""Simulated devices that are remembered for the basis of their verdicts; the first one goes first."""


class Judge:
    """Feed it the records (`note`); it tells the reporter. `judged`: a verdict was given."""

    def __init__(
        self, order: Order, reporter: Reporter, files: Callable[[], EvidenceFiles], relay: Relay, radio: str
    ) -> None:
        self._order = order
        self._reporter = reporter
        self._files = files
        self._relay = relay
        self._radio = radio
        self._ladder = Ladder()
        self._powered: OrderedDict[Eui64, tuple[JoinerNode, JoinerModel]] = OrderedDict()
        self._profile = order.begins_with.profile.name
        self._switches: list[trace.Switched] = []
        self._began_as: dict[Eui64, str] = {}
        self.witness = Witness(expect=order.expect)
        self.windows = Windows(order.observe)
        self.judged = False

    def expect(self, outcomes: frozenset[Outcome], observe: Duration) -> None:
        """From now on these pass, and windows that open last this long."""
        self.witness.expect(outcomes)
        self.windows.observe = observe

    def powered(self, joiner: JoinerNode, model: JoinerModel) -> None:
        """A simulated device was powered on: its model is the basis of its verdict."""
        self._powered[joiner.host.eui64] = (joiner, model)
        if len(self._powered) > POWERED_KEPT:
            self._powered.popitem(last=False)

    def note(self, record: trace.Record) -> None:
        """Take one of the Trust Center's records."""
        self.witness.note(record)
        self.windows.note(record)
        if isinstance(record, trace.Switched):
            self._profile = record.profile
            self._switches = [*self._switches[1 - SWITCHES_KEPT :], record]
        elif isinstance(record, trace.Indicated) and isinstance(record.indication, mlme.AssociateIndication):
            self._began_as.setdefault(record.indication.device, self._profile)
        for row in self._ladder.note(record):
            self._reporter.row(row)

    def due(self) -> Instant | None:
        """When the next window closes."""
        return min(self.windows.closing.values(), default=None)

    def whose(self, closes: Instant) -> Eui64 | None:
        """The device whose window closes then."""
        return next((each for each, at in self.windows.closing.items() if at == closes), None)

    def interrupt(self, why: str, at: Instant, *, ended_count: bool = False) -> tuple[Verdict, ...]:
        """What is under observation ends unfinished: inconclusive, and that is its verdict.

        With `ended_count` a device that has left by then gets the verdict that it earned.
        """
        self._relay.settle()
        verdicts = []
        for device in tuple(self.windows.closing):
            if not (ended_count and self.witness.over(device)):
                self.witness.interrupt_one(device, why)
            verdicts.append(self.judge(device, at))
        return tuple(verdicts)

    def judge(self, device: Eui64 | None, at: Instant) -> Verdict:
        """Close one device's window, or that in which nobody came. All evidence is in, and on the disk."""
        self._relay.settle()
        if self._relay.error is not None:
            self.witness.miss(f"internal error: {self._relay.error!r}")
        for row in self._ladder.close(at):
            self._reporter.row(row)
        self._files().drain()
        for reason in self._files().failed:
            self.witness.interrupt(reason)
        if device is None:
            verdict = self.witness.close(at)
        else:
            verdict = self.witness.verdict(device, at)
            del self.windows.closing[device]
            self.witness.forget(device)
            self._ladder.forget(device)
        self.judged = True
        self._give(verdict, device)
        return verdict

    def _give(self, verdict: Verdict, device: Eui64 | None) -> None:
        line = self._line(verdict, device)
        self._files().verdict(verdict.closed, line)
        self._reporter.verdict(verdict, line)
        self._files().flush()

    def _line(self, verdict: Verdict, device: Eui64 | None) -> Mapping[str, object]:
        order = self._order
        joiner, model = self._powered.get(device, (None, None)) if device is not None else (None, None)
        named = model or order.joiner
        line: dict[str, object] = verdict_line(
            verdict,
            profile=self._profile if device is None else self._began_as.pop(device, self._profile),
            joiner=None if named is None else named.name,
            seed=order.seed,
            radio=self._radio,
            joiner_basis=weakest_basis([joiner], [model]) if joiner and model else None,
        )
        attempts = verdict.attempts
        began = min((attempt.started for attempt in attempts), default=verdict.closed)
        switches = [each for each in self._switches if each.at >= began]
        if switches:
            # As all times of a verdict: since the last attempt had its address, if it ever had one.
            zero = next((each.associated for each in attempts[-1:] if each.associated is not None), began)
            line["switches"] = [
                {
                    "seconds": round((each.at - zero) / 1_000_000, 6),
                    "generation": each.generation,
                    "profile": each.profile,
                    "change": each.change,
                }
                for each in switches
            ]
        return line
