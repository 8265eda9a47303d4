"""A bench for one host stack: octets and primitives in by hand, frames, records and indications out.

`Desk` is the node with its radio played by the test; a `Peer` is somebody on the air who can speak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from coordinator import trace
from coordinator.codec import aps, mac, mac_commands, nwk, nwk_commands, zdp
from coordinator.entropy import SeededEntropy
from coordinator.primitives import Indication, Request, nlme
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import Ccm
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.host import HostStack, Identity
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
    SECOND,
    DeviceType,
    Duration,
    Entropy,
    Eui64,
    Instant,
    Key,
)
from tests.stack.peer import CHANNEL, DEVICE, NETWORK, NETWORK_KEY, ROUTER, TRUST_CENTER, Peer

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
