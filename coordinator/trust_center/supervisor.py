"""The running side of key-exchange supervision: its timers. The rules are in `procedures.supervision`."""

from __future__ import annotations

from coordinator import trace
from coordinator.codec import zdp
from coordinator.primitives import bdb, zdo
from coordinator.stack import conductor
from coordinator.stack.application import Services
from coordinator.trust_center.device import UNPROVED, Device, Event, Standing
from coordinator.trust_center.ledger import Ledger
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.trust_center.procedures import leave, supervision
from coordinator.types import Duration, Instant

NOT_YET: Duration = -1
"""Before the network key was sent, so that a time-out of zero is a point to look at too."""


class Supervisor:
    """Watches each device from its network key until it proves a link key, leaves or is removed."""

    def __init__(
        self,
        services: Services,
        policy: conductor.Standing[TrustCenterPolicy],
        ledger: Ledger,
    ) -> None:
        self._services = services
        self._policy = policy
        self._ledger = ledger

    def keyed(self, device: Device, now: Instant) -> None:
        """A network key was sent to this device. The first of an attempt starts the time."""
        if device.keyed_at is None:
            device.keyed_at = now
            self._watch(device, NOT_YET)

    def time_is_up(self, timeout: bdb.NodeJoinTimeoutIndication, now: Instant) -> None:
        """Remove the device if the policy says so; else note why not, and look again if there is cause to."""
        device = self._ledger.move(timeout.device, Event.TIMED_OUT, now)
        if device is None or device.keyed_at is None:
            return
        unproved = supervision.Unproved(
            elapsed=now - device.keyed_at,
            authenticated=device.standing is not Standing.KEYED,
            stack_revision=device.stack_revision,
            removal=leave.removal(device, self._ledger.devices),
        )
        if supervision.time_is_up(self._policy.current, unproved).steps:
            # Nobody sent it: the Trust Center concludes it, and the verdict names it as the reason.
            self._services.note(trace.Indicated(at=now, indication=timeout, observed=trace.Observed.INFERRED))
        self._services.conductor.answer(
            timeout, lambda policy: supervision.time_is_up(policy, unproved), self._policy, now
        )
        if device.standing not in UNPROVED:
            return
        excuse = supervision.excuse(self._policy.current, unproved)
        if excuse is not None:
            self._ledger.finding(device.eui64, excuse, now)
        self._watch(device, unproved.elapsed)

    def announced(self, device: Device, announcement: zdo.CommandIndication, now: Instant) -> None:
        """Its Device_annce came: ask for its node descriptor if the requirement depends on it."""
        if device.supervised and not device.descriptor_awaited:
            device.announcement = announcement
            self._ask(device, now)

    def asked(self, request: zdo.CommandRequest, now: Instant) -> None:
        """A Node_Desc_req went out: ask again unless it is answered in time."""
        device = self._ledger.devices.at(request.destination)
        period = self._policy.current.node_descriptor_retry
        if device is not None and device.supervised and not device.descriptor_awaited and period > 0:
            self._remind(device, Instant(now + period))

    def described(self, device: Device, response: zdp.NodeDescriptorResponse, now: Instant) -> None:
        """A Node_Desc_rsp came from this device: remember the revision, stop asking."""
        if response.address not in (None, device.address):
            return
        if device.reminder is not None:
            device.reminder.cancel()
        if response.descriptor is not None:
            device.stack_revision = response.descriptor.stack_revision
            self._ledger.devices.changed(device.eui64)
        else:
            summary = f"answered Node_Desc_req with status 0x{response.status:02x} and no descriptor"
            self._ledger.finding(device.eui64, summary, now)

    def review(self, now: Instant) -> None:
        """The policy is another: each device that has proved no link key is looked at when its time is up by
        this one, counted from its network key as before; at `now` where that is over already.

        Nothing goes down within this call: whoever switches says so before the first frame of the new.
        """
        timeout = self._policy.current.node_join_timeout
        for device in [each for each in self._ledger.devices if each.standing in UNPROVED]:
            if device.keyed_at is None:
                continue
            elapsed = now - device.keyed_at
            self._watch(device, min(elapsed, timeout - 1), now)
            if device.announcement is not None and not device.descriptor_awaited:
                self._remind(device, now)

    def _remind(self, device: Device, when: Instant) -> None:
        device.reminder = self._services.timers.set(when, lambda at: self._ask(device, at))

    def _ask(self, device: Device, now: Instant) -> None:
        announcement = device.announcement
        if announcement is None or not device.supervised:
            return
        address, stack_revision = device.address, device.stack_revision
        self._services.conductor.answer(
            announcement,
            lambda policy: supervision.ask_descriptor(policy, address, stack_revision),
            self._policy,
            now,
        )

    def _watch(self, device: Device, elapsed: Duration, earliest: Instant = Instant(0)) -> None:
        due = supervision.next_check(self._policy.base, self._policy.current, elapsed)
        if due is None or device.keyed_at is None:
            return
        if device.deadline is not None:
            device.deadline.cancel()
        device.deadline = self._services.timers.set(
            Instant(max(device.keyed_at + due, earliest)),
            lambda at: self.time_is_up(
                bdb.NodeJoinTimeoutIndication(device=device.eui64, address=device.address), at
            ),
        )
