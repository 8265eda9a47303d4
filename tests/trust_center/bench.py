"""A Trust Center's engine on a stack that is not there: real timers, conductor and key material.

What the stack would do with a request is recorded, and of its effects only those on key material happen
(an offered key is pending, a successful Confirm-Key promotes it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Request, apsde, apsme, nlme, zdo
from coordinator.security.keys import verify_key_hash
from coordinator.security.material import LinkKeys, NetworkKeys
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.conductor import Conductor, Deviations
from coordinator.stack.manner import Manner
from coordinator.stack.timers import Timers
from coordinator.trust_center.device import Standing
from coordinator.trust_center.engine import Engine
from coordinator.trust_center.policy import TrustCenterPolicy
from coordinator.types import (
    Eui64,
    Instant,
    Key,
    LinkKeyKind,
    NwkAddress,
)

TRUST_CENTER = Eui64(0x00124B0001020304)
JOINER = Eui64(0xF4CE360011223344)
ADDRESS = NwkAddress(0x1234)
ROUTER = Eui64(0xF4CE360055667788)
ROUTER_ADDRESS = NwkAddress(0x2222)
NETWORK_KEY = Key(bytes(range(16)))
ROUTER_CAPABILITY = 0x8E

NWK = apsde.Security(nwk=True)
UNDER_LINK_KEY = apsde.Security(nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL)


class CountingEntropy:
    """Octets that follow from how many draws there were."""

    def __init__(self) -> None:
        self.draws = 0

    def octets(self, count: int) -> bytes:
        self.draws += 1
        return hashlib.sha256(self.draws.to_bytes(8, "big")).digest()[:count]

    def integer(self, low: int, high: int) -> int:
        return low + int.from_bytes(self.octets(8), "big") % (high - low + 1)


class RecordingServices:
    """`stack.application.Services` whose stack only records."""

    def __init__(self, behaviours: Sequence[Behaviour] = ()) -> None:
        self.eui64 = TRUST_CENTER
        self.address = NwkAddress(0x0000)
        self.timers = Timers()
        self.entropy = CountingEntropy()
        self.network_keys = NetworkKeys()
        self.link_keys = LinkKeys()
        self.records: list[trace.Record] = []
        self.performed: list[tuple[Instant, Request]] = []
        self.conductor = Conductor(self.timers, self.note, self.perform)
        self.switch(behaviours)

    def switch(self, behaviours: Sequence[Behaviour]) -> None:
        self.conductor.switch(Manner.of(self.conductor.manner.generation + 1, behaviours))

    def note(self, record: trace.Record) -> None:
        self.records.append(record)

    def request(self, request: Request, now: Instant) -> None:
        self.perform(request, now, (), self.conductor.manner)

    def perform(self, request: Request, now: Instant, deviations: Deviations, _manner: Manner) -> None:
        self.performed.append((now, request))
        match request:
            case apsme.TransportKeyRequest(key_type=0x04):
                self.link_keys.offer(request.device, request.key, request.kind or LinkKeyKind.UNIQUE)
            case apsme.ConfirmKeyRequest(status=0x00):
                entry = self.link_keys.find(request.device)
                if entry is not None and entry.pending is not None:
                    self.link_keys.promote(request.device)
            case nlme.SetActiveKeyRequest(sequence=sequence):
                self.network_keys.activate(sequence)
            case _:
                pass


class Bench:
    """An engine with a clock, and what a joiner does to it, in words."""

    def __init__(
        self,
        policy: TrustCenterPolicy | None = None,
        behaviours: Sequence[Behaviour] = (),
        *,
        network_key: bool = True,
    ) -> None:
        self.now = Instant(0)
        self.services = RecordingServices(behaviours)
        if network_key:
            self.services.network_keys.install(NETWORK_KEY, 0)
            self.services.network_keys.activate(0)
        self.engine = Engine(self.services, policy or TrustCenterPolicy())
        self.engine.start(self.now)

    # what happens

    def advance(self, by: int) -> None:
        """Let this many microseconds pass, each deadline at its own time."""
        end = Instant(self.now + by)
        while (due := self.services.timers.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.services.timers.fire_due(self.now)
        self.now = end

    def join(self, device: Eui64 = JOINER, address: NwkAddress = ADDRESS) -> None:
        joined = nlme.JoinIndication(device=device, address=address, capability=ROUTER_CAPABILITY)
        self.engine.indicate(joined, self.now)

    def announce(self, device: Eui64 = JOINER, address: NwkAddress = ADDRESS) -> None:
        command = zdp.DeviceAnnounce(address=address, ieee=device, capability=ROUTER_CAPABILITY)
        self.command(command, device, address, broadcast=True)

    def describe(
        self, revision: int, device: Eui64 | None = JOINER, address: NwkAddress = ADDRESS, status: int = 0
    ) -> None:
        descriptor = zdp.NodeDescriptor(
            logical_type=1,
            mac_capability=ROUTER_CAPABILITY,
            manufacturer=0x1141,
            server_mask=revision << 9,
            max_buffer=82,
            max_incoming=255,
            max_outgoing=255,
        )
        response = zdp.NodeDescriptorResponse(
            status=status, address=address, descriptor=None if status else descriptor
        )
        self.command(response, device, address)

    def command(
        self, command: zdp.Command, device: Eui64 | None, address: NwkAddress, *, broadcast: bool = False
    ) -> None:
        indication = zdo.CommandIndication(
            source=address, device=device, broadcast=broadcast, sequence=1, command=command, security=NWK
        )
        self.engine.indicate(indication, self.now)

    def request_key(
        self, key_type: int = 0x04, device: Eui64 = JOINER, address: NwkAddress = ADDRESS
    ) -> None:
        partner = ROUTER if key_type == 0x02 else None
        request = apsme.RequestKeyIndication(
            device=device, address=address, key_type=key_type, partner=partner, security=UNDER_LINK_KEY
        )
        self.engine.indicate(request, self.now)

    def verify_hash(
        self,
        octets: bytes,
        device: Eui64 = JOINER,
        address: NwkAddress = ADDRESS,
        *,
        sender: Eui64 | None = None,
    ) -> None:
        request = apsme.VerifyKeyIndication(
            device=sender or device, address=address, key_type=0x04, source=device, hash=octets, security=NWK
        )
        self.engine.indicate(request, self.now)

    def verify(self, key: Key, device: Eui64 = JOINER, address: NwkAddress = ADDRESS) -> None:
        self.verify_hash(verify_key_hash(key), device, address)

    def leave(
        self, device: Eui64 | None = JOINER, address: NwkAddress = ADDRESS, *, rejoin: bool = False
    ) -> None:
        self.engine.indicate(nlme.LeaveIndication(device=device, address=address, rejoin=rejoin), self.now)

    def update_device(self, status: int, parent: Eui64 | None = ROUTER) -> None:
        update = apsme.UpdateDeviceIndication(
            parent=parent, device=JOINER, address=NwkAddress(0x3333), status=status, security=NWK
        )
        self.engine.indicate(update, self.now)

    def secure_join(self, device: Eui64 = JOINER, address: NwkAddress = ADDRESS) -> None:
        """The compliant sequence up to a verified key."""
        self.join(device, address)
        self.announce(device, address)
        self.request_key(device=device, address=address)
        self.verify(self.offered(), device, address)

    # what came of it

    def requests(self) -> list[Request]:
        """What was performed since the last time this was asked."""
        performed = [request for _, request in self.services.performed]
        self.services.performed.clear()
        return performed

    def offered(self) -> Key:
        """The Trust Center link key sent last."""
        for _, request in reversed(self.services.performed):
            if isinstance(request, apsme.TransportKeyRequest) and request.key_type == 0x04:
                return request.key
        raise AssertionError("no link key was sent")

    def standing(self, device: Eui64 = JOINER) -> Standing:
        record = self.engine.devices.find(device)
        return Standing.UNKNOWN if record is None else record.standing

    def findings(self) -> list[str]:
        return [record.summary for record in self.services.records if isinstance(record, trace.Finding)]

    def changes(self) -> list[tuple[str, str, str]]:
        return [
            (record.before, record.event, record.after)
            for record in self.services.records
            if isinstance(record, trace.StandingChanged)
        ]

    def deviations(self) -> list[trace.Deviated]:
        return [record for record in self.services.records if isinstance(record, trace.Deviated)]
