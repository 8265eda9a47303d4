"""A joiner on the primitive seam: from power-on to a settled state, step by step as the spec tells it.

    scan -> associate -> wait for the network key -> announce -> exchange the link key -> permit

It ends in the network (JOINED, or UNVERIFIED where the model stays after a failure) or out of it
(LEFT, REMOVED, GAVE_UP); every wait has its limit. Evidence is what it puts on the air: it reports nothing.
"""

from __future__ import annotations

from typing import assert_never

from coordinator.codec import aps_commands, zdp
from coordinator.joiner.device import AUTHENTICATED, EXCHANGING, SETTLED, Device, State
from coordinator.joiner.exchange import KeyExchange
from coordinator.joiner.model import FailureReaction, JoinerModel
from coordinator.joiner.procedures import authentication, discovery
from coordinator.primitives import Indication, apsde, apsme, bdb, mlme, nlme, trust_center, zdo
from coordinator.stack.application import Services
from coordinator.stack.timers import Timer
from coordinator.types import (
    BROADCAST_ROUTERS,
    BROADCAST_RX_ON,
    COORDINATOR,
    DeviceType,
    Eui64,
    Instant,
)

CLEAR_KEY_TRAIT = "authentication.accepts_clear_network_key"


class Engine:
    """The application of a simulated device under test; see `stack.application.Application`."""

    def __init__(self, services: Services, model: JoinerModel) -> None:
        self._services = services
        self._model = model
        self._device = Device(model, services)
        self._exchange = KeyExchange(self._device, done=self._finish, failed=self._fail, refused=self._leave)
        self._candidates: list[nlme.NetworkDescriptor] = []
        self._refused: set[discovery.Parent] = set()
        self._scans = 0
        self._associations = 0
        self._restarts = 0
        self._trust_center: Eui64 | None = None
        self._leave_timer: Timer | None = None
        self._poll_timer: Timer | None = None

    @property
    def state(self) -> State:
        """Where the device is on its way."""
        return self._device.state

    @property
    def finished(self) -> bool:
        """True when it will do no more about its joining: it is in the network, or out of it for good."""
        return self._device.state in SETTLED

    @property
    def consulted(self) -> tuple[str, ...]:
        """The traits that its choices went by so far; `JoinerModel.weakest_basis` weighs them."""
        return tuple(self._device.consulted)

    def start(self, now: Instant) -> None:
        """Power on: look for a network."""
        self._begin(now)

    def indicate(self, indication: Indication, now: Instant) -> None:
        """A primitive came up."""
        match indication:
            case nlme.NetworkDiscoveryConfirm():
                self._take_networks(indication, now)
            case nlme.JoinConfirm():
                self._take_association(indication, now)
            case apsme.TransportKeyIndication():
                self._take_key(indication, now)
            case apsme.ConfirmKeyIndication():
                self._exchange.take_confirmation(indication, now)
            case apsme.SwitchKeyIndication():
                if self.state in AUTHENTICATED:
                    self._services.network_keys.activate(indication.sequence)
            case zdo.CommandIndication():
                self._take_command(indication, now)
            case nlme.LeaveIndication():
                if indication.device is None:
                    self._be_removed(now)
            case apsme.RemoveDeviceIndication():
                self._take_remove_device(indication, now)
            case (
                mlme.BeaconRequestIndication()
                | mlme.AssociateIndication()
                | mlme.PollIndication()
                | nlme.JoinIndication()
                | apsde.DataIndication()
                | apsme.UpdateDeviceIndication()
                | apsme.RequestKeyIndication()
                | apsme.VerifyKeyIndication()
                | bdb.NodeJoinTimeoutIndication()
                | trust_center.NetworkKeyUpdateIndication()
            ):
                pass  # a parent's or a Trust Center's business
            case _:
                assert_never(indication)

    # Discovery and association

    def _begin(self, now: Instant) -> None:
        self._scans = 0
        self._refused.clear()
        self._scan(now)

    def _scan(self, now: Instant) -> None:
        scan = self._model.scan
        self._scans += 1
        self._device.enter(State.SCANNING)
        self._device.request(nlme.NetworkDiscoveryRequest(channels=scan.channels, dwell=scan.dwell), now)

    def _take_networks(self, confirm: nlme.NetworkDiscoveryConfirm, now: Instant) -> None:
        if self.state is not State.SCANNING:
            return
        if any(discovery.is_refused_for_profile(network, self._model) for network in confirm.networks):
            self._device.consult("scan.stack_profiles")
        self._candidates = list(discovery.rank(confirm.networks, self._model, self._refused))
        self._try_best(now)

    def _try_best(self, now: Instant) -> None:
        """Associate with the best network that is left, or scan again later, or give up."""
        if self._candidates:
            self._associations = 0
            self._associate(now)
        elif self._scans < self._model.scan.attempts:
            self._device.enter(State.RESTING)
            self._device.wait(self._model.scan.pause, self._scan, now)
        else:
            self._device.enter(State.GAVE_UP)

    def _associate(self, now: Instant) -> None:
        self._associations += 1
        self._device.enter(State.ASSOCIATING)
        request = nlme.JoinRequest(network=self._candidates[0], capability=self._model.node.capability)
        self._device.request(request, now)

    def _take_association(self, confirm: nlme.JoinConfirm, now: Instant) -> None:
        if self.state is not State.ASSOCIATING:
            return
        match confirm.status:
            case nlme.JoinStatus.SUCCESS:
                self._device.enter(State.UNAUTHENTICATED)
                timeout = self._model.authentication.network_key_timeout
                self._device.wait(timeout, self._miss_network_key, now)
                self._poll_later(now)
            case nlme.JoinStatus.PAN_AT_CAPACITY | nlme.JoinStatus.PAN_ACCESS_DENIED:
                self._candidates.pop(0)
                self._try_best(now)
            case nlme.JoinStatus.NO_ACK | nlme.JoinStatus.NO_DATA:
                self._associate_again(now)
            case _:
                assert_never(confirm.status)

    def _associate_again(self, now: Instant) -> None:
        """The same network, until it has had its attempts; then never again."""
        traits = self._model.association
        if self._associations < traits.attempts:
            self._device.enter(State.RESTING)
            self._device.wait(traits.pause, self._associate, now)
        else:
            self._refused.add(discovery.parent_of(self._candidates.pop(0)))
            self._try_best(now)

    # Authentication

    def _miss_network_key(self, now: Instant) -> None:
        """No network key came in apsSecurityTimeOutPeriod."""
        if CLEAR_KEY_TRAIT not in self._device.consulted:
            self._device.consult("authentication.network_key_timeout")
        self._stop_timers()
        self._device.request(nlme.ResetRequest(), now)
        self._associate_again(now)

    def _take_key(self, indication: apsme.TransportKeyIndication, now: Instant) -> None:
        if indication.key_type == aps_commands.KeyType.NETWORK:
            self._take_network_key(indication, now)
        elif indication.key_type == aps_commands.KeyType.TRUST_CENTER_LINK:
            self._exchange.take_link_key(indication, now)

    def _take_network_key(self, indication: apsme.TransportKeyIndication, now: Instant) -> None:
        authenticated = self.state in AUTHENTICATED
        if indication.key_sequence is None or not (authenticated or self.state is State.UNAUTHENTICATED):
            return
        if authentication.is_clear(indication.security):
            self._device.consult(CLEAR_KEY_TRAIT)
        if not authentication.accepts_network_key(
            indication.security, self._model, authenticated=authenticated
        ):
            return
        self._services.network_keys.install(indication.key, indication.key_sequence)
        if not authenticated:
            self._services.network_keys.activate(indication.key_sequence)
            self._enter_network(indication.source, now)

    def _enter_network(self, trust_center: Eui64, now: Instant) -> None:
        self._trust_center = trust_center
        self._device.enter(State.AUTHENTICATED)
        if self._model.device_type is DeviceType.ROUTER:
            self._device.request(nlme.StartRouterRequest(), now)
        self._announce(now)
        self._device.consult("exchange.enabled")
        if not self._model.exchange.enabled:
            self._finish(now)
            return
        since_join = self._model.leave.since_join
        if since_join:
            self._leave_timer = self._services.timers.set(Instant(now + since_join), self._leave_in_time)
        self._exchange.begin(trust_center, now)

    def _announce(self, now: Instant) -> None:
        announcement = zdp.DeviceAnnounce(
            address=self._services.address,
            ieee=self._services.eui64,
            capability=self._model.node.capability,
        )
        self._device.request(zdo.CommandRequest(destination=BROADCAST_RX_ON, command=announcement), now)

    # The ways out of the key exchange

    def _finish(self, now: Instant) -> None:
        """In the network and done; network steering ends by opening it (protocol.md 1.6)."""
        self._cancel_leave()
        self._device.enter(State.JOINED)
        seconds = self._model.steering.permit_seconds
        if seconds:
            command = zdp.MgmtPermitJoiningRequest(duration=seconds, tc_significance=1)
            self._device.request(zdo.CommandRequest(destination=BROADCAST_ROUTERS, command=command), now)

    def _fail(self, now: Instant) -> None:
        """The key exchange came to nothing."""
        self._device.consult("exchange.on_failure")
        if self._model.exchange.on_failure is FailureReaction.STAY:
            self._cancel_leave()
            self._device.enter(State.UNVERIFIED)
            return
        self._device.enter(State.FAILED)
        if self._leave_timer is None:
            self._device.wait(self._model.leave.delay, self._leave, now)

    def _leave_in_time(self, now: Instant) -> None:
        """`leave.since_join` is over, and no key is verified."""
        self._leave_timer = None
        self._device.consult("leave.since_join")
        self._exchange.abandon(now)
        if self.state is State.FAILED:
            self._leave(now)

    def _leave(self, now: Instant) -> None:
        request = nlme.LeaveRequest(device=None, address=self._services.address)
        self._be_gone(State.LEFT, now)
        self._device.request(request, now)

    # Being told to leave

    def _take_command(self, indication: zdo.CommandIndication, now: Instant) -> None:
        command = indication.command
        if isinstance(command, zdp.NodeDescriptorResponse):
            if indication.source == COORDINATOR:
                self._exchange.take_descriptor(command, now)
        elif isinstance(command, zdp.MgmtLeaveRequest) and command.device in (0, self._services.eui64):
            self._be_removed(now)  # the stack's ZDO server answered, and leaves

    def _take_remove_device(self, indication: apsme.RemoveDeviceIndication, now: Instant) -> None:
        """A router that is its own target leaves by itself (behaviours.md 35)."""
        if indication.target == self._services.eui64 and self.state in AUTHENTICATED:
            request = nlme.LeaveRequest(device=None, address=self._services.address)
            self._be_removed(now)
            self._device.request(request, now)

    def _be_removed(self, now: Instant) -> None:
        if self.state in EXCHANGING:
            self._device.consult("exchange.attempts")  # it would have gone on trying
        elif self.state is State.FAILED:
            self._device.consult("leave.since_join" if self._leave_timer is not None else "leave.delay")
        if self.state is State.UNAUTHENTICATED or self.state in AUTHENTICATED:
            self._be_gone(State.REMOVED, now)

    def _be_gone(self, ended: State, now: Instant) -> None:
        """Out of the network: for good, or to begin again as often as the model does."""
        self._exchange.stop()
        self._stop_timers()
        if self._restarts < self._model.leave.retries_after:
            self._restarts += 1
            if self._trust_center is not None:
                self._services.link_keys.join_anew(self._trust_center)
            self._device.enter(State.RESTING)
            self._device.wait(self._model.scan.pause, self._begin, now)
        else:
            self._device.enter(ended)

    # Timers that outlive a state

    def _poll_later(self, now: Instant) -> None:
        """Keep polling the parent: often while joining, seldom later."""
        poll = self._model.poll
        if poll is not None:
            period = poll.joined if self.finished else poll.joining
            self._poll_timer = self._services.timers.set(Instant(now + period), self._poll)

    def _poll(self, now: Instant) -> None:
        self._poll_later(now)
        self._device.request(nlme.SyncRequest(), now)

    def _cancel_leave(self) -> None:
        if self._leave_timer is not None:
            self._leave_timer.cancel()
            self._leave_timer = None

    def _stop_timers(self) -> None:
        self._cancel_leave()
        if self._poll_timer is not None:
            self._poll_timer.cancel()
            self._poll_timer = None
