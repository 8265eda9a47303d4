"""Tells the feed what happens: a `Reporter` that passes everything on, and a sink for the records."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from coordinator import trace
from coordinator.control.bench.bench import Bench
from coordinator.evidence.comments import explain_deviation
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.redaction import blank, conceal, obliterate, redact
from coordinator.evidence.rungs import Direction, Row
from coordinator.primitives import apsme, nlme
from coordinator.runtime.order import Begun, Reporter
from coordinator.stack import frame_fault, shaping
from coordinator.stack.host import HostStack
from coordinator.switching.effect import Effect
from coordinator.trace import RadioState
from coordinator.types import Duration, Instant, Key, hex16

RADIO = {
    RadioState.UP: "ok",
    RadioState.RECOVERING: "recovering",
    RadioState.STARTING: "recovering",
    RadioState.LOST: "lost",
    RadioState.ABSENT: "lost",
}
"""How it stands with the radio, in the three words that readers are told."""

TRANSPORTS = 1024
"""Transport-Keys without NWK security that are remembered: a fault may damage, and repeat, their frames."""

_DIRECTIONS = {
    Direction.TO_JOINER: "to-joiner",
    Direction.FROM_JOINER: "from-joiner",
    Direction.HERE: "here",
}


class Herald:
    """Implements `Reporter`, in front of the one that people look at."""

    def __init__(self, bench: Bench, people: Reporter) -> None:
        self._bench = bench
        self._people = people
        self._host: HostStack | None = None
        self._frames = 0
        self._transports: deque[int] = deque(maxlen=TRANSPORTS)
        self.dropped = 0
        """Frames that a layer would not act on."""
        self.judged: Callable[[str, str], None] = lambda _profile, _verdict: None
        """Hears of each verdict: under which profile, and how it was."""
        self.turned: Callable[[RadioState], None] = lambda _state: None
        """Hears how it stands with the radio, at each change."""
        self._effects: dict[int, Effect] = {}
        self._methods: dict[type, Callable[..., None]] = {
            trace.Switched: self._switched,
            trace.StandingChanged: self._standing,
            trace.Deviated: self._deviated,
            trace.Finding: self._finding,
            trace.TurnedAway: self._turned_away,
            trace.Indicated: self._indicated,
            trace.Requested: self._requested,
            trace.Sent: self._sent,
            trace.FaultSpent: self._fault_spent,
            trace.Dropped: self._dropped,
        }
        if bench.options.frames:
            self._methods[trace.Heard] = self._heard

    def begin(self, host: HostStack) -> None:
        """Another session: its frames are counted from 1, as its answers do."""
        self._host = host
        self._frames = 0
        self._effects.clear()
        self._transports.clear()

    # --- Reporter -----------------------------------------------------------------------------------

    def started(self, run: Begun) -> None:
        """The network is up."""
        network = run.network
        self._bench.feed.publish(
            "network",
            {
                "channel": int(network.channel),
                "pan_id": hex16(network.pan_id),
                "extended_pan_id": str(network.extended_pan_id),
            },
        )
        self._people.started(replace(run, steered=True))

    def row(self, row: Row) -> None:
        """One step of a join."""
        self._publish(
            "join-step",
            row.at,
            device=None if row.device is None else str(row.device),
            direction=_DIRECTIONS[row.direction],
            what=row.what,
            key=row.key,
            since_association_s=None if row.since is None else row.since / 1_000_000,
            note=row.note,
            ghost=row.ghost,
            deviations=list(row.deviations),
            frame=self._frames or None,
        )
        self._people.row(row)

    def radio(self, change: trace.RadioChanged) -> None:
        """The radio came, went or restarted."""
        self._publish(
            "radio", change.at, state=RADIO[change.state], reason=change.reason, missed=change.missed
        )
        self._bench.refresh()
        self.turned(change.state)
        self._people.radio(change)

    def waiting(self, left: Duration | None, observing: bool) -> None:
        """Nothing happens."""
        self._people.waiting(left, observing)

    def verdict(self, verdict: Verdict, line: Mapping[str, object]) -> None:
        """A window closed."""
        run = self._bench.runs.present
        told = {**line, "run": None if run is None else run.label}
        event = self._bench.feed.publish(
            "verdict", {key: value for key, value in line.items() if key != "run"}
        )
        self._bench.runs.verdict({**told, "seq": event.seq})
        self.judged(str(line["profile"]), verdict.verdict.value)
        self._people.verdict(verdict, line)

    # --- the records --------------------------------------------------------------------------------

    def note(self, record: trace.Record) -> None:
        """Take one of the Trust Center's records, in the order things happened."""
        method = self._methods.get(type(record))
        if method is not None:
            method(record)

    def took_effect(self, effect: Effect) -> None:
        """A switch, before its record comes by."""
        self._effects[effect.generation] = effect

    def first_frame(self, effect: Effect) -> None:
        """The first frame of a generation has left."""
        first = effect.first_new
        if first is not None and effect.outstanding:
            self._publish("first-frame", first.at, frame=first.number, mac_sequence=first.mac_sequence)

    def _switched(self, record: trace.Switched) -> None:
        bench = self._bench
        bench.feed.generation = record.generation
        effect = self._effects.pop(record.generation, None)
        if effect is not None:
            told = bench.effective(effect).model_dump()
            self._publish("switched", record.at, change=record.change, profile=record.profile, effective=told)
        bench.refresh()

    def _standing(self, record: trace.StandingChanged) -> None:
        self._publish(
            "standing",
            record.at,
            device=str(record.device),
            before=record.before,
            event=record.event,
            after=record.after,
        )

    def _deviated(self, record: trace.Deviated) -> None:
        self._publish(
            "deviation",
            record.at,
            behaviour=record.behaviour,
            cause=record.cause,
            before=record.before,
            after=record.after,
            clause=record.clause,
        )

    def _finding(self, record: trace.Finding) -> None:
        device = None if record.device is None else str(record.device)
        self._publish("finding", record.at, device=device, summary=record.summary)

    def _turned_away(self, record: trace.TurnedAway) -> None:
        self._publish("turned-away", record.at, device=str(record.device))

    def _indicated(self, record: trace.Indicated) -> None:
        match record.indication:
            case nlme.JoinIndication() as joined:
                self._publish("joined", record.at, device=str(joined.device), address=hex16(joined.address))
            case nlme.LeaveIndication() as left if left.device is not None:
                self._publish("left", record.at, device=str(left.device), by="device", rejoin=left.rejoin)
            case _:
                pass

    def _requested(self, record: trace.Requested) -> None:
        match record.request:
            case nlme.LeaveRequest() as leave if leave.device is not None:
                device, rejoin = leave.device, leave.rejoin
            case apsme.RemoveDeviceRequest() as remove:
                device, rejoin = remove.target, False
            case nlme.PermitJoiningRequest():
                self._bench.refresh()
                return
            case apsme.TransportKeyRequest(nwk_secured=False):
                self._transports.append(record.request_id)
                return
            case _:
                return
        self._publish("left", record.at, device=str(device), by="trust-center", rejoin=rejoin)

    def _sent(self, record: trace.Sent) -> None:
        self._frames += 1
        if self._bench.options.frames:
            self._publish(
                "frame",
                record.at,
                frame=self._frames,
                sent=True,
                **self._shown(record.psdu, self._damaged(record)),
                deviations=[explain_deviation(each) for each in record.deviations],
            )

    def _dropped(self, _record: trace.Dropped) -> None:
        self.dropped += 1

    def _fault_spent(self, record: trace.FaultSpent) -> None:
        self._publish("fault-spent", record.at, fault=record.fault)
        self._bench.refresh()

    def _heard(self, record: trace.Heard) -> None:
        self._publish(
            "frame",
            record.at,
            frame=self._frames,
            sent=False,
            **self._shown(record.psdu),
            channel=int(record.channel),
            rssi=record.rssi,
            lqi=record.lqi,
            deviations=[],
        )

    def _shown(self, psdu: bytes, damaged: bool = False) -> Mapping[str, object]:
        """The octets as they are published, and why some are withheld."""
        if self._bench.options.expose_keys:
            return {"psdu": psdu.hex(), "withheld": None}
        if damaged:
            return {"psdu": obliterate(psdu).hex(), "withheld": "damaged"}
        concealed = conceal(psdu)
        if concealed is not None:
            return {"psdu": concealed.hex(), "withheld": "encrypted"}
        blanked = blank(redact(psdu) or psdu, () if self._host is None else _secrets(self._host))
        return {"psdu": blanked.hex(), "withheld": None if blanked == psdu else "key"}

    def _damaged(self, record: trace.Sent) -> bool:
        """Whether a key may be read of octets that are no Transport-Key any more."""
        struck = any(
            each.behaviour.startswith(frame_fault.LABEL) or each.cause == shaping.MANGLED
            for each in record.deviations
        )
        return struck and record.request_id in self._transports

    def _publish(self, kind: str, at: Instant, **fields: object) -> None:
        self._bench.feed.publish(kind, fields, at)


def _secrets(host: HostStack) -> Iterator[Key]:
    """Every key of a Trust Center."""
    for held in host.network_keys.held():
        yield held.key
    for entry in host.link_keys:
        for link_key in (entry.current, entry.pending):
            if link_key is not None:
                yield link_key.key
        if entry.previous is not None:
            yield entry.previous
