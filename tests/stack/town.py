"""Several host stacks on one simulated air, with the least applications that make a network of them."""

from __future__ import annotations

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.entropy import SeededEntropy
from coordinator.primitives import Indication, apsme, nlme, zdo
from coordinator.sim.air import AirFrame, MediumConfig
from coordinator.sim.driver import Driver
from coordinator.sim.medium import Medium
from coordinator.sim.radio import SimulatedRadio
from coordinator.sim.world import World
from coordinator.stack.host import HostStack, Identity
from coordinator.stack.policy import StackPolicy
from coordinator.types import BROADCAST_RX_ON, MILLISECOND, SECOND, DeviceType, Duration, Eui64, Instant
from tests.stack.peer import CHANNEL, NETWORK, TRUST_CENTER


class Node:
    """A host stack in the world, and what it noted and was told."""

    def __init__(self, town: Town, name: str, identity: Identity, policy: StackPolicy | None = None) -> None:
        self.town = town
        self.name = name
        self.records: list[trace.Record] = []
        self.indications: list[Indication] = []
        self.host = HostStack(
            identity, policy or StackPolicy(), town.entropy.stream(name), self.records.append
        )
        self.host.install(self)
        self.driver: Driver | None = None

    def power(self) -> None:
        radio = SimulatedRadio(self.town.world, self.town.medium, self.name)
        self.driver = Driver(self.town.world, radio, self.host)
        self.host.start(self.town.world.now)
        self.driver.settle()

    def settle(self) -> None:
        assert self.driver is not None
        self.driver.settle()

    def power_off(self) -> None:
        assert self.driver is not None
        self.driver.power_off()

    def start(self, now: Instant) -> None:
        """Power was switched on."""

    def indicate(self, indication: Indication, now: Instant) -> None:
        self.indications.append(indication)

    @property
    def dropped(self) -> list[str]:
        return [f"{each.layer}: {each.reason}" for each in self.records if isinstance(each, trace.Dropped)]


class Center(Node):
    """A coordinator that gives everybody the network key."""

    def start(self, now: Instant) -> None:
        self.host.form(NETWORK, now)
        self.host.request(nlme.PermitJoiningRequest(seconds=255), now)

    def indicate(self, indication: Indication, now: Instant) -> None:
        super().indicate(indication, now)
        if isinstance(indication, nlme.JoinIndication):
            self.host.link_keys.join_anew(indication.device)
            request = apsme.TransportKeyRequest(
                device=indication.device,
                address=indication.address,
                key_type=1,
                key=NETWORK.key,
                key_sequence=NETWORK.key_sequence,
                protection=KeyIdentifier.KEY_TRANSPORT,
                nwk_secured=False,
            )
            self.host.request(request, now)


KEY_WAIT: Duration = 3 * SECOND


class Joiner(Node):
    """A device that joins what it finds, announces itself and stays; a sleepy one polls."""

    poll_period: Duration = 500 * MILLISECOND

    def start(self, now: Instant) -> None:
        self.host.request(nlme.NetworkDiscoveryRequest(channels=(CHANNEL,), dwell=140 * MILLISECOND), now)

    def indicate(self, indication: Indication, now: Instant) -> None:
        super().indicate(indication, now)
        host = self.host
        if isinstance(indication, nlme.NetworkDiscoveryConfirm):
            if not indication.networks:
                self.start(now)
                return
            request = nlme.JoinRequest(network=indication.networks[0], capability=host.nib.capability)
            host.request(request, now)
        elif isinstance(indication, nlme.JoinConfirm):
            if indication.status is not nlme.JoinStatus.SUCCESS:
                self.start(now)
                return
            self._poll(now)
            host.timers.set(Instant(now + KEY_WAIT), self._check)
        elif isinstance(indication, apsme.TransportKeyIndication):
            host.network_keys.install(indication.key, indication.key_sequence or 0)
            host.network_keys.activate(indication.key_sequence or 0)
            host.request(nlme.StartRouterRequest(), now)
            announcement = zdp.DeviceAnnounce(
                address=host.address, ieee=host.eui64, capability=host.nib.capability
            )
            host.request(zdo.CommandRequest(destination=BROADCAST_RX_ON, command=announcement), now)

    def _check(self, now: Instant) -> None:
        """Begin again if the network key did not come."""
        if self.host.network_keys.active is None:
            self.host.request(nlme.ResetRequest(), now)
            self.start(now)

    def _poll(self, now: Instant) -> None:
        if self.host.nib.receiver_on_when_idle:
            return
        if self.host.nib.joined:
            self.host.request(nlme.SyncRequest(), now)
            self.host.timers.set(Instant(now + self.poll_period), self._poll)

    @property
    def authenticated(self) -> bool:
        return any(isinstance(each, apsme.TransportKeyIndication) for each in self.indications)


class Town:
    """A world with a coordinator in it."""

    def __init__(
        self, seed: int = 1, *, policy: StackPolicy | None = None, config: MediumConfig | None = None
    ) -> None:
        self.entropy = SeededEntropy(seed)
        self.world = World(self.entropy.stream("world"))
        self.medium = Medium(self.world, config)
        self.aired: list[AirFrame] = []
        self.medium.observe(self.aired.append)
        self.center = Center(
            self,
            "center",
            Identity(eui64=TRUST_CENTER, device_type=DeviceType.COORDINATOR, capability=0x8F),
            policy,
        )
        self.center.power()

    def joiner(self, number: int, capability: int, policy: StackPolicy | None = None) -> Joiner:
        """Power a device on."""
        device_type = DeviceType.ROUTER if capability & 0x02 else DeviceType.END_DEVICE
        identity = Identity(
            eui64=Eui64(0x00158D0000000000 + number), device_type=device_type, capability=capability
        )
        joiner = Joiner(self, f"joiner-{number}", identity, policy)
        joiner.power()
        return joiner

    def run(self, seconds: float) -> None:
        self.world.run_until(Instant(self.world.now + round(seconds * SECOND)))
