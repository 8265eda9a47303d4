"""The host stack: layers put together as one `Node`, with an application on top.

`perform` is the one way down and `indicate` the one way up; both write the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coordinator import trace
from coordinator.codec import zdp
from coordinator.primitives import Indication, Request
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.application import Application
from coordinator.stack.aps import ApsLayer
from coordinator.stack.apsme import Apsme
from coordinator.stack.association import Association
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.conductor import Conductor, Deviations
from coordinator.stack.downward import Downward
from coordinator.stack.mac import MacLayer
from coordinator.stack.neighbors import AddressMap, NeighborTable
from coordinator.stack.nib import Nib
from coordinator.stack.node import Action, ReceivedFrame, TransmitStatus
from coordinator.stack.nwk import NwkLayer
from coordinator.stack.policy import StackPolicy
from coordinator.stack.scan import ActiveScan
from coordinator.stack.ticket import Ticket
from coordinator.stack.timers import Timers
from coordinator.stack.upkeep import Upkeep
from coordinator.stack.upward import Upward
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
    ) -> None:
        self.nib = Nib(
            eui64=identity.eui64, device_type=identity.device_type, capability=identity.capability
        )
        self.policy = policy
        self.entropy = entropy
        self.note = note
        self.timers = Timers()
        self.network_keys = NetworkKeys()
        self.link_keys = LinkKeys() if link_keys is None else link_keys
        self.nib.sequence_number = entropy.integer(0, 255)
        self.nib.aps_counter = entropy.integer(0, 255)
        self._actions: list[Action] = []
        self._requests = 0
        self._application: Application | None = None
        self.conductor = Conductor(self.timers, note, self.perform)
        neighbors = NeighborTable(policy.neighbor_capacity)
        addresses = AddressMap(4 * policy.neighbor_capacity)
        self.mac = MacLayer(
            self.nib,
            self.timers,
            note,
            self._actions,
            policy.transaction_persistence,
            self._mangle,
            entropy.integer(0, 255),
        )
        self.nwk = NwkLayer(
            self.nib, self.timers, note, entropy, self.mac, self.network_keys, neighbors, addresses
        )
        self.aps = ApsLayer(self.nib, self.timers, note, self.nwk, self.link_keys)
        self.apsme = Apsme(self.nib, note, self.aps, self.link_keys, self.indicate)
        self.scan = ActiveScan(self.mac, self.timers)
        self.association = Association(self.nib, self.mac, self.timers)
        self.upward = Upward(self, self.conductor.standing(policy), identity.endpoints, self.indicate)
        self.upkeep = Upkeep(self.nib, policy, self.timers, entropy, self.nwk, self.upward.gone)
        self._downward = Downward(self, self.indicate)
        self.switch(behaviours)

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
        self.perform(request, now, ())

    def perform(self, request: Request, now: Instant, deviations: Deviations) -> None:
        """Send a primitive down; `Requested` first, `Concluded` when the next hop has it or cannot."""
        self._requests += 1
        request_id = self._requests
        self.note(
            trace.Requested(at=now, request_id=request_id, request=request, deviations=deviations)
        )

        def conclude(delivered: bool, reason: str, at: Instant) -> None:
            self.note(
                trace.Concluded(at=at, request_id=request_id, delivered=delivered, reason=reason)
            )

        self._downward.perform(request, now, Ticket(request_id, deviations), conclude)

    def indicate(self, indication: Indication, now: Instant) -> None:
        """Send a primitive up; `Indicated` first."""
        self.note(trace.Indicated(at=now, indication=indication))
        if self._application is not None:
            self._application.indicate(indication, now)

    # --- life -----------------------------------------------------------------------------------

    def install(self, application: Application) -> None:
        """Put the application on top."""
        self._application = application

    def switch(self, behaviours: Sequence[Behaviour]) -> None:
        """Answer with these behaviours from now on."""
        self.conductor.switch(behaviours)
        self.aps.shapes = [
            behaviour.shape for behaviour in behaviours if type(behaviour).shape is not Behaviour.shape
        ]
        self._mangles = [
            behaviour.mangle for behaviour in behaviours if type(behaviour).mangle is not Behaviour.mangle
        ]

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
        self.upkeep.start(now)

    # --- node.Node ------------------------------------------------------------------------------

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        """A frame from the radio."""
        self.note(
            trace.Heard(
                at=now, psdu=frame.psdu, channel=frame.channel, rssi=frame.rssi, lqi=frame.lqi
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

    def _mangle(self, psdu: bytes) -> bytes:
        for mangle in self._mangles:
            psdu = mangle(psdu)
        return psdu
