"""A bench for one host stack: octets and primitives in by hand, frames, records and indications out.

`Desk` is the node with its radio played by the test; `Peer` is somebody on the air who can speak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from coordinator import trace
from coordinator.codec import aps, aps_commands, mac, mac_commands, nwk, nwk_commands, zdp
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.entropy import SeededEntropy
from coordinator.primitives import Indication, Request, nlme
from coordinator.security import aps as aps_security
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import Ccm
from coordinator.security.suites import suite
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.host import HostStack, Identity, Network
from coordinator.stack.node import (
    Action,
    ReceivedFrame,
    ReceiverOn,
    SetPending,
    Transmit,
    TransmitStatus,
    Tune,
)
from coordinator.stack.policy import StackPolicy
from coordinator.types import (
    BROADCAST_PAN,
    COORDINATOR,
    GLOBAL_LINK_KEY,
    NO_ADDRESS,
    SECOND,
    Channel,
    DeviceType,
    Duration,
    Entropy,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    NwkAddress,
    PanId,
)

CHANNEL = Channel(15)
PAN = PanId(0x1A62)
EXTENDED_PAN = ExtendedPanId(Eui64(0xDDDDDDDDDDDDDDDD))
TRUST_CENTER = Eui64(0x00124B0001020304)
DEVICE = Eui64(0xF4CE360011223344)
NETWORK_KEY = Key(bytes(range(16)))
ROUTER = 0x8E
SLEEPY = 0x80
AWAKE_END_DEVICE = 0x8C
NETWORK = Network(channel=CHANNEL, pan_id=PAN, extended_pan_id=EXTENDED_PAN, key=NETWORK_KEY)

RecordType = TypeVar("RecordType", bound=trace.Record)
IndicationType = TypeVar("IndicationType", bound=Indication)
ActionType = TypeVar("ActionType", bound=Action)


@dataclass
class Listener:
    """An application that remembers, and does what the test said it does on an indication."""

    indications: list[tuple[Instant, Indication]] = field(default_factory=list)
    reactions: dict[type[Indication], Callable[[Indication, Instant], None]] = field(default_factory=dict)

    def start(self, now: Instant) -> None:
        """Nothing to do."""

    def indicate(self, indication: Indication, now: Instant) -> None:
        self.indications.append((now, indication))
        reaction = self.reactions.get(type(indication))
        if reaction is not None:
            reaction(indication, now)


class Desk:
    """One node and its radio. With `acknowledges` every frame is confirmed as it is taken."""

    def __init__(
        self,
        device_type: DeviceType = DeviceType.COORDINATOR,
        *,
        capability: int = 0x8F,
        policy: StackPolicy | None = None,
        behaviours: Sequence[Behaviour] = (),
        entropy: Entropy | None = None,
        eui64: Eui64 = TRUST_CENTER,
        endpoints: tuple[zdp.SimpleDescriptor, ...] = (),
    ) -> None:
        self.now = Instant(0)
        self.records: list[trace.Record] = []
        self.application = Listener()
        self.host = HostStack(
            Identity(eui64=eui64, device_type=device_type, capability=capability, endpoints=endpoints),
            policy or StackPolicy(),
            entropy or SeededEntropy(1),
            self.records.append,
            behaviours=behaviours,
        )
        self.host.install(self.application)
        self.acknowledges = True
        self.actions: list[Action] = []
        self.outstanding: Transmit | None = None

    # Time and radio

    def run(self, span: Duration) -> None:
        """Let time pass, timer by timer."""
        end = self.now + span
        self.settle()
        while (deadline := self.host.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.host.handle_timeout(self.now)
            self.settle()
        self.now = Instant(end)

    def settle(self) -> None:
        """Take what the node asks for, and confirm frames as long as they are acknowledged."""
        while actions := self.host.take():
            for action in actions:
                self.actions.append(action)
                if isinstance(action, Transmit):
                    assert self.outstanding is None, "two transmissions at once"
                    self.outstanding = action
            if self.acknowledges and self.outstanding is not None:
                self.confirm()

    def confirm(self, status: TransmitStatus = TransmitStatus.SUCCESS, pending: bool = False) -> None:
        """The radio is done with the frame it has."""
        assert self.outstanding is not None, "nothing is being sent"
        handle, self.outstanding = self.outstanding.handle, None
        self.host.confirm(handle, status, pending, self.now)
        self.settle()

    def hear(self, psdu: bytes, *, promised: bool | None = None, lqi: int = 255) -> None:
        """A frame came off the air."""
        frame = ReceivedFrame(psdu=psdu, channel=CHANNEL, rssi=-40, lqi=lqi, acked_with_pending=promised)
        self.host.receive(frame, self.now)
        self.settle()

    def request(self, request: Request) -> None:
        self.host.request(request, self.now)
        self.settle()

    # What came of it

    def asked(self, kind: type[ActionType]) -> list[ActionType]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def sent(self) -> list[bytes]:
        return [action.psdu for action in self.asked(Transmit)]

    @property
    def frames(self) -> list[mac.Frame]:
        return [mac.decode(psdu) for psdu in self.sent]

    def noted(self, kind: type[RecordType]) -> list[RecordType]:
        return [record for record in self.records if isinstance(record, kind)]

    @property
    def dropped(self) -> list[str]:
        return [f"{record.layer}: {record.reason}" for record in self.noted(trace.Dropped)]

    @property
    def concluded(self) -> list[tuple[bool, str]]:
        return [(record.delivered, record.reason) for record in self.noted(trace.Concluded)]

    def indicated(self, kind: type[IndicationType]) -> list[IndicationType]:
        return [each for _, each in self.application.indications if isinstance(each, kind)]

    @property
    def pending(self) -> SetPending:
        """The source-match table as the radio has it."""
        return self.asked(SetPending)[-1]

    @property
    def tuned(self) -> Tune:
        return self.asked(Tune)[-1]

    @property
    def receiver(self) -> bool:
        switched = self.asked(ReceiverOn)
        return switched[-1].on if switched else True

    def forget(self) -> None:
        """Begin a new page: what happened until now is not looked at."""
        self.actions.clear()
        self.records.clear()
        self.application.indications.clear()

    def opened(self) -> list[tuple[nwk.Frame, bytes]]:
        """The NWK frames that were sent, with their payloads in plain."""
        return [open_nwk(frame.payload) for frame in self.frames if frame.type is mac.FrameType.DATA]

    def commands(self) -> list[nwk_commands.Command]:
        """The NWK commands that were sent."""
        return [
            nwk_commands.decode(payload)
            for frame, payload in self.opened()
            if frame.type is nwk.FrameType.COMMAND
        ]

    def apdus(self) -> list[aps.Frame]:
        """The APS frames that were sent."""
        return [aps.decode(payload) for frame, payload in self.opened() if frame.type is nwk.FrameType.DATA]

    def zdp(self) -> list[zdp.Command]:
        """The ZDP commands that were sent."""
        return [
            zdp.decode(frame.cluster or 0, frame.payload).command
            for frame in self.apdus()
            if frame.type is aps.FrameType.DATA and frame.profile == 0
        ]


def open_nwk(octets: bytes, key: Key = NETWORK_KEY) -> tuple[nwk.Frame, bytes]:
    """A NWK frame and its payload in plain."""
    frame = nwk.decode(octets)
    if frame.security is None:
        return frame, frame.payload
    assert frame.security.source is not None
    return frame, nwk_security.unprotect(octets, frame, Ccm(key), frame.security.source)


def formed(**settings: object) -> Desk:
    """A coordinator that formed its network and permits joining."""
    desk = Desk(**settings)  # type: ignore[arg-type]  # keywords of Desk
    desk.host.form(NETWORK, desk.now)
    desk.request(nlme.PermitJoiningRequest(seconds=254))
    desk.forget()
    return desk


@dataclass
class Peer:
    """Somebody on the air. Each frame takes the next sequence numbers and counters."""

    eui64: Eui64 = DEVICE
    address: NwkAddress = NO_ADDRESS
    capability: int = ROUTER
    parent: NwkAddress = COORDINATOR
    sequence: int = 0
    nwk_sequence: int = 0
    aps_counter: int = 0
    counter: int = 1000
    link_counter: int = 0

    # MAC

    def _command(self, frame_control: int, source_pan: PanId | None, source: int, octets: bytes) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFF
        whom = Eui64(source) if source > 0xFFFF else NwkAddress(source)
        return mac.encode(mac.Frame(frame_control, self.sequence, PAN, self.parent, source_pan, whom, octets))

    def association_request(self) -> bytes:
        octets = mac_commands.encode(mac_commands.AssociationRequest(capability=self.capability))
        return self._command(0xC823, BROADCAST_PAN, self.eui64, octets)

    def poll_as_device(self) -> bytes:
        return self._command(0xC863, None, self.eui64, b"\x04")

    def poll(self) -> bytes:
        return self._command(0x8863, None, self.address, b"\x04")

    def frame(self, msdu: bytes, destination: int = COORDINATOR, *, pan: int = PAN) -> bytes:
        """A MAC data frame; to 0xFFFF it asks for no ACK."""
        self.sequence = (self.sequence + 1) & 0xFF
        frame_control = 0x8841 if destination == NO_ADDRESS else 0x8861
        return mac.encode(
            mac.Frame(
                frame_control, self.sequence, PanId(pan), NwkAddress(destination), None, self.address, msdu
            )
        )

    # NWK

    def nwk_octets(
        self,
        payload: bytes,
        destination: int = COORDINATOR,
        *,
        command: bool = False,
        source: int | None = None,
        radius: int = 30,
        counter: int | None = None,
        sequence: int | None = None,
        key_sequence: int = 0,
        secured: bool = True,
        source_ieee: Eui64 | None = None,
        flags: int = 0,
    ) -> bytes:
        if sequence is None:
            self.nwk_sequence = sequence = (self.nwk_sequence + 1) & 0xFF
        if counter is None:
            self.counter = counter = self.counter + 1
        frame_control = nwk.frame_control(
            nwk.FrameType.COMMAND if command else nwk.FrameType.DATA,
            secured=secured,
            source_ieee=source_ieee is not None,
        )
        auxiliary = AuxiliaryHeader(
            control(key_identifier=KeyIdentifier.NETWORK, extended_nonce=True),
            counter,
            self.eui64,
            key_sequence,
        )
        frame = nwk.Frame(
            frame_control | flags,
            NwkAddress(destination),
            self.address if source is None else NwkAddress(source),
            radius,
            sequence,
            source_ieee=source_ieee,
            security=auxiliary if secured else None,
            payload=payload,
        )
        return nwk_security.protect(frame, Ccm(NETWORK_KEY), self.eui64) if secured else nwk.encode(frame)

    def nwk_command(
        self, command: nwk_commands.Command, destination: int = COORDINATOR, radius: int = 1
    ) -> bytes:
        """A secured NWK command in a MAC frame."""
        octets = self.nwk_octets(
            nwk_commands.encode(command), destination, command=True, radius=radius, source_ieee=self.eui64
        )
        return self.frame(octets, NO_ADDRESS if destination >= 0xFFF8 else destination)

    # APS

    def apdu(
        self,
        payload: bytes = b"hello",
        *,
        cluster: int = 0x0006,
        profile: int = 0x0104,
        endpoint: int = 1,
        ack: bool = True,
        counter: int | None = None,
        flags: int = 0,
        extended: aps.ExtendedHeader | None = None,
    ) -> bytes:
        if counter is None:
            self.aps_counter = counter = (self.aps_counter + 1) & 0xFF
        return aps.encode(
            aps.Frame(
                flags | (aps.ACK_REQUEST if ack else 0) | (aps.EXTENDED_HEADER if extended else 0),
                endpoint,
                None,
                cluster,
                profile,
                1 if endpoint else 0,
                counter,
                extended,
                None,
                payload,
            )
        )

    def data(self, payload: bytes = b"hello", **options: object) -> bytes:
        """Application data in a MAC frame."""
        return self.frame(self.nwk_octets(self.apdu(payload, **options)))  # type: ignore[arg-type]

    def zdp(self, command: zdp.Command, destination: int = COORDINATOR, sequence: int = 0x42) -> bytes:
        """A ZDP command in a MAC frame."""
        broadcast = destination >= 0xFFF8
        apdu = self.apdu(
            zdp.encode(zdp.Message(sequence=sequence, command=command)),
            cluster=zdp.cluster_of(command),
            profile=0,
            endpoint=0,
            ack=False,
            flags=0x08 if broadcast else 0,
        )
        return self.frame(self.nwk_octets(apdu, destination), NO_ADDRESS if broadcast else destination)

    def aps_command(
        self,
        command: aps_commands.Command,
        *,
        protection: KeyIdentifier | None = None,
        key: Key = GLOBAL_LINK_KEY,
        counter: int | None = None,
        ack: bool = False,
    ) -> bytes:
        """The APDU of an APS command."""
        self.aps_counter = (self.aps_counter + 1) & 0xFF
        frame_control = aps.frame_control(
            aps.FrameType.COMMAND, secured=protection is not None, ack_request=ack
        )
        if counter is None:
            self.link_counter = counter = self.link_counter + 1
        auxiliary = None
        if protection is not None:
            auxiliary = AuxiliaryHeader(
                control(key_identifier=protection, extended_nonce=True), counter, self.eui64, None
            )
        frame = aps.Frame(
            frame_control,
            None,
            None,
            None,
            None,
            None,
            self.aps_counter,
            None,
            auxiliary,
            aps_commands.encode(command),
        )
        if protection is None:
            return aps.encode(frame)
        return aps_security.protect(frame, suite(key).cipher(protection), self.eui64)


def associated(desk: Desk, peer: Peer) -> Peer:
    """Let the peer associate with the coordinator and take its address."""
    desk.hear(peer.association_request())
    desk.run(SECOND // 2)
    desk.hear(peer.poll_as_device())
    commands = [frame for frame in desk.frames if frame.type is mac.FrameType.COMMAND]
    response = mac_commands.decode(commands[-1].payload)
    assert isinstance(response, mac_commands.AssociationResponse)
    assert response.status == 0
    peer.address = response.address
    desk.forget()
    return peer


def member(desk: Desk, eui64: Eui64 = DEVICE, capability: int = ROUTER) -> Peer:
    """A peer that associated and was heard under the network key."""
    peer = associated(desk, Peer(eui64=eui64, capability=capability))
    desk.hear(peer.data(ack=False))
    desk.forget()
    return peer
