"""The compliant R22 Trust Center of a centralised network, on the primitive seam.

An indication moves the device's standing, then a procedure answers it through the conductor, where
behaviours may change the answer. Standing follows what was performed and what was heard, never what
a procedure meant to do.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from coordinator.codec import zdp
from coordinator.primitives import Indication, Request, apsde, apsme, bdb, mlme, nlme, trust_center, zdo
from coordinator.primitives.describe import describe
from coordinator.stack import conductor
from coordinator.stack.application import Services
from coordinator.trust_center.device import MEMBERS, UNPROVED, Device, Event, Standing
from coordinator.trust_center.key_rotation import KeyRotation
from coordinator.trust_center.ledger import Ledger
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.trust_center.procedures import join, key_update, leave, link_key, verify
from coordinator.trust_center.supervisor import Supervisor
from coordinator.types import Eui64, Instant, Key


class Engine:
    """A Trust Center as `stack.application.Application`. Nothing it is told makes it raise."""

    def __init__(self, services: Services, policy: TrustCenterPolicy) -> None:
        self._services = services
        self._policy = services.conductor.standing(policy)
        self._ledger = Ledger(services)
        self._supervisor = Supervisor(services, self._policy, self._ledger)
        self.devices = self._ledger.devices
        self.key_rotation = KeyRotation(services, self._policy, self.devices)
        services.conductor.performed.append(self._performed)

    @property
    def policy(self) -> conductor.Standing[TrustCenterPolicy]:
        """The standing policy, for whoever switches the profile under the behaviours."""
        return self._policy

    def switched(self, before: TrustCenterPolicy, now: Instant) -> None:
        """Another policy is in force: who is supervised is supervised by it from now on."""
        if self._policy.current != before:
            self._supervisor.review(now)

    def start(self, now: Instant) -> None:
        """Nothing to do: a Trust Center waits to be joined."""

    def resume(self, device: Device, now: Instant) -> None:
        """Take back a device that was known before a restart.

        Its bdbTrustCenterNodeJoinTimeout begins anew if it has not proved a link key: nobody knows how
        much of it had passed, and a device that is cut short would look like one that failed.
        """
        self.devices.admit(device, self._policy.current.device_capacity)
        if device.standing is Standing.LEFT:
            self.devices.depart(device)
        elif device.standing in UNPROVED:
            self._supervisor.keyed(device, now)

    def forget(self, device: Eui64, now: Instant) -> bool:
        """Forget this device as if it had never joined; False when it has no record."""
        return self._ledger.forget(device, now)

    def indicate(self, indication: Indication, now: Instant) -> None:
        """Take one primitive from the stack."""
        match indication:
            case nlme.JoinIndication():
                self._joined(indication, now)
            case nlme.LeaveIndication():
                self._left(indication, now)
            case apsme.UpdateDeviceIndication():
                self._updated(indication, now)
            case apsme.RequestKeyIndication():
                self._key_requested(indication, now)
            case apsme.VerifyKeyIndication():
                self._key_to_verify(indication, now)
            case bdb.NodeJoinTimeoutIndication():
                self._supervisor.time_is_up(indication, now)
            case zdo.CommandIndication():
                self._command(indication, now)
            case apsde.DataIndication():
                self._ledger.heard(
                    indication.device, indication.source, now, under_network_key=indication.security.nwk
                )
            case mlme.PollIndication() | mlme.BeaconRequestIndication() | mlme.AssociateIndication():
                pass  # answered by the stack; a device counts from its JoinIndication on
            case (
                nlme.NetworkDiscoveryConfirm()
                | nlme.JoinConfirm()
                | apsme.TransportKeyIndication()
                | apsme.RemoveDeviceIndication()
                | apsme.ConfirmKeyIndication()
                | apsme.SwitchKeyIndication()
                | trust_center.NetworkKeyUpdateIndication()
            ):
                self._ledger.finding(None, f"nothing for a Trust Center: {describe(indication)}", now)
            case _ as never:
                assert_never(never)

    def _joined(self, joined: nlme.JoinIndication, now: Instant) -> None:
        self._ledger.join(joined, self._policy.current.device_capacity, now)
        active = self._services.network_keys.active
        if active is None:
            self._ledger.finding(joined.device, "joined while there is no network key to send", now)
        next_key = self.key_rotation.next_key(now)
        self._services.conductor.answer(
            joined, lambda _: join.authorize(joined, active, next_key), self._policy, now
        )

    def _left(self, left: nlme.LeaveIndication, now: Instant) -> None:
        if left.device is None:
            self._ledger.finding(None, "told to leave: a coordinator does not (protocol.md 1.7)", now)
            return
        self._ledger.depart(left.device, leave.departure(left.rejoin), now)

    def _updated(self, update: apsme.UpdateDeviceIndication, now: Instant) -> None:
        if update.status == leave.DEVICE_LEFT:
            self._ledger.depart(update.device, leave.departure(rejoin=False), now)
            return
        router = "a router" if update.parent is None else f"the router {update.parent}"
        self._ledger.finding(
            update.device, f"{describe(update)} from {router}: joins there are not served", now
        )
        device = self.devices.find(update.device)
        if device is not None and update.status == leave.SECURED_REJOIN and update.parent is not None:
            device.parent = update.parent
            self.devices.move(device, update.address)
            self.devices.changed(device.eui64)

    def _key_requested(self, request: apsme.RequestKeyIndication, now: Instant) -> None:
        self._ledger.heard(request.device, request.address, now, under_network_key=request.security.nwk)
        device = self._ledger.move(request.device, Event.KEY_REQUESTED, now)
        if self.devices.find(request.device) is None:
            self._ledger.forget_keys(request.device)
        refusal = link_key.refusal(request)
        if refusal is not None:
            self._ledger.finding(request.device, refusal, now)
        proposed = self._propose(device) if device is not None and refusal is None else None
        self._services.conductor.answer(
            self._with_keys(request), lambda _: link_key.transport(request, proposed), self._policy, now
        )

    def _with_keys(self, request: apsme.RequestKeyIndication) -> apsme.RequestKeyIndication:
        entry = self._services.link_keys.find(request.device)
        if entry is None:
            return request
        return replace(
            request, current=entry.current.key, current_kind=entry.current.kind, previous=entry.previous
        )

    def _propose(self, device: Device) -> Key:
        if device.proposed is None:
            device.proposed = Key(self._services.entropy.octets(16))
        return device.proposed

    def _key_to_verify(self, request: apsme.VerifyKeyIndication, now: Instant) -> None:
        self._ledger.heard(request.source, request.address, now, under_network_key=request.security.nwk)
        device = self._ledger.move(request.source, Event.VERIFY_RECEIVED, now)
        expected = None
        if request.device not in (None, request.source):
            self._ledger.finding(request.device, f"sent a Verify-Key in the name of {request.source}", now)
        elif device is not None:
            expected = verify.expected_key(device.standing, self._services.link_keys.find(request.source))
        known = self.devices.find(request.source) is not None
        self._services.conductor.answer(
            request, lambda _: verify.confirm(request, expected, known=known), self._policy, now
        )

    def _command(self, indication: zdo.CommandIndication, now: Instant) -> None:
        command = indication.command
        under_network_key = indication.security.nwk
        if not isinstance(command, zdp.DeviceAnnounce):
            device = self._ledger.heard(
                indication.device, indication.source, now, under_network_key=under_network_key
            )
            if device is not None and isinstance(command, zdp.NodeDescriptorResponse):
                self._supervisor.described(device, command, now)
            return
        device = self._ledger.heard(command.ieee, command.address, now, under_network_key=under_network_key)
        if device is None or device.standing not in MEMBERS:
            return
        self.devices.move(device, command.address)
        self._supervisor.announced(device, indication, now)

    def _performed(self, request: Request, now: Instant) -> None:
        removed = leave.told_to_leave(request, self.devices)
        if removed is not None:
            device = self._ledger.move(removed, Event.REMOVAL_SENT, now)
            if device is not None:
                device.stop_timers()
            return
        match request:
            case apsme.TransportKeyRequest(device=key_update.EVERYBODY, protection=None, nwk_secured=True):
                pass  # to nobody in particular
            case apsme.TransportKeyRequest(key_type=join.NETWORK_KEY):
                device = self._ledger.move(request.device, Event.NETWORK_KEY_SENT, now)
                if device is not None:
                    self._supervisor.keyed(device, now)
            case apsme.TransportKeyRequest(key_type=link_key.TRUST_CENTER_LINK_KEY):
                self._ledger.move(request.device, Event.LINK_KEY_SENT, now)
                if self.devices.find(request.device) is None:
                    self._ledger.forget_keys(request.device)
            case apsme.ConfirmKeyRequest(status=verify.SUCCESS):
                device = self._ledger.move(request.device, Event.KEY_CONFIRMED, now)
                if device is not None:
                    device.proposed = None
                    device.stop_timers()
            case apsme.ConfirmKeyRequest():
                self._ledger.move(request.device, Event.CONFIRM_REFUSED, now)
            case zdo.CommandRequest(command=zdp.NodeDescriptorRequest()):
                self._supervisor.asked(request, now)
            case _:
                pass
