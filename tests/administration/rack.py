"""A Trust Center that is told things while joiners come and go, in virtual time, with a capture of it all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from coordinator import trace
from coordinator.composition import TRUST_CENTER_NAME, JoinerNode, Setting, TrustCenterNode
from coordinator.entropy import SeededEntropy
from coordinator.evidence.ladder import Ladder
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.rungs import Row
from coordinator.evidence.witness import Witness
from coordinator.profiles import joiners, load
from coordinator.recording import Files, Recording
from coordinator.scenario import make_joiner, power_on
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.types import SECOND, Instant
from tests.end_to_end import wireshark

T = TypeVar("T")
RecordType = TypeVar("RecordType", bound=trace.Record)


class Rack:
    """Powered from the start. `wait` lets time pass, `tell` has the coordinator do something now."""

    def __init__(self, profile: str = "zb3", *, seed: int = 1, capture: Path | None = None) -> None:
        self.entropy = SeededEntropy(seed)
        self.world = World(self.entropy.stream("world"))
        self.medium = Medium(self.world)
        self.records: list[trace.Record] = []
        self.rows: list[Row] = []
        self.witness = Witness()
        self._ladder = Ladder()
        self._capture = capture
        files = Files(capture=capture, utc_at_zero=0, radio="sim")
        self._recording = Recording(files, TRUST_CENTER_NAME, self.witness.miss).__enter__()
        self.medium.observe(self._recording.hear)
        self.setting = Setting(permit=3600 * SECOND)
        self.center = TrustCenterNode(
            load.load(profile), self.setting, self.entropy.stream(TRUST_CENTER_NAME), self._note
        )
        radio = SimulatedRadio(self.world, self.medium, TRUST_CENTER_NAME)
        self._driver = Driver(self.world, radio, self.center.host)
        self._turns = 0
        self._drivers: dict[JoinerNode, Driver] = {}
        self.tell(self.center.start)

    def _note(self, record: trace.Record) -> None:
        self.records.append(record)
        self.witness.note(record)
        self.rows.extend(self._ladder.note(record))
        self._recording.note(record)

    def wait(self, seconds: float) -> None:
        self.world.run_until(Instant(self.world.now + round(seconds * SECOND)))

    def tell(self, act: Callable[[Instant], T]) -> T:
        done = act(self.world.now)
        self._driver.settle()
        return done

    def power(self, model: str = "zboss-r22", number: int | None = None) -> tuple[JoinerNode, Driver]:
        """Power the next device, or device `number` out of the box."""
        turn = self._turns if number is None else number
        name, joiner = make_joiner(joiners.load(model), self.entropy, turn, self.setting)
        self._turns = max(self._turns, turn + 1)
        driver = self._drivers[joiner] = power_on(joiner, name, self.world, self.medium)
        return joiner, driver

    def join(
        self, model: str = "zboss-r22", seconds: float = 6, number: int | None = None
    ) -> tuple[JoinerNode, Driver]:
        """Power a device and wait until it has joined."""
        joiner, driver = self.power(model, number)
        self.wait(seconds)
        return joiner, driver

    def again(self, joiner: JoinerNode, name: str) -> Driver:
        """Power a device once more that kept everything it knew."""
        driver = Driver(self.world, SimulatedRadio(self.world, self.medium, name), joiner.host)
        self._drivers[joiner] = driver
        joiner.host.mac.retune()
        driver.settle()
        return driver

    def nudge(self, joiner: JoinerNode) -> None:
        """Have a device do what it was told from outside."""
        self._drivers[joiner].settle()

    def close(self) -> tuple[Row, ...]:
        """What the ladder still expected."""
        return self._ladder.close(self.world.now)

    def verdict(self) -> Verdict:
        return self.witness.close(self.world.now)

    def noted(self, kind: type[RecordType]) -> list[RecordType]:
        return [record for record in self.records if isinstance(record, kind)]

    def deviations(self) -> list[trace.Deviated]:
        return self.noted(trace.Deviated)

    def findings(self) -> list[str]:
        return [record.summary for record in self.noted(trace.Finding)]

    def forget(self) -> None:
        """What happened until now is not looked at."""
        self.records.clear()
        self.rows.clear()

    def read(self) -> list[wireshark.Frame]:
        """What tshark reads of the frames that were on the air; nothing can be captured any more."""
        assert self._capture is not None
        self._recording.__exit__(None, None, None)
        return wireshark.on_air(wireshark.read(self._capture))


def unread(frames: list[wireshark.Frame]) -> list[wireshark.Frame]:
    """The frames that tshark finds malformed or cannot decrypt."""
    faults = (*wireshark.MALFORMED, *wireshark.UNDECRYPTED)
    return [frame for frame in frames if any(fault in frame for fault in faults)]


def told(rows: list[Row]) -> list[str]:
    """The ladder in short."""
    return [f"{row.what}{f' ({row.note})' if row.note else ''}" for row in rows]
