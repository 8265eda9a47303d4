"""A joiner's engine on a stack that is a script: real timers and keys, no frames.

The stack here confirms scans and associations as it is told, and shows every request with its time.
The Trust Center is the test: it indicates what it likes. Its identity is that of protocol.md 1.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.beacon import ZigbeePayload
from coordinator.codec.security_header import KeyIdentifier
from coordinator.joiner.device import State
from coordinator.joiner.engine import Engine
from coordinator.joiner.model import JoinerModel
from coordinator.primitives import Indication, Request, apsde, apsme, nlme, zdo
from coordinator.profiles import joiners
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.conductor import Conductor, Deviations
from coordinator.stack.manner import Manner
from coordinator.stack.timers import Timers
from coordinator.types import (
    COORDINATOR,
    SECOND,
    Channel,
    Duration,
    Entropy,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    LinkKeyKind,
    NwkAddress,
    PanId,
)

TRUST_CENTER = Eui64(0x00124B0001020304)
JOINER = Eui64(0xF4CE360011223344)
ADDRESS = NwkAddress(0x1234)
NETWORK_KEY = Key(bytes(range(0x10)))
FRESH_KEY = Key(bytes(range(0xA0, 0xB0)))
SERVER_MASK_R22 = 0x2C41
SERVER_MASK_R21 = 0x2A41
SERVER_MASK_R20 = 0x2841
SERVER_MASK_PRE_R21 = 0x0041

KEY_TRANSPORTED = apsde.Security(nwk=False, aps=KeyIdentifier.KEY_TRANSPORT, link_key=LinkKeyKind.GLOBAL)
KEY_LOADED = apsde.Security(nwk=True, aps=KeyIdentifier.KEY_LOAD, link_key=LinkKeyKind.GLOBAL)
UNDER_NEW_KEY = apsde.Security(nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.UNIQUE)

RequestType = TypeVar("RequestType", bound=Request)
CommandType = TypeVar("CommandType", bound=zdp.Command)


class NoEntropy:
    """A joiner draws nothing."""

    def octets(self, count: int) -> bytes:
        raise AssertionError(f"{count} random octets were drawn")

    def integer(self, low: int, high: int) -> int:
        raise AssertionError(f"a random integer from {low} to {high} was drawn")


def network(
    *,
    pan_id: int = 0x1A62,
    lqi: int = 200,
    permit: bool = True,
    profile: int = 2,
    router_capacity: bool = True,
    end_device_capacity: bool = True,
) -> nlme.NetworkDescriptor:
    """A beacon as a scan reports it."""
    return nlme.NetworkDescriptor(
        channel=Channel(15),
        pan_id=PanId(pan_id),
        address=COORDINATOR,
        association_permit=permit,
        payload=ZigbeePayload(
            stack_profile=profile,
            router_capacity=router_capacity,
            end_device_capacity=end_device_capacity,
            extended_pan_id=ExtendedPanId(Eui64(0xDDDDDDDDDDDDDDDD)),
        ),
        lqi=lqi,
    )


@dataclass
class Bench:
    """One joiner and its scripted stack; also its `Services`.

    A scan hears `networks`; associations end as `associations` says in turn, then with success.
    """

    model: JoinerModel
    networks: tuple[nlme.NetworkDescriptor, ...] = field(default_factory=lambda: (network(),))
    associations: list[nlme.JoinStatus] = field(default_factory=list)
    answers: dict[type, Callable[[Bench], None]] = field(default_factory=dict)
    now: Instant = Instant(0)
    eui64: Eui64 = JOINER
    address: NwkAddress = ADDRESS
    entropy: Entropy = field(default_factory=NoEntropy)

    def __post_init__(self) -> None:
        self.timers = Timers()
        self.link_keys = LinkKeys()
        self.network_keys = NetworkKeys()
        self.conductor = Conductor(self.timers, self.note, self._perform)
        self.requests: list[tuple[Instant, Request]] = []
        self.joined_at = Instant(0)
        self.engine = Engine(self, self.model)

    # Services

    def note(self, record: trace.Record) -> None:
        raise AssertionError(f"a joiner reports nothing, but noted {record}")

    def request(self, request: Request, now: Instant) -> None:
        assert now == self.now
        self.requests.append((now, request))
        match request:
            case nlme.NetworkDiscoveryRequest():
                span = len(request.channels) * request.dwell
                self._later(span, nlme.NetworkDiscoveryConfirm(networks=self.networks))
            case nlme.JoinRequest():
                status = self.associations.pop(0) if self.associations else nlme.JoinStatus.SUCCESS
                self._later(500_000, nlme.JoinConfirm(status=status, address=ADDRESS))
            case zdo.CommandRequest():
                self._answer(type(request.command))
            case _:
                self._answer(type(request))

    def _answer(self, kind: type) -> None:
        answer = self.answers.get(kind)
        if answer is not None:
            self.timers.set(Instant(self.now + 10_000), lambda _: answer(self))

    def _later(self, span: Duration, indication: Indication) -> None:
        self.timers.set(Instant(self.now + span), lambda now: self.engine.indicate(indication, now))

    def _perform(self, request: Request, now: Instant, deviations: Deviations, _manner: Manner) -> None:
        raise AssertionError("a joiner answers nothing through the conductor")

    # The test's hands

    def run(self, span: Duration) -> None:
        """Let time pass."""
        end = self.now + span
        while (deadline := self.timers.next_deadline()) is not None and deadline <= end:
            self.now = deadline
            self.timers.fire_due(deadline)
        self.now = Instant(end)

    def power_on(self) -> None:
        self.engine.start(self.now)

    def indicate(self, indication: Indication) -> None:
        self.engine.indicate(indication, self.now)

    def associate(self) -> None:
        """Power on and run until the association is confirmed."""
        self.power_on()
        self.run(16 * self.model.scan.dwell + 500_000)

    def enter_network(self) -> None:
        """Power on, associate, get the network key in the right way."""
        self.associate()
        self.joined_at = self.now
        self.send_network_key()

    def state(self) -> State:
        """Where the joiner is now (a call, so that a type checker does not remember it)."""
        return self.engine.state

    def since_join(self, at: Instant) -> float:
        """Seconds since the network key."""
        return (at - self.joined_at) / SECOND

    # What a Trust Center sends

    def send_network_key(self, security: apsde.Security = KEY_TRANSPORTED, key: Key = NETWORK_KEY) -> None:
        self.indicate(transport_key(0x01, key, security, sequence=0))

    def send_descriptor(self, server_mask: int = SERVER_MASK_R22, status: int = 0) -> None:
        descriptor = None if status else node_descriptor(server_mask)
        self.send_zdp(zdp.NodeDescriptorResponse(status=status, address=COORDINATOR, descriptor=descriptor))

    def send_link_key(self, key: Key = FRESH_KEY, security: apsde.Security = KEY_LOADED) -> None:
        self.indicate(transport_key(0x04, key, security))

    def send_confirmation(self, status: int = 0, security: apsde.Security = UNDER_NEW_KEY) -> None:
        self.indicate(
            apsme.ConfirmKeyIndication(
                source=TRUST_CENTER, status=status, key_type=0x04, device=JOINER, security=security
            )
        )

    def send_zdp(self, command: zdp.Command, source: NwkAddress = COORDINATOR) -> None:
        self.indicate(
            zdo.CommandIndication(
                source=source,
                device=None,
                broadcast=False,
                sequence=1,
                command=command,
                security=apsde.NWK_ONLY,
            )
        )

    # What the joiner asked for

    def made(self, kind: type[RequestType]) -> list[tuple[Instant, RequestType]]:
        """The requests of one kind, with their times."""
        return [(at, request) for at, request in self.requests if isinstance(request, kind)]

    def commands(self, kind: type[CommandType]) -> list[tuple[float, CommandType, NwkAddress]]:
        """The ZDP commands of one kind: seconds since the network key, command, destination."""
        return [
            (self.since_join(at), request.command, request.destination)
            for at, request in self.made(zdo.CommandRequest)
            if isinstance(request.command, kind)
        ]

    def times(self, kind: type[Request] | type[zdp.Command]) -> list[float]:
        """When requests or ZDP commands of one kind were made, in seconds since the network key."""
        return [
            self.since_join(at)
            for at, request in self.requests
            if isinstance(request, kind)
            or (isinstance(request, zdo.CommandRequest) and isinstance(request.command, kind))
        ]


def node_descriptor(server_mask: int) -> zdp.NodeDescriptor:
    """A coordinator's node descriptor."""
    return zdp.NodeDescriptor(
        logical_type=0,
        mac_capability=0x8F,
        manufacturer=0x1337,
        server_mask=server_mask,
        max_buffer=82,
        max_incoming=128,
        max_outgoing=128,
    )


def transport_key(
    key_type: int, key: Key, security: apsde.Security, sequence: int | None = None
) -> apsme.TransportKeyIndication:
    """A Transport-Key from the Trust Center for the joiner."""
    return apsme.TransportKeyIndication(
        source=TRUST_CENTER,
        device=JOINER,
        key_type=key_type,
        key=key,
        key_sequence=sequence,
        security=security,
    )


def joiner(name: str, **changes: object) -> Bench:
    """A bench with a shipped joiner."""
    return Bench(joiners.load(name), **changes)  # type: ignore[arg-type]  # keywords of Bench


def compliant(
    *,
    key: Key = FRESH_KEY,
    server_mask: int = SERVER_MASK_R22,
    confirm: int = 0,
    answer: tuple[type, ...] = (zdp.NodeDescriptorRequest, apsme.RequestKeyRequest, apsme.VerifyKeyRequest),
) -> dict[type, Callable[[Bench], None]]:
    """How a Trust Center answers 10 ms after each request in `answer`; the others it ignores."""
    answers: dict[type, Callable[[Bench], None]] = {
        zdp.NodeDescriptorRequest: lambda bench: bench.send_descriptor(server_mask),
        apsme.RequestKeyRequest: lambda bench: bench.send_link_key(key),
        apsme.VerifyKeyRequest: lambda bench: bench.send_confirmation(confirm),
    }
    return {kind: answers[kind] for kind in answer}
