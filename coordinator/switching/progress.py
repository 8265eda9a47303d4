"""Reads the Trust Center's records for steps of joins: which there was, and who is in the midst of one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.mac_commands import AssociationStatus
from coordinator.primitives import Indication, Request, apsme, mlme, nlme, zdo
from coordinator.switching.moment import StepName
from coordinator.trust_center.device import Standing
from coordinator.trust_center.procedures.join import NETWORK_KEY
from coordinator.trust_center.procedures.link_key import TRUST_CENTER_LINK_KEY
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
_FRAMED = (
    mlme.BeaconRequest,
    mlme.AssociateResponse,
    nlme.LeaveRequest,
    apsme.TransportKeyRequest,
    apsme.RemoveDeviceRequest,
    apsme.ConfirmKeyRequest,
    zdo.CommandRequest,
)
"""Requests that become a frame, and so an answer that may still have to leave."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, of a device if it is known whose."""

    name: StepName
    device: Eui64 | None


class Progress:
    """Follows the records: which exchanges and joins are open, and until when each is thought to go on."""

    def __init__(self) -> None:
        self._exchanges: OrderedDict[Eui64, Instant] = OrderedDict()
        self._joins: OrderedDict[Eui64, Instant] = OrderedDict()
        self._addresses: OrderedDict[NwkAddress, Eui64] = OrderedDict()
        self._unsent: OrderedDict[int, tuple[int, Step | None]] = OrderedDict()

    def exchange_until(self, now: Instant) -> Instant | None:
        """When the last key exchange that is open is thought to end at the latest; None: none is open."""
        return _latest(self._exchanges, now)

    def join_until(self, now: Instant) -> Instant | None:
        """When the last join that is under way is thought to end at the latest; None: none is."""
        return _latest(self._joins, now)

    def outstanding(self, generation: int) -> int:
        """Answers decided up to this generation whose frame has not left."""
        return sum(decided <= generation for decided, _ in self._unsent.values())

    def note(self, record: trace.Record) -> Step | None:
        """Follow one record; return the step that it is, if it is one."""
        match record:
            case trace.Indicated():
                return self._indicated(record.indication, record.at)
            case trace.Requested() if isinstance(record.request, _FRAMED):
                self._asked(record)
            case trace.Sent(request_id=int(request_id)):
                _, step = self._unsent.pop(request_id, (0, None))
                return step
            case trace.Concluded():
                self._unsent.pop(record.request_id, None)
            case trace.StandingChanged():
                self._moved(record)
            case _:
                pass
        return None

    def _asked(self, record: trace.Requested) -> None:
        request = record.request
        _keep(self._unsent, record.request_id, (record.generation, self._named(request)))
        if isinstance(request, mlme.AssociateResponse) and request.status != AssociationStatus.SUCCESS:
            self._ends(request.device)

    def _indicated(self, indication: Indication, at: Instant) -> Step | None:
        match indication:
            case mlme.BeaconRequestIndication():
                return Step(StepName.BEACON_REQUEST, None)
            case mlme.AssociateIndication():
                self._exchanges.pop(indication.device, None)
                self._goes_on(indication.device, at, joins=True)
                return Step(StepName.ASSOCIATION_REQUEST, indication.device)
            case nlme.JoinIndication():
                _keep(self._addresses, indication.address, indication.device)
                self._goes_on(indication.device, at)
                return Step(StepName.JOIN, indication.device)
            case nlme.LeaveIndication(device=Eui64() as device):
                self._ends(device)
                return Step(StepName.LEAVE, device)
            case apsme.RequestKeyIndication():
                _keep(self._exchanges, indication.device, Instant(at + EXCHANGE_OVER))
                self._goes_on(indication.device, at)
                return Step(StepName.REQUEST_KEY, indication.device)
            case apsme.VerifyKeyIndication():
                self._goes_on(indication.source, at)
                return Step(StepName.VERIFY_KEY, indication.source)
            case zdo.CommandIndication(command=zdp.DeviceAnnounce() as announced):
                _keep(self._addresses, announced.address, announced.ieee)
                self._goes_on(announced.ieee, at)
                return Step(StepName.DEVICE_ANNOUNCE, announced.ieee)
            case zdo.CommandIndication(command=zdp.NodeDescriptorRequest()):
                return Step(StepName.NODE_DESCRIPTOR_REQUEST, indication.device)
            case _:
                return None

    def _named(self, request: Request) -> Step | None:
        """The step that a request of ours is once its frame has left."""
        match request:
            case mlme.AssociateResponse():
                return Step(StepName.ASSOCIATION_RESPONSE, request.device)
            case apsme.TransportKeyRequest(key_type=kind) if kind == NETWORK_KEY:
                return Step(StepName.TRANSPORT_KEY_NWK, request.device)
            case apsme.TransportKeyRequest(key_type=kind) if kind == TRUST_CENTER_LINK_KEY:
                return Step(StepName.TRANSPORT_KEY_TCLK, request.device)
            case apsme.ConfirmKeyRequest():
                return Step(StepName.CONFIRM_KEY, request.device)
            case zdo.CommandRequest(command=zdp.NodeDescriptorResponse()):
                return Step(StepName.NODE_DESCRIPTOR_RESPONSE, self._addresses.get(request.destination))
            case zdo.CommandRequest(command=zdp.MgmtLeaveRequest()):
                return Step(StepName.REMOVAL, self._addresses.get(request.destination))
            case apsme.RemoveDeviceRequest():
                return Step(StepName.REMOVAL, request.target)
            case nlme.LeaveRequest():
                return Step(StepName.REMOVAL, request.device)
            case _:
                return None

    def _goes_on(self, device: Eui64, at: Instant, *, joins: bool = False) -> None:
        """A step of this device's: what is open stays open for a while longer."""
        if joins or device in self._joins:
            _keep(self._joins, device, Instant(at + JOIN_OVER))
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
