"""The witness: takes the Trust Center's records one by one, and says at the end what they show.

It runs on every record, so it dispatches on types and keeps little: facts about the last attempts
of each device, and no records. Only the coordinator's own records may be noted; a joiner's are not
evidence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace

from coordinator import trace
from coordinator.evidence import verdict
from coordinator.evidence.attempts import Trail
from coordinator.evidence.inbound import Inbound
from coordinator.evidence.outbound import Outbound
from coordinator.evidence.outcome import JOINED, Outcome, Verdict
from coordinator.evidence.register import Register, Scan
from coordinator.evidence.scanned import explain_nobody, judge_scan
from coordinator.primitives import Indication, bdb, mlme
from coordinator.primitives.describe import describe
from coordinator.types import Eui64, Instant, LinkKeyKind, NwkAddress

_SHORT_TO_SHORT = (b"\x61\x88", b"\x41\x88", b"\x63\x88", b"\x71\x88", b"\x73\x88", b"\x43\x88")
"""Frame controls of data and commands inside a PAN with both addresses short: the source is at 7."""
_LOOSE = 64


class Witness:
    """One observation window. `expect` are the outcomes that pass."""

    def __init__(self, expect: Collection[Outcome] = JOINED) -> None:
        self._expect = frozenset(expect)
        self._register = Register()
        self._inbound = Inbound(self._register)
        self._outbound = Outbound(self._register)
        self._incomplete: list[str] = []
        self._radio_gone = ""
        self._frames_heard = False
        self._cause: tuple[Indication, Instant, Trail | None] | None = None
        self._loose: deque[trace.Deviated] = deque(maxlen=_LOOSE)
        self._methods: dict[type, Callable[..., None]] = {
            trace.Heard: self._heard,
            trace.Indicated: self._indicated,
            trace.Requested: self._requested,
            trace.Sent: self._outbound.sent,
            trace.Concluded: self._concluded,
            trace.Dropped: self._dropped,
            trace.Deviated: self._deviated,
            trace.Finding: self._found,
            trace.KeyInUse: self._key_in_use,
            trace.RadioChanged: self._radio_changed,
            trace.TurnedAway: self._turned_away,
            trace.Resumed: self._resumed,
        }

    @property
    def devices(self) -> tuple[Eui64, ...]:
        """The devices that were seen, in the order they first asked to join."""
        return tuple(self._register.histories)

    def note(self, record: trace.Record) -> None:
        """Take one record, in the order things happened."""
        method = self._methods.get(type(record))
        if method is not None:
            method(record)

    def miss(self, reason: str) -> None:
        """Say that evidence is missing: the radio was reset, frames were lost, a file was not written."""
        if reason not in self._incomplete:
            self._incomplete.append(reason)

    def expect(self, outcomes: Collection[Outcome]) -> None:
        """From now on these outcomes pass."""
        self._expect = frozenset(outcomes)

    def scan_anew(self) -> None:
        """Forget who scanned so far: another run begins. Devices from before a restart stay known."""
        resumed = dict.fromkeys(self._register.scan.resumed, False)
        self._register.scan = Scan()
        self._register.scan.resumed = resumed

    def over(self, device: Eui64) -> bool:
        """True when this device has left, by itself or told to, and has not come back."""
        trail = self._register.current(device)
        return trail is not None and trail.left is not None

    def interrupt_one(self, device: Eui64, reason: str) -> None:
        """Say that evidence is missing on this device alone."""
        history = self._register.histories.get(device)
        if history is not None and reason not in history.incomplete:
            history.incomplete.append(reason)

    def forget(self, device: Eui64) -> None:
        """Forget one device: its verdict was given."""
        self._register.forget(device)
        self._outbound.forget(device)
        if self._cause is not None and self._cause[2] is not None and self._cause[2].device == device:
            self._cause = None

    def settled(self) -> bool:
        """True when every device seen has left, by itself or told to: only a new association could change
        the verdict. False while nobody was seen."""
        histories = self._register.histories
        return bool(histories) and all(history.trails[-1].left is not None for history in histories.values())

    def verdict(self, device: Eui64, at: Instant) -> Verdict:
        """The verdict on one device, were the window to close now. Raises KeyError if it was never seen."""
        history = self._register.histories[device]
        attempts = tuple(
            verdict.judge(trail, at, frames_heard=self._frames_heard) for trail in history.trails
        )
        found = verdict.of_attempts(
            attempts,
            earlier=history.begun - len(attempts),
            at=at,
            expect=self._expect,
            incomplete=(*self._incomplete, *history.incomplete),
        )
        if self._radio_gone and found.outcome is Outcome.INCONCLUSIVE:
            gone = "the radio was gone when the window closed, so the device could not be asked"
            return replace(found, explanation=f"{gone}: {self._radio_gone}")
        return found

    def close(self, at: Instant) -> Verdict:
        """The verdict on the window, which closes at `at`: the worst of the devices', with each."""
        verdicts = [self.verdict(device, at) for device in self._register.histories]
        if verdicts:
            return verdict.overall(verdicts)
        if self._register.scan.first is None:
            incomplete = (*self._incomplete, *self._register.scan.incomplete)
            return verdict.nobody(at, incomplete, explain_nobody(self._register.scan))
        return self._only_scanned(self._register.scan, self._register.scan.first, at)

    def _only_scanned(self, scan: Scan, first: Instant, at: Instant) -> Verdict:
        deviations = verdict.counted(scan.deviations.counts)
        attempt = verdict.scan_attempt(*judge_scan(scan, at), first, deviations)
        return verdict.of_attempts(
            (attempt,),
            earlier=0,
            at=at,
            expect=self._expect,
            incomplete=(*self._incomplete, *scan.incomplete),
        )

    def _heard(self, record: trace.Heard) -> None:
        self._frames_heard = True
        psdu = record.psdu
        if psdu[:2] in _SHORT_TO_SHORT and len(psdu) > 8:
            trail = self._register.at(psdu[7] | psdu[8] << 8)
            if trail is not None:
                trail.last_heard = record.at

    def _indicated(self, record: trace.Indicated) -> None:
        indication, at = record.indication, record.at
        resumed = self._register.scan.resumed
        if resumed:
            device = getattr(indication, "device", None)
            if device in resumed:
                resumed[device] = True
        self._cause = (indication, at, self._inbound.note(indication, at))

    def _requested(self, record: trace.Requested) -> None:
        trail = self._outbound.note(record)
        if trail is not None and record.deviations:
            for deviation in record.deviations:
                if any(deviation is loose for loose in self._loose):
                    self._loose.remove(deviation)
                    self._count(deviation, trail)

    def _concluded(self, record: trace.Concluded) -> None:
        """What never went on the air deviated nowhere, unless it was to go later: then the wait was real."""
        ended = self._outbound.concluded(record)
        if ended is not None and not ended.sent and not record.delivered:
            for deviation in ended.record.deviations:
                if deviation.at == ended.record.at:
                    ended.trail.deviations.drop(deviation)

    def _dropped(self, record: trace.Dropped) -> None:
        """What the upper layers would not act on is odd; repeats and the MAC's filtering are not."""
        if record.source is None or record.layer == "mac" or "duplicate" in record.reason:
            return
        trail = self._register.by_source(record.source)
        if trail is not None:
            trail.find(f"dropped ({record.layer}): {record.reason}")

    def _deviated(self, record: trace.Deviated) -> None:
        """Whose deviation it is: of the indication it answers, else of the request it ends in."""
        if record.request_id is not None:
            owner = self._outbound.owner(record.request_id)
            if owner is not None:
                self._count(record, owner)
                return
        if self._cause is not None:
            indication, at, trail = self._cause
            if at == record.at and describe(indication) == record.cause:
                if trail is not None:
                    self._count(record, trail)
                    return
                if isinstance(indication, mlme.BeaconRequestIndication):
                    self._register.scan.deviations.add(record)
                    return
        sole = self._register.sole()
        if sole is not None:
            self._count(record, sole)
        else:
            self._loose.append(record)

    def _count(self, record: trace.Deviated, trail: Trail) -> None:
        trail.deviations.add(record)
        if record.cause == _TIME_IS_UP:
            trail.timed_out = record.at

    def _found(self, record: trace.Finding) -> None:
        trail = self._register.current(record.device)
        if trail is not None:
            trail.find(record.summary)

    def _turned_away(self, record: trace.TurnedAway) -> None:
        refused = self._register.scan.refused
        if record.device in refused or len(refused) < _LOOSE:
            refused[record.device] = refused.get(record.device, 0) + 1

    def _resumed(self, record: trace.Resumed) -> None:
        self._register.scan.resumed[record.device] = False

    def _radio_changed(self, record: trace.RadioChanged) -> None:
        """A radio that went, restarted or missed something: it may have been of whoever is being watched."""
        self._radio_gone = "" if record.state is trace.RadioState.UP else record.reason
        if record.missed or record.state is trace.RadioState.LOST:
            self.interrupt(record.reason)

    def interrupt(self, reason: str) -> None:
        """Say that evidence is missing on the devices seen so far, and on who scans; not on later ones."""
        register = self._register
        for incomplete in (
            register.scan.incomplete,
            *(each.incomplete for each in register.histories.values()),
        ):
            if reason not in incomplete:
                incomplete.append(reason)

    def _key_in_use(self, record: trace.KeyInUse) -> None:
        """The link key a joiner comes with: nobody joins with a unique key, and a later key is another."""
        kind = record.kind
        if record.device is None or kind is None or kind is LinkKeyKind.UNIQUE:
            return
        trail = self._register.current(record.device)
        if trail is None or (trail.request_key is None and trail.offer is None):
            self._register.expect(record.device, record.key, kind)


_TIME_IS_UP = describe(bdb.NodeJoinTimeoutIndication(device=Eui64(0), address=NwkAddress(0)))
