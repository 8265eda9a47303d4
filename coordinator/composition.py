"""What a coordinator and a joiner are made of: host stack, application, and the setting they live in.

Every composition root makes them here, in virtual time and under asyncio alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coordinator import trace
from coordinator.codec import zdp
from coordinator.joiner import engine as joiner_engine
from coordinator.joiner.model import JoinerModel, stack_policy
from coordinator.primitives import nlme
from coordinator.profiles.profile import Profile
from coordinator.security.material import LinkKeys
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.host import HostStack, Identity, Network
from coordinator.stack.timers import Timer
from coordinator.trust_center import engine as trust_center_engine
from coordinator.trust_center.administration import Administration
from coordinator.trust_center.presence import Presence
from coordinator.types import (
    GLOBAL_LINK_KEY,
    SECOND,
    Channel,
    DeviceType,
    Duration,
    Entropy,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    LinkKeyKind,
    PanId,
)

TRUST_CENTER_NAME = "trust-center"
COORDINATOR_CAPABILITY = 0x8F
"""Alternate PAN coordinator, full function, mains, receiver on, allocate address."""
HOME_AUTOMATION = 0x0104
RANGE_EXTENDER = 0x0008
CONFIGURATION_TOOL = 0x0005
BASIC_CLUSTER = 0x0000
IDENTIFY_CLUSTER = 0x0003
SIMULATED_OUI = 0x02_00_00
"""Locally administered: a simulated device never has a maker's address."""
PERMIT_MAX = 254
"""The longest Mgmt_Permit_Joining period; longer ones are renewed (zigbee2mqtt#3177)."""
OBSERVE: Duration = 40 * SECOND
"""The observation window after an association: TI needs 25 s to give up (profiles page)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The network to form and who may join it: with `allowed` None, anybody. What else is None is drawn from
    the entropy.
    """

    channel: Channel = Channel(15)
    channel_asked: bool = False
    pan_id: PanId | None = None
    extended_pan_id: ExtendedPanId | None = None
    network_key: Key | None = None
    trust_center: Eui64 | None = None
    install_codes: Mapping[Eui64, Key] = field(default_factory=dict)
    permit: Duration = 180 * SECOND
    allowed: frozenset[Eui64] | None = None
    key_sequence: int = 0
    update_id: int = 0


def simulated_eui64(entropy: Entropy) -> Eui64:
    """A fresh locally administered EUI-64."""
    return Eui64(SIMULATED_OUI << 40 | int.from_bytes(entropy.octets(5), "big"))


def endpoint(device: int) -> zdp.SimpleDescriptor:
    """The one application endpoint every simulated node shows."""
    return zdp.SimpleDescriptor(
        endpoint=1, profile=HOME_AUTOMATION, device=device, input_clusters=(BASIC_CLUSTER, IDENTIFY_CLUSTER)
    )


def network(setting: Setting, entropy: Entropy) -> Network:
    """The network to form, with what the setting leaves open drawn at random."""
    pan_id = setting.pan_id
    extended = setting.extended_pan_id
    return Network(
        channel=setting.channel,
        pan_id=PanId(entropy.integer(0x0001, 0x3FFF)) if pan_id is None else pan_id,
        extended_pan_id=ExtendedPanId(simulated_eui64(entropy)) if extended is None else extended,
        key=Key(entropy.octets(16)) if setting.network_key is None else setting.network_key,
        key_sequence=setting.key_sequence,
        update_id=setting.update_id,
    )


class TrustCenterNode:
    """A coordinator: host stack and Trust Center under one profile.

    `observe` is how long each device is watched; `together`: one window for all, as `Window` has it;
    `behaviours` are in force instead of the profile's; `generation` is the number of the first one.
    """

    def __init__(
        self,
        profile: Profile,
        setting: Setting,
        entropy: Entropy,
        note: trace.Sink,
        *,
        observe: Duration = OBSERVE,
        together: bool = False,
        behaviours: Sequence[Behaviour] | None = None,
        generation: int = 1,
    ) -> None:
        identity = Identity(
            eui64=simulated_eui64(entropy) if setting.trust_center is None else setting.trust_center,
            device_type=DeviceType.COORDINATOR,
            capability=COORDINATOR_CAPABILITY,
            endpoints=(endpoint(CONFIGURATION_TOOL),),
        )
        self._setting = setting
        self._note = note
        self.observers: list[trace.Sink] = []
        """Hear of each record in the call that makes it, after `note`; they may `switch`."""
        self.open_until = Instant(0)
        """When joining closes, or closed."""
        self._renewal: Timer | None = None
        self.host = HostStack(
            identity,
            profile.stack,
            entropy,
            self._observe,
            behaviours=profile.behaviours if behaviours is None else behaviours,
            generation=generation,
        )
        self.engine = trust_center_engine.Engine(self.host, profile.trust_center)
        self.host.install(self.engine)
        self.administration = Administration(self.host, self.engine)
        self.host.nib.allowed = setting.allowed
        self.presence = Presence(self.host, self.engine.devices, observe, together=together)
        self._network = network(setting, entropy)

    @property
    def network(self) -> Network:
        """The network as it was formed, with the network key in use."""
        active, known = self.host.network_keys.active, self._network
        if active is not None and (active.sequence, active.key) != (known.key_sequence, known.key):
            known = self._network = replace(known, key=active.key, key_sequence=active.sequence)
        return known

    def start(self, now: Instant) -> None:
        """Form the network, note the keys that joiners may come with, and open joining."""
        self.host.form(self.network, now)
        self._note(trace.KeyInUse(at=now, key=GLOBAL_LINK_KEY, kind=LinkKeyKind.GLOBAL))
        for device, key in self._setting.install_codes.items():
            self.host.link_keys.install_code(device, key)
            self._note(trace.KeyInUse(at=now, key=key, device=device, kind=LinkKeyKind.INSTALL_CODE))
        self.host.start(now)
        self.permit(self._setting.permit, now)

    def switch(self, behaviours: Sequence[Behaviour], profile: Profile | None, now: Instant) -> int:
        """Answer with these behaviours from now on, upon another profile's policies if one is given; return
        the number of the new generation. Devices, keys and counters stay as they are, and nothing is sent
        within this call.
        """
        before = self.engine.policy.current
        if profile is not None:
            self.engine.policy.rebase(profile.trust_center)
        generation = self.host.switch(behaviours, None if profile is None else profile.stack)
        self.engine.switched(before, now)
        return generation

    def permit(self, span: Duration, now: Instant) -> None:
        """Keep joining open for `span`; a period that ends earlier is renewed: one of 254 s, the longest
        there is, or a shorter one that a joiner asked for with Mgmt_Permit_Joining_req.
        """
        self.open_until = Instant(now + span)
        self._permit(now)

    def _permit(self, now: Instant) -> None:
        seconds = min(-(-(self.open_until - now) // SECOND), PERMIT_MAX)
        self.host.request(nlme.PermitJoiningRequest(seconds=seconds), now)

    def note(self, record: trace.Record) -> None:
        """Put a record among the Trust Center's."""
        self._observe(record)

    def _observe(self, record: trace.Record) -> None:
        self._note(record)
        for observer in self.observers:
            observer(record)
        self.presence.note(record)
        if isinstance(record, trace.Requested) and isinstance(record.request, nlme.PermitJoiningRequest):
            if self._renewal is not None:
                self._renewal.cancel()
            closes = Instant(record.at + record.request.seconds * SECOND)
            if closes < self.open_until:
                self._renewal = self.host.timers.set(closes, self._permit)


class JoinerNode:
    """A simulated device under test: host stack and joiner under one model."""

    def __init__(
        self,
        model: JoinerModel,
        entropy: Entropy,
        *,
        eui64: Eui64 | None = None,
        link_key: Key | None = None,
        note: trace.Sink | None = None,
    ) -> None:
        identity = Identity(
            eui64=simulated_eui64(entropy) if eui64 is None else eui64,
            device_type=model.device_type,
            capability=model.node.capability,
            endpoints=(endpoint(RANGE_EXTENDER),),
        )
        # Joins through a router are not served yet: a simulated router says it has no room.
        policy = replace(stack_policy(model), router_capacity=False, end_device_capacity=False)
        keys = LinkKeys() if link_key is None else LinkKeys(link_key, LinkKeyKind.INSTALL_CODE)
        self.host = HostStack(identity, policy, entropy, note or _discard, link_keys=keys)
        self.engine = joiner_engine.Engine(self.host, model)
        self.host.install(self.engine)


def _discard(_record: trace.Record) -> None:
    """A device under test keeps no trace: evidence is what is on the air."""
