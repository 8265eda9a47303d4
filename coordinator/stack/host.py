"""The host stack: layers put together as one `Node`, with an application on top.

`_perform` is the one way down and `_indicate` the one way up; both write the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.cursor import EncodeError
from coordinator.primitives import Indication, Request, apsde, apsme, mlme, nlme, zdo
from coordinator.security.counters import CounterExhausted
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.application import Application
from coordinator.stack.aps import ApsLayer
from coordinator.stack.apsme import Apsme
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.conductor import Conductor, Deviations
from coordinator.stack.device_profile import DeviceProfile
from coordinator.stack.frame_faults import FrameFaults
from coordinator.stack.layers import Layers
from coordinator.stack.mac import MacLayer
from coordinator.stack.manner import Manner
from coordinator.stack.mlme import Mlme
from coordinator.stack.nib import Nib
from coordinator.stack.nlme import Nlme
from coordinator.stack.node import Action, ReceivedFrame, TransmitStatus
from coordinator.stack.nwk import NwkLayer
from coordinator.stack.outbox import reason_of
from coordinator.stack.policy import StackPolicy
from coordinator.stack.shaping import Shaping
from coordinator.stack.ticket import Ticket
from coordinator.stack.timers import Timers
from coordinator.stack.upkeep import Upkeep
from coordinator.types import (
    COORDINATOR,
    Channel,
    DeviceType,
    Entropy,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    NwkAddress,
    PanId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a device is, whatever network it is on. `capability` is the octet of its association request."""

    eui64: Eui64
    device_type: DeviceType
    capability: int
    endpoints: tuple[zdp.SimpleDescriptor, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What a coordinator forms: PAN, channel, and the network key with its sequence number."""

    channel: Channel
    pan_id: PanId
    extended_pan_id: ExtendedPanId
    key: Key
    key_sequence: int = 0
    update_id: int = 0


class HostStack:
    """One device, complete. Implements `node.Node` below and `application.Services` above."""

    def __init__(
        self,
        identity: Identity,
        policy: StackPolicy,
        entropy: Entropy,
        note: trace.Sink,
        *,
        behaviours: Sequence[Behaviour] = (),
        link_keys: LinkKeys | None = None,
        generation: int = 1,
    ) -> None:
        self.nib = nib = Nib(
            eui64=identity.eui64,
            device_type=identity.device_type,
            capability=identity.capability,
            sequence_number=entropy.integer(0, 255),
            aps_counter=entropy.integer(0, 255),
        )
        self.entropy = entropy
        self.note = note
        self.timers = timers = Timers()
        self.network_keys = NetworkKeys()
        self.link_keys = LinkKeys() if link_keys is None else link_keys
        self.conductor = Conductor(timers, note, self._perform)
        self.policy = self.conductor.standing(policy)
        self._application: Application | None = None
        self._actions: list[Action] = []
        self._requests = 0
        self._shaping = shaping = Shaping(note)
        self.faults = faults = FrameFaults(note)
        persistence, capacity = policy.transaction_persistence, policy.neighbor_capacity
        first_sequence = entropy.integer(0, 255)
        self.mac = MacLayer(nib, timers, note, self._actions, shaping, faults, persistence, first_sequence)
        self.nwk = NwkLayer(nib, timers, note, entropy, self.mac, self.network_keys, capacity)
        self.aps = ApsLayer(nib, timers, note, self.nwk, self.link_keys, shaping)
        self._manage(identity.endpoints)
        self._answer_in(Manner.of(generation, behaviours))

    def _manage(self, endpoints: tuple[zdp.SimpleDescriptor, ...]) -> None:
        """Put the management entities on the layers, and connect the layers upwards."""
        layers = Layers(
            nib=self.nib,
            policy=self.policy,
            timers=self.timers,
            entropy=self.entropy,
            note=self.note,
            conductor=self.conductor,
            indicate=self._indicate,
            network_keys=self.network_keys,
            link_keys=self.link_keys,
            mac=self.mac,
            nwk=self.nwk,
            aps=self.aps,
        )
        self._upkeep = Upkeep(layers)
        self._mlme = Mlme(layers, self._upkeep)
        self._nlme = Nlme(layers, self._mlme, self._upkeep, self.request)
        self._apsme = Apsme(self.nib, self.note, self.aps, self.link_keys, self._indicate)
        self._device_profile = DeviceProfile(layers, self._nlme, endpoints)
        self.faults.device_at = self.nwk.addresses.device_at
        self.mac.management = self._mlme
        self.mac.deliver_data = self.nwk.receive
        self.nwk.deliver_apdu = self.aps.receive
        self.nwk.deliver_command = self._nlme.receive
        self.aps.deliver_data = self._device_profile.receive
        self.aps.deliver_command = self._apsme.receive

    # --- what an application is given -----------------------------------------------------------

    @property
    def eui64(self) -> Eui64:
        """Our EUI-64."""
        return self.nib.eui64

    @property
    def address(self) -> NwkAddress:
        """Our network address, 0xFFFF when there is none."""
        return self.nib.address

    def request(self, request: Request, now: Instant) -> None:
        """Perform a request that no behaviour may touch."""
        self._perform(request, now, (), self.conductor.manner)

    def _perform(self, request: Request, now: Instant, deviations: Deviations, manner: Manner) -> None:
        """Send a primitive down; `Requested` first, `Concluded` when the next hop has it or cannot.

        What cannot be made into a frame is dropped with the reason, and concluded undelivered.
        """
        self._requests += 1
        ticket = Ticket(self._requests, deviations, self.note, request, manner)
        self.note(
            trace.Requested(
                at=now,
                request_id=self._requests,
                request=request,
                deviations=deviations,
                generation=manner.generation,
            )
        )
        try:
            self._dispatch(request, now, ticket)
        except (EncodeError, CounterExhausted) as error:
            reason = reason_of(error)
            self.note(trace.Dropped(at=now, layer="stack", reason=f"not sent: {reason}"))
            ticket.conclude(False, reason, now)

    def _dispatch(self, request: Request, now: Instant, ticket: Ticket) -> None:
        match request:
            case zdo.CommandRequest():
                self._device_profile.send(request, now, ticket)
            case (
                apsme.TransportKeyRequest()
                | apsme.RemoveDeviceRequest()
                | apsme.RequestKeyRequest()
                | apsme.VerifyKeyRequest()
                | apsme.ConfirmKeyRequest()
                | apsme.SwitchKeyRequest()
            ):
                self._apsme.perform(request, now, ticket)
            case apsde.DataRequest():
                self.aps.send_data(request, now, ticket)
            case mlme.BeaconRequest():
                self._mlme.send_beacon(request, now, ticket)
            case mlme.AssociateResponse():
                self._mlme.respond(request, now, ticket)
            case nlme.SyncRequest():
                self._mlme.sync(now)
            case nlme.LeaveRequest():
                self._nlme.leave(request, now, ticket)
            case nlme.PermitJoiningRequest():
                self._nlme.permit(request, now)
            case nlme.NetworkDiscoveryRequest():
                self._nlme.discover(request, now)
            case nlme.JoinRequest():
                self._nlme.join(request, now)
            case nlme.StartRouterRequest():
                self._nlme.start_router(now)
            case nlme.ResetRequest():
                self._nlme.reset(now)
            case nlme.SetActiveKeyRequest():
                self._nlme.activate_key(request, now)
            case _:
                assert_never(request)

    def _indicate(self, indication: Indication, now: Instant) -> None:
        """Send a primitive up; `Indicated` first."""
        self.note(trace.Indicated(at=now, indication=indication))
        if self._application is not None:
            self._application.indicate(indication, now)

    def applicant(self, device: Eui64) -> int | None:
        """The capability of a device that asked to associate and is not our child yet; else None."""
        return self._mlme.applicant(device)

    # --- life -----------------------------------------------------------------------------------

    def install(self, application: Application) -> None:
        """Put the application on top."""
        self._application = application

    def switch(self, behaviours: Sequence[Behaviour], policy: StackPolicy | None = None) -> int:
        """Answer with these behaviours from now on, upon another policy if one is given; return the number
        of the new generation. What was decided before keeps its plan, and its behaviours.
        """
        if policy is not None:
            self.policy.rebase(policy)
        generation = self.conductor.manner.generation + 1
        self._answer_in(Manner.of(generation, behaviours))
        return generation

    def _answer_in(self, manner: Manner) -> None:
        """Take on a manner; table sizes and times of the layers follow the policy."""
        self.conductor.switch(manner)
        self._shaping.switch(manner)
        self.mac.indirect.persistence = self.policy.current.transaction_persistence
        self.nwk.neighbors.capacity = self.policy.current.neighbor_capacity

    def start(self, now: Instant) -> None:
        """Switch on: an application that has something to do begins."""
        if self._application is not None:
            self._application.start(now)

    def form(self, network: Network, now: Instant) -> None:
        """NLME-NETWORK-FORMATION: become the coordinator of this network, joining closed."""
        nib = self.nib
        nib.channel = network.channel
        nib.pan_id = network.pan_id
        nib.extended_pan_id = network.extended_pan_id
        nib.update_id = network.update_id
        nib.address = COORDINATOR
        nib.trust_center = nib.eui64
        nib.started = True
        self.network_keys.install(network.key, network.key_sequence)
        self.network_keys.activate(network.key_sequence)
        self.mac.retune()
        self.note(
            trace.NetworkFormed(
                at=now,
                channel=network.channel,
                pan_id=network.pan_id,
                extended_pan_id=network.extended_pan_id,
                coordinator=nib.eui64,
            )
        )
        self.note(trace.KeyInUse(at=now, key=network.key, sequence=network.key_sequence))
        self._upkeep.start(now)

    # --- node.Node ------------------------------------------------------------------------------

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        """A frame from the radio."""
        self.note(
            trace.Heard(
                at=now,
                psdu=frame.psdu,
                channel=frame.channel,
                rssi=frame.rssi,
                lqi=frame.lqi,
                reported_ack=frame.acked_with_pending,
            )
        )
        self.mac.receive(frame, now)

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        """The radio is done with a frame."""
        self.mac.outbox.confirm(handle, status, frame_pending, now)

    def next_deadline(self) -> Instant | None:
        """When `handle_timeout` is due."""
        return self.timers.next_deadline()

    def handle_timeout(self, now: Instant) -> None:
        """Do what is due."""
        self.timers.fire_due(now)

    def take(self) -> Sequence[Action]:
        """What the radio shall do."""
        actions = tuple(self._actions)
        self._actions.clear()
        return actions
