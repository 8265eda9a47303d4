"""Reads the Trust Center's records for the progress of joins: who is in the midst of one, what has not left.

It runs on every record, so it dispatches on types and keeps little. Which step a record is, is asked only
while somebody waits for one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.mac_commands import AssociationStatus
from coordinator.primitives import apsme, mlme, nlme, zdo
from coordinator.switching import step
from coordinator.switching.step import FRAMED, Step
from coordinator.trust_center.device import Standing
from coordinator.types import SECOND, Duration, Eui64, Instant, NwkAddress

EXCHANGE_OVER: Duration = 10 * SECOND
"""A key exchange without a step for this long is over: twice bdbcTCLinkKeyExchangeTimeout."""
JOIN_OVER: Duration = 20 * SECOND
"""A join without a step for this long is over: longer than bdbTrustCenterNodeJoinTimeout; our choice."""
AWAITED = 1024
"""Requests whose frame is awaited at most, and devices that are followed; the oldest is forgotten first."""

_K = TypeVar("_K")
_V = TypeVar("_V")

_SETTLED = frozenset(
    standing.value for standing in (Standing.VERIFIED, Standing.REMOVING, Standing.REJOINING, Standing.LEFT)
)


class Progress:
    """Follows the records: which exchanges and joins are open, and until when each is thought to go on."""

    def __init__(self) -> None:
        self._exchanges: OrderedDict[Eui64, Instant] = OrderedDict()
        self._joins: OrderedDict[Eui64, Instant] = OrderedDict()
        self._addresses: OrderedDict[NwkAddress, Eui64] = OrderedDict()
        self._unsent: dict[int, trace.Requested] = {}
        self.notes: dict[type, Callable[..., None]] = {
            trace.Indicated: self._indicated,
            trace.Requested: self._requested,
            trace.Sent: self.sent,
            trace.Concluded: self._concluded,
            trace.StandingChanged: self._moved,
        }
        """What takes each kind of record, in the order things happened; other kinds tell nothing."""
        self._heard: dict[type, Callable[..., None]] = {
            mlme.AssociateIndication: self._asked_to_associate,
            nlme.JoinIndication: self._joined,
            nlme.LeaveIndication: self._left,
            apsme.RequestKeyIndication: self._key_requested,
            apsme.VerifyKeyIndication: self._key_to_verify,
            zdo.CommandIndication: self._commanded,
        }

    def exchange_until(self, now: Instant) -> Instant | None:
        """When the last key exchange that is open is thought to end at the latest; None: none is open."""
        return _latest(self._exchanges, now)

    def join_until(self, now: Instant) -> Instant | None:
        """When the last join that is under way is thought to end at the latest; None: none is."""
        return _latest(self._joins, now)

    def outstanding(self, generation: int) -> int:
        """Answers decided up to this generation whose frame has not left."""
        return sum(unsent.generation <= generation for unsent in self._unsent.values())

    def step(self, record: trace.Record) -> Step | None:
        """The step that this record is, if it is one. To be asked before it is noted: the first frame of a
        request is a step, and one that is sent again is none.
        """
        match record:
            case trace.Indicated():
                return step.heard(record.indication)
            case trace.Sent(request_id=int(request_id)) if request_id in self._unsent:
                return step.said(self._unsent[request_id].request, self._addresses)
            case _:
                return None

    def _indicated(self, record: trace.Indicated) -> None:
        method = self._heard.get(type(record.indication))
        if method is not None:
            method(record.indication, record.at)

    def _asked_to_associate(self, asked: mlme.AssociateIndication, at: Instant) -> None:
        self._exchanges.pop(asked.device, None)
        _keep(self._joins, asked.device, Instant(at + JOIN_OVER))

    def _joined(self, joined: nlme.JoinIndication, at: Instant) -> None:
        _keep(self._addresses, joined.address, joined.device)
        self._goes_on(joined.device, at)

    def _left(self, left: nlme.LeaveIndication, _at: Instant) -> None:
        if left.device is not None:
            self._ends(left.device)

    def _key_requested(self, requested: apsme.RequestKeyIndication, at: Instant) -> None:
        _keep(self._exchanges, requested.device, Instant(at + EXCHANGE_OVER))
        self._goes_on(requested.device, at)

    def _key_to_verify(self, verify: apsme.VerifyKeyIndication, at: Instant) -> None:
        self._goes_on(verify.source, at)

    def _commanded(self, indication: zdo.CommandIndication, at: Instant) -> None:
        announced = indication.command
        if isinstance(announced, zdp.DeviceAnnounce):
            _keep(self._addresses, announced.address, announced.ieee)
            self._goes_on(announced.ieee, at)

    def _requested(self, record: trace.Requested) -> None:
        request, unsent = record.request, self._unsent
        if type(request) in FRAMED:
            unsent[record.request_id] = record
            if len(unsent) > AWAITED:
                del unsent[next(iter(unsent))]
            if isinstance(request, mlme.AssociateResponse) and request.status != AssociationStatus.SUCCESS:
                self._ends(request.device)

    def sent(self, record: trace.Sent) -> None:
        """The frame of a request has left."""
        if record.request_id in self._unsent:
            del self._unsent[record.request_id]

    def _concluded(self, record: trace.Concluded) -> None:
        """The frame of a request has left, or never will."""
        if record.request_id in self._unsent:
            del self._unsent[record.request_id]

    def _goes_on(self, device: Eui64, at: Instant) -> None:
        """A step of this device's: what is open stays open for a while longer."""
        if device in self._joins:
            self._joins[device] = Instant(at + JOIN_OVER)
        if device in self._exchanges:
            self._exchanges[device] = Instant(at + EXCHANGE_OVER)

    def _moved(self, record: trace.StandingChanged) -> None:
        if record.after in _SETTLED:
            self._ends(record.device)

    def _ends(self, device: Eui64) -> None:
        self._exchanges.pop(device, None)
        self._joins.pop(device, None)


def _latest(open_until: OrderedDict[Eui64, Instant], now: Instant) -> Instant | None:
    for device in [each for each, until in open_until.items() if until <= now]:
        del open_until[device]
    return max(open_until.values(), default=None)


def _keep(kept: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > AWAITED:
        kept.popitem(last=False)
