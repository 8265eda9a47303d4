"""What performed requests, and how they ended, tell of an attempt: one method a primitive.

A request is an intention until its frame leaves: what the joiner was told counts from `Sent` on, and
only while the attempt goes on. A key that found no route, or that nobody fetched, was never given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.attempts import Confirmation, Offer, Removal, Repeated, Response, Trail, once_more
from coordinator.evidence.outcome import Step
from coordinator.evidence.register import Register
from coordinator.primitives import Request, apsde, apsme, mlme, nlme, zdo
from coordinator.stack.indirect import NOT_FETCHED
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, Key, LinkKeyKind, is_broadcast

_NETWORK_KEY, _TRUST_CENTER_LINK_KEY = 0x01, 0x04
_SUCCESS = 0x00
_RECEIVER = Eui64(0)  # the device of a Mgmt_Leave_req that means whoever receives it
_AWAITED = 1024

Part = Repeated | None
"""What a conclusion is also told to, besides the attempt."""


class Awaited:
    """A request on its way: whose it is, whether a frame of it has left, and what its end is told to."""

    __slots__ = ("part", "record", "sent", "trail")

    def __init__(self, trail: Trail, record: trace.Requested) -> None:
        self.trail = trail
        self.record = record
        self.sent = False
        self.part: Part = None


class Outbound:
    """Notes in the register what was sent: a request by `note`, its frames by `sent`, its end by
    `concluded`."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._awaited: OrderedDict[int, Awaited] = OrderedDict()
        self._owners: dict[type, Callable[..., Trail | None]] = {
            mlme.AssociateResponse: lambda request: register.current(request.device),
            apsme.TransportKeyRequest: lambda request: register.current(request.device),
            apsme.ConfirmKeyRequest: lambda request: register.current(request.device),
            apsme.SwitchKeyRequest: lambda request: register.current(request.device),
            apsme.RemoveDeviceRequest: lambda request: register.current(request.target),
            nlme.LeaveRequest: lambda request: register.current(request.device),
            zdo.CommandRequest: self._addressee,
            apsde.DataRequest: self._addressee,
        }
        self._methods: dict[type, Callable[..., Part]] = {
            apsme.TransportKeyRequest: self._transport_key,
            apsme.ConfirmKeyRequest: self._confirm_key,
            zdo.CommandRequest: self._command,
        }

    def note(self, record: trace.Requested) -> Trail | None:
        """Take one performed request; return the attempt it is for, if any."""
        request = record.request
        if isinstance(request, mlme.BeaconRequest):
            self._register.scan.beacon = request
            return None
        owner = self._owners.get(type(request))
        trail = None if owner is None else owner(request)
        if trail is not None:
            awaited = self._awaited[record.request_id] = Awaited(trail, record)
            if len(self._awaited) > _AWAITED:
                self._awaited.popitem(last=False)
            if isinstance(request, mlme.AssociateResponse):
                awaited.part = _respond(trail, request, record.at)
        return trail

    def sent(self, record: trace.Sent) -> None:
        """A frame of a request left. The first one counts: others repeat it."""
        awaited = None if record.request_id is None else self._awaited.get(record.request_id)
        if awaited is None or awaited.sent:
            return
        awaited.sent = True
        trail, request = awaited.trail, awaited.record.request
        form = _removal_form(request)
        if form is not None:
            awaited.part = _remove(trail, form, record.at)
        elif trail.ended is None:
            method = self._methods.get(type(request))
            if method is not None:
                awaited.part = method(trail, request, record.at)

    def concluded(self, record: trace.Concluded) -> Awaited | None:
        """A unicast was delivered or was not; return what is known of it."""
        awaited = self._awaited.get(record.request_id)
        if awaited is None:
            return None
        if awaited.sent:  # what was withheld may come again: as the APS layer's repetition
            del self._awaited[record.request_id]
        trail, part, request = awaited.trail, awaited.part, awaited.record.request
        delivered, at = record.delivered, record.at
        if isinstance(request, apsme.RemoveDeviceRequest) and request.parent != request.target:
            pass  # it went to the parent: that is no word from its target
        elif delivered:
            trail.last_delivered = at
        elif awaited.sent or record.reason == NOT_FETCHED:
            trail.undelivered = at
        if part is not None:
            part.conclude(delivered)
            if isinstance(part, Response):
                part.concluded = at
            elif isinstance(part, Confirmation) and delivered:
                assert isinstance(request, apsme.ConfirmKeyRequest)
                part.success_delivered |= request.status == _SUCCESS
        return awaited

    def owner(self, request_id: int) -> Trail | None:
        """The attempt that a request on its way is for."""
        awaited = self._awaited.get(request_id)
        return None if awaited is None else awaited.trail

    def forget(self, device: Eui64) -> None:
        """Await nothing for this device any more."""
        gone = [request for request, awaited in self._awaited.items() if awaited.trail.device == device]
        for request in gone:
            del self._awaited[request]

    def _addressee(self, request: zdo.CommandRequest | apsde.DataRequest) -> Trail | None:
        if is_broadcast(request.destination):
            return None
        trail = self._register.at(request.destination)
        if isinstance(request, zdo.CommandRequest) and isinstance(request.command, zdp.MgmtLeaveRequest):
            device = request.command.device
            if device not in (_RECEIVER, trail.device if trail is not None else None):
                return self._register.current(device)
        return trail

    def _transport_key(self, trail: Trail, request: apsme.TransportKeyRequest, at: Instant) -> Part:
        if request.key_type == _NETWORK_KEY:
            trail.network_key = once_more(trail.network_key, at)
            trail.network_key_protection = request.protection
            trail.reach(Step.NETWORK_KEY, at)
            return trail.network_key
        if request.key_type == _TRUST_CENTER_LINK_KEY:
            trail.offer = self._offer(trail, request.key, request.kind, at)
            trail.reach(Step.TRANSPORT_LINK_KEY, at)
            return trail.offer
        return None

    def _offer(self, trail: Trail, key: Key, said: LinkKeyKind | None, at: Instant) -> Offer:
        """What this key is to the joiner. The octets decide, not what the request calls it."""
        known = key == trail.held
        if key == GLOBAL_LINK_KEY:
            kind = LinkKeyKind.GLOBAL
        elif known:
            kind = trail.held_kind
        else:
            kind = said if said is not None else LinkKeyKind.UNIQUE
        previous = key == self._register.histories[trail.device].previous
        offer = Offer(at, key, kind, known=known, previous=previous)
        if trail.offer is not None:
            offer.count = trail.offer.count + 1
            offer.first = trail.offer.first
        return offer

    def _confirm_key(self, trail: Trail, request: apsme.ConfirmKeyRequest, at: Instant) -> Part:
        confirm = trail.confirm
        if confirm is None:
            confirm = trail.confirm = Confirmation(at)
        else:
            confirm.again(at)
        confirm.status = request.status
        if request.status == _SUCCESS and confirm.success is None:
            confirm.success = at
            confirm.verified = trail.offer
            if trail.offer is not None and trail.offer.kind is LinkKeyKind.UNIQUE:
                self._register.histories[trail.device].previous = trail.offer.key
        trail.reach(Step.CONFIRM_KEY, at)
        return confirm

    @staticmethod
    def _command(trail: Trail, request: zdo.CommandRequest, at: Instant) -> Part:
        if isinstance(request.command, zdp.NodeDescriptorResponse):
            trail.descriptor_reply = at
            trail.descriptor_status = request.command.status
        return None


def _respond(trail: Trail, request: mlme.AssociateResponse, at: Instant) -> Response:
    """The answer to an association request, which is held until it is fetched or its time is up."""
    if trail.response is None:
        trail.response = Response(at, request.status)
    else:
        trail.response.again(at)
        trail.response.status = request.status
        trail.response.concluded = None
    return trail.response


def _removal_form(request: Request) -> str | None:
    """By which form this request tells a joiner to leave; None: it does not."""
    match request:
        case apsme.RemoveDeviceRequest():
            return "Remove-Device"
        case nlme.LeaveRequest():
            return "NWK Leave with rejoin" if request.rejoin else "NWK Leave"
        case zdo.CommandRequest(command=zdp.MgmtLeaveRequest() as leave):
            return "Mgmt_Leave_req with rejoin" if leave.rejoin else "Mgmt_Leave_req"
        case _:
            return None


def _remove(trail: Trail, form: str, at: Instant) -> Removal:
    if trail.removal is None:
        trail.removal = Removal(at, form)
    else:
        trail.removal.again(at)
    return trail.removal
