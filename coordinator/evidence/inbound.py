"""What indications tell of an attempt: one method a primitive.

Of an attempt that is over, only a leave and that the joiner was heard are noted: it goes no further.
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator.codec import zdp
from coordinator.evidence.attempts import Trail, once_more
from coordinator.evidence.outcome import Step
from coordinator.evidence.register import Register
from coordinator.primitives import Indication, apsde, apsme, bdb, mlme, nlme, zdo
from coordinator.types import Instant

_TRUST_CENTER_LINK_KEY = 0x04
_UNSECURED_JOIN, _DEVICE_LEFT = 0x01, 0x02  # Update-Device status, protocol.md 1.5


class Inbound:
    """Notes what was heard in the register. Each method returns the attempt concerned, if any."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._methods: dict[type, Callable[..., Trail | None]] = {
            mlme.BeaconRequestIndication: self._beacon_request,
            mlme.AssociateIndication: self._associate,
            mlme.PollIndication: self._poll,
            nlme.JoinIndication: self._join,
            nlme.LeaveIndication: self._leave,
            apsde.DataIndication: self._data,
            apsme.UpdateDeviceIndication: self._update_device,
            apsme.RequestKeyIndication: self._request_key,
            apsme.VerifyKeyIndication: self._verify_key,
            zdo.CommandIndication: self._command,
            bdb.NodeJoinTimeoutIndication: self._timeout,
        }
        self._commands: dict[type, Callable[..., None]] = {
            zdp.DeviceAnnounce: self._announced,
            zdp.NodeDescriptorRequest: self._descriptor_asked,
            zdp.NodeDescriptorResponse: self._described,
            zdp.MgmtPermitJoiningRequest: self._permitted,
        }

    def note(self, indication: Indication, at: Instant) -> Trail | None:
        """Take one indication."""
        method = self._methods.get(type(indication))
        return None if method is None else method(indication, at)

    def _beacon_request(self, _indication: mlme.BeaconRequestIndication, at: Instant) -> None:
        self._register.scan.heard(at)

    def _associate(self, indication: mlme.AssociateIndication, at: Instant) -> Trail:
        trail = self._register.current(indication.device)
        if trail is None or not _may_still_associate(trail):
            trail = self._register.begin(indication.device, at)
        trail.asked += 1
        trail.capable(indication.capability)
        trail.heard(at)
        return trail

    def _poll(self, indication: mlme.PollIndication, at: Instant) -> Trail | None:
        device = indication.device
        trail = self._register.by_source(indication.source if device is None else device)
        if trail is not None:
            trail.heard(at)
        return trail

    def _join(self, indication: nlme.JoinIndication, at: Instant) -> Trail:
        trail = self._register.current(indication.device)
        if trail is None or trail.associated is not None:
            trail = self._register.begin(indication.device, at)
        trail.associated = trail.reached_at = at
        trail.capable(indication.capability)
        trail.heard(at)
        self._register.place(trail, indication.address)
        return trail

    def _leave(self, indication: nlme.LeaveIndication, at: Instant) -> Trail | None:
        trail = self._register.current(indication.device)  # no device: we were told to leave ourselves
        if trail is not None and trail.left is None:
            trail.heard(at, secured=True)
            trail.left = at
            trail.left_to_rejoin = indication.rejoin
        return trail

    def _data(self, indication: apsde.DataIndication, at: Instant) -> Trail | None:
        trail = self._register.find(indication.device, indication.source)
        if trail is not None:
            trail.heard(at, secured=indication.security.nwk)
        return trail

    def _update_device(self, indication: apsme.UpdateDeviceIndication, at: Instant) -> Trail | None:
        """A router speaks of its child: the child was not heard by ourselves."""
        if indication.status == _UNSECURED_JOIN:
            trail = self._register.begin(indication.device, at)
            trail.associated = at
            self._register.place(trail, indication.address)
            return trail
        left = self._register.current(indication.device)
        if left is not None and indication.status == _DEVICE_LEFT and left.left is None:
            left.left = at
        return left

    def _request_key(self, indication: apsme.RequestKeyIndication, at: Instant) -> Trail | None:
        trail = self._register.find(indication.device, indication.address)
        if trail is not None:
            trail.heard(at, secured=indication.security.nwk)
            if indication.key_type == _TRUST_CENTER_LINK_KEY and trail.ended is None:
                trail.request_key = once_more(trail.request_key, at)
                trail.reach(Step.REQUEST_KEY, at)
        return trail

    def _verify_key(self, indication: apsme.VerifyKeyIndication, at: Instant) -> Trail | None:
        trail = self._register.find(indication.device, indication.address)
        if trail is not None:
            trail.heard(at, secured=indication.security.nwk)
            if trail.ended is None:
                trail.verify = once_more(trail.verify, at)
                trail.reach(Step.VERIFY_KEY, at)
        return trail

    def _command(self, indication: zdo.CommandIndication, at: Instant) -> Trail | None:
        trail = self._register.find(indication.device, indication.source)
        if trail is not None:
            trail.heard(at, secured=indication.security.nwk)
            method = self._commands.get(type(indication.command))
            if method is not None and trail.ended is None:
                method(trail, indication.command, at)
        return trail

    def _timeout(self, indication: bdb.NodeJoinTimeoutIndication, at: Instant) -> Trail | None:
        trail = self._register.find(indication.device, indication.address)
        if trail is not None:
            trail.timed_out = at
        return trail

    def _announced(self, trail: Trail, command: zdp.DeviceAnnounce, at: Instant) -> None:
        if command.ieee != trail.device:
            return
        trail.announced = once_more(trail.announced, at)
        trail.reach(Step.ANNOUNCE, at)
        if command.address != trail.address:
            self._register.place(trail, command.address)

    @staticmethod
    def _descriptor_asked(trail: Trail, _command: zdp.NodeDescriptorRequest, at: Instant) -> None:
        trail.descriptor_asked = once_more(trail.descriptor_asked, at)
        trail.reach(Step.NODE_DESCRIPTOR, at)

    @staticmethod
    def _described(trail: Trail, command: zdp.NodeDescriptorResponse, _at: Instant) -> None:
        if command.descriptor is not None and command.address == trail.address:
            trail.revision = command.descriptor.stack_revision

    @staticmethod
    def _permitted(trail: Trail, _command: zdp.MgmtPermitJoiningRequest, at: Instant) -> None:
        trail.permit = at
        trail.reach(Step.PERMIT_JOINING, at)


def _may_still_associate(trail: Trail) -> bool:
    """True while an earlier request of the same attempt has neither succeeded, failed nor run out."""
    if trail.associated is not None or trail.ended is not None:
        return False
    return trail.response is None or trail.response.concluded is None
