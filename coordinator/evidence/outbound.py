"""What performed requests, and how they ended, tell of an attempt: one method a primitive."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from coordinator import trace
from coordinator.codec import zdp
from coordinator.evidence.attempts import Confirmation, Offer, Removal, Repeated, Response, Trail, once_more
from coordinator.evidence.outcome import Step
from coordinator.evidence.register import Register
from coordinator.primitives import Request, apsde, apsme, mlme, nlme, zdo
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, Key, LinkKeyKind, is_broadcast

_NETWORK_KEY, _TRUST_CENTER_LINK_KEY = 0x01, 0x04
_SUCCESS = 0x00
_RECEIVER = Eui64(0)  # the device of a Mgmt_Leave_req that means whoever receives it
_AWAITED = 1024

Part = Repeated | None
"""What a conclusion is also told to, besides the attempt."""


class Outbound:
    """Notes in the register what was sent. `note` and `concluded` return the attempt concerned, if any."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._awaited: OrderedDict[int, tuple[Trail, Part, Request]] = OrderedDict()
        self._methods: dict[type, Callable[..., tuple[Trail | None, Part]]] = {
            mlme.AssociateResponse: self._associate_response,
            apsme.TransportKeyRequest: self._transport_key,
            apsme.ConfirmKeyRequest: self._confirm_key,
            apsme.RemoveDeviceRequest: self._remove_device,
            nlme.LeaveRequest: self._leave,
            zdo.CommandRequest: self._command,
            apsde.DataRequest: self._data,
        }

    def note(self, record: trace.Requested) -> Trail | None:
        """Take one performed request."""
        request = record.request
        kind = type(request)
        if kind is mlme.BeaconRequest:
            assert isinstance(request, mlme.BeaconRequest)
            self._register.scan.beacon = request
            return None
        method = self._methods.get(kind)
        if method is None:
            return None
        trail, part = method(request, record.at)
        if trail is not None:
            self._awaited[record.request_id] = (trail, part, request)
            if len(self._awaited) > _AWAITED:
                self._awaited.popitem(last=False)
        return trail

    def concluded(self, record: trace.Concluded) -> Trail | None:
        """A unicast was delivered or was not."""
        awaited = self._awaited.pop(record.request_id, None)
        if awaited is None:
            return None
        trail, part, request = awaited
        delivered, at = record.delivered, record.at
        if isinstance(request, apsme.RemoveDeviceRequest) and request.parent != request.target:
            pass  # it went to the parent: that is no word from its target
        elif delivered:
            trail.last_delivered = at
        else:
            trail.undelivered = at
        if part is not None:
            part.conclude(delivered)
            if isinstance(part, Response):
                part.concluded = at
            elif isinstance(part, Confirmation) and delivered:
                assert isinstance(request, apsme.ConfirmKeyRequest)
                part.success_delivered |= request.status == _SUCCESS
        return trail

    def forget(self, device: Eui64) -> None:
        """Await nothing for this device any more."""
        gone = [request for request, (trail, _, _) in self._awaited.items() if trail.device == device]
        for request in gone:
            del self._awaited[request]

    def _associate_response(self, request: mlme.AssociateResponse, at: Instant) -> tuple[Trail | None, Part]:
        trail = self._register.current(request.device)
        if trail is None:
            return None, None
        if trail.response is None:
            trail.response = Response(at, request.status)
        else:
            trail.response.again(at)
            trail.response.status = request.status
            trail.response.concluded = None
        return trail, trail.response

    def _transport_key(self, request: apsme.TransportKeyRequest, at: Instant) -> tuple[Trail | None, Part]:
        trail = self._register.current(request.device)
        if trail is None:
            return None, None
        if request.key_type == _NETWORK_KEY:
            trail.network_key = once_more(trail.network_key, at)
            trail.network_key_protection = request.protection
            trail.reach(Step.NETWORK_KEY, at)
            return trail, trail.network_key
        if request.key_type == _TRUST_CENTER_LINK_KEY:
            trail.offer = self._offer(trail, request.key, request.kind, at)
            trail.reach(Step.TRANSPORT_LINK_KEY, at)
            return trail, trail.offer
        return trail, None

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

    def _confirm_key(self, request: apsme.ConfirmKeyRequest, at: Instant) -> tuple[Trail | None, Part]:
        trail = self._register.current(request.device)
        if trail is None:
            return None, None
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
        return trail, confirm

    def _remove_device(self, request: apsme.RemoveDeviceRequest, at: Instant) -> tuple[Trail | None, Part]:
        return _remove(self._register.current(request.target), "Remove-Device", at)

    def _leave(self, request: nlme.LeaveRequest, at: Instant) -> tuple[Trail | None, Part]:
        form = "NWK Leave with rejoin" if request.rejoin else "NWK Leave"
        return _remove(self._register.current(request.device), form, at)

    def _command(self, request: zdo.CommandRequest, at: Instant) -> tuple[Trail | None, Part]:
        if is_broadcast(request.destination):
            return None, None
        trail = self._register.at(request.destination)
        command = request.command
        if isinstance(command, zdp.MgmtLeaveRequest):
            if command.device not in (_RECEIVER, trail.device if trail is not None else None):
                trail = self._register.current(command.device)
            return _remove(trail, "Mgmt_Leave_req with rejoin" if command.rejoin else "Mgmt_Leave_req", at)
        if trail is not None and isinstance(command, zdp.NodeDescriptorResponse):
            trail.descriptor_reply = at
            trail.descriptor_status = command.status
        return trail, None

    def _data(self, request: apsde.DataRequest, _at: Instant) -> tuple[Trail | None, Part]:
        return (None if is_broadcast(request.destination) else self._register.at(request.destination)), None


def _remove(trail: Trail | None, form: str, at: Instant) -> tuple[Trail | None, Part]:
    if trail is None:
        return None, None
    if trail.removal is None:
        trail.removal = Removal(at, form)
    else:
        trail.removal.again(at)
    return trail, trail.removal
