"""Somebody on the air of the bench, and the network it speaks in."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec import aps, aps_commands, mac, mac_commands, nwk, nwk_commands, zdp
from coordinator.codec.security_header import AuxiliaryHeader, KeyIdentifier, control
from coordinator.security import aps as aps_security
from coordinator.security import nwk as nwk_security
from coordinator.security.aes import Ccm
from coordinator.security.suites import suite
from coordinator.stack.host import Network
from coordinator.types import (
    BROADCAST_PAN,
    COORDINATOR,
    GLOBAL_LINK_KEY,
    NO_ADDRESS,
    Channel,
    Eui64,
    ExtendedPanId,
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
