"""Hand-made traces of joins: what a Trust Center's stack notes, in its order. Times are milliseconds."""

from __future__ import annotations

from collections.abc import Callable

from coordinator import trace
from coordinator.codec import zdp
from coordinator.codec.beacon import ZigbeePayload
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import Indication, Request, apsde, apsme, bdb, mlme, nlme, zdo
from coordinator.types import (
    COORDINATOR,
    GLOBAL_LINK_KEY,
    MILLISECOND,
    Channel,
    Eui64,
    ExtendedPanId,
    Instant,
    Key,
    LinkKeyKind,
    NwkAddress,
)

DEVICE = Eui64.parse("f4:ce:36:00:11:22:33:44")
OTHER = Eui64.parse("f4:ce:36:00:11:22:33:55")
TRUST_CENTER = Eui64.parse("00:12:4b:00:01:02:03:04")
ADDRESS = NwkAddress(0x1234)
NETWORK_KEY = Key(bytes(range(16)))
FRESH = Key(bytes(range(0xA0, 0xB0)))
ROUTER, SLEEPY = 0x8E, 0x80
UNDER_LINK_KEY = apsde.Security(nwk=True, aps=KeyIdentifier.DATA, link_key=LinkKeyKind.GLOBAL)

REUSE = trace.Deviated(
    at=Instant(0),
    behaviour="tclk.reuse_global",
    cause="Request-Key (TC link)",
    before="Transport-Key (TC link, unique key, key-load)",
    after="Transport-Key (TC link, ZigBeeAlliance09, key-load)",
    clause="R21: a fresh key",
)


def us(milliseconds: float) -> Instant:
    return Instant(round(milliseconds * MILLISECOND))


def beacon(*, open_: bool = True, router_room: bool = True, profile: int = 2) -> mlme.BeaconRequest:
    payload = ZigbeePayload(
        extended_pan_id=ExtendedPanId(TRUST_CENTER),
        stack_profile=profile,
        router_capacity=router_room,
        end_device_capacity=True,
    )
    return mlme.BeaconRequest(association_permit=open_, pan_coordinator=True, payload=payload)


class Story:
    """Tells one device's joins to a sink."""

    _requests = 0

    def __init__(
        self,
        note: Callable[[trace.Record], object],
        device: Eui64 = DEVICE,
        address: NwkAddress = ADDRESS,
        capability: int = ROUTER,
    ) -> None:
        self.note = note
        self.device = device
        self.address = address
        self.capability = capability

    def indicate(self, at: float, indication: Indication) -> None:
        self.note(trace.Indicated(at=us(at), indication=indication))

    def request(
        self,
        at: float,
        request: Request,
        *,
        delivered: bool | None = True,
        deviations: tuple[trace.Deviated, ...] = (),
        after: float = 5,
        sent: bool = True,
        reason: str = "no-ack",
    ) -> None:
        """Perform a request, whose frame leaves at once if it is `sent`. It is concluded `after` so many
        milliseconds, undelivered for a `reason`, or not at all when `delivered` is None."""
        Story._requests += 1
        number = Story._requests
        self.note(trace.Requested(at=us(at), request_id=number, request=request, deviations=deviations))
        if sent:
            self.note(
                trace.Sent(at=us(at), handle=number, psdu=b"", deviations=deviations, request_id=number)
            )
        if delivered is not None:
            reason = "" if delivered else reason
            self.note(
                trace.Concluded(at=us(at + after), request_id=number, delivered=delivered, reason=reason)
            )

    def associate(self, at: float = 0, *, status: int = 0, fetched: bool | None = True) -> None:
        """Ask, answer at once, and if it is fetched be indicated 500 ms later."""
        self.indicate(at, mlme.AssociateIndication(device=self.device, capability=self.capability))
        address = self.address if status == 0 else NwkAddress(0xFFFF)
        response = mlme.AssociateResponse(device=self.device, address=address, status=status)
        self.request(at, response, delivered=fetched, after=500 if fetched else 7680)
        if status == 0 and fetched:
            joined = nlme.JoinIndication(device=self.device, address=self.address, capability=self.capability)
            self.indicate(at + 500, joined)

    def network_key(
        self,
        at: float = 500,
        *,
        delivered: bool | None = True,
        protection: KeyIdentifier | None = KeyIdentifier.KEY_TRANSPORT,
    ) -> None:
        request = apsme.TransportKeyRequest(
            device=self.device,
            address=self.address,
            key_type=0x01,
            key=NETWORK_KEY,
            key_sequence=0,
            protection=protection,
            nwk_secured=False,
        )
        self.request(at, request, delivered=delivered)

    def command(self, at: float, command: zdp.Command, *, secured: bool = True) -> None:
        self.indicate(
            at,
            zdo.CommandIndication(
                source=self.address,
                device=self.device,
                broadcast=False,
                sequence=1,
                command=command,
                security=apsde.NWK_ONLY if secured else apsde.UNSECURED,
            ),
        )

    def announce(self, at: float = 510) -> None:
        self.command(
            at, zdp.DeviceAnnounce(address=self.address, ieee=self.device, capability=self.capability)
        )

    def enter(self, at: float = 0) -> None:
        """Everything up to and with Device_annce, 510 ms later."""
        self.associate(at)
        self.network_key(at + 500)
        self.announce(at + 510)

    def ask_descriptor(self, at: float, *, status: int | None = 0) -> None:
        """Node_Desc_req, answered with this status, or not when None."""
        self.command(at, zdp.NodeDescriptorRequest(address=COORDINATOR))
        if status is None:
            return
        descriptor = zdp.NodeDescriptor(
            logical_type=0,
            mac_capability=0x8F,
            manufacturer=0,
            server_mask=0x2C41,
            max_buffer=82,
            max_incoming=82,
            max_outgoing=82,
        )
        response = zdp.NodeDescriptorResponse(
            status=status, address=COORDINATOR, descriptor=descriptor if status == 0 else None
        )
        self.request(at, zdo.CommandRequest(destination=self.address, command=response, sequence=1))

    def request_key(self, at: float) -> None:
        self.indicate(
            at,
            apsme.RequestKeyIndication(
                device=self.device, address=self.address, key_type=0x04, partner=None, security=UNDER_LINK_KEY
            ),
        )

    def offer(
        self,
        at: float,
        key: Key = FRESH,
        kind: LinkKeyKind = LinkKeyKind.UNIQUE,
        *,
        delivered: bool | None = True,
        deviations: tuple[trace.Deviated, ...] = (),
        sent: bool = True,
        reason: str = "no-ack",
    ) -> None:
        request = apsme.TransportKeyRequest(
            device=self.device,
            address=self.address,
            key_type=0x04,
            key=key,
            kind=kind,
            protection=KeyIdentifier.KEY_LOAD,
            nwk_secured=True,
        )
        self.request(at, request, delivered=delivered, deviations=deviations, sent=sent, reason=reason)
        self.note(trace.KeyInUse(at=us(at), key=key, device=self.device, kind=kind))

    def reuse(self, at: float) -> None:
        """The seed's answer: the key that everyone has."""
        deviation = trace.Deviated(
            at=us(at),
            behaviour=REUSE.behaviour,
            cause=REUSE.cause,
            before=REUSE.before,
            after=REUSE.after,
            clause=REUSE.clause,
        )
        self.note(deviation)
        self.offer(at, GLOBAL_LINK_KEY, LinkKeyKind.GLOBAL, deviations=(deviation,))

    def verify(self, at: float) -> None:
        self.indicate(
            at,
            apsme.VerifyKeyIndication(
                device=self.device,
                address=self.address,
                key_type=0x04,
                source=self.device,
                hash=bytes(16),
                security=apsde.NWK_ONLY,
            ),
        )

    def confirm(self, at: float, status: int = 0, *, delivered: bool | None = True) -> None:
        request = apsme.ConfirmKeyRequest(
            device=self.device, address=self.address, status=status, key_type=0x04
        )
        self.request(at, request, delivered=delivered)

    def exchange(self, at: float, key: Key = FRESH, kind: LinkKeyKind = LinkKeyKind.UNIQUE) -> None:
        """A whole key exchange in 40 ms."""
        self.request_key(at)
        self.offer(at + 10, key, kind)
        self.verify(at + 20)
        self.confirm(at + 30)

    def permit(self, at: float) -> None:
        self.command(at, zdp.MgmtPermitJoiningRequest(duration=180, tc_significance=1))

    def leave(self, at: float, *, rejoin: bool = False) -> None:
        self.indicate(at, nlme.LeaveIndication(device=self.device, address=self.address, rejoin=rejoin))

    def time_out(self, at: float) -> None:
        self.indicate(at, bdb.NodeJoinTimeoutIndication(device=self.device, address=self.address))

    def tell_to_leave(self, at: float, *, delivered: bool | None = True) -> None:
        self.request(at, nlme.LeaveRequest(device=self.device, address=self.address), delivered=delivered)

    def frame(self, at: float) -> None:
        """Any frame of the device's, such as a link status: secured, and nothing for an application."""
        header = bytes.fromhex("4188 07 621a ffff") + self.address.to_bytes(2, "little")
        psdu = header + bytes(20)
        self.note(trace.Heard(at=us(at), psdu=psdu, channel=Channel(15), rssi=-40, lqi=255))
