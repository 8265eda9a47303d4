"""The information base of one node: what MAC, NWK and APS share (NIB, PIB and AIB of the specifications)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.types import (
    ADDRESS_UNALLOCATED,
    BROADCAST_PAN,
    COORDINATOR,
    NO_ADDRESS,
    Channel,
    DeviceType,
    Eui64,
    ExtendedPanId,
    Instant,
    NwkAddress,
    PanId,
)

FOREVER = Instant(1 << 62)
"""A permit-joining that ends only when told to (duration 0xFF)."""

NO_EXTENDED_PAN_ID = ExtendedPanId(Eui64(0))


@dataclass(slots=True, kw_only=True)
class Nib:
    """Mutable, one per node, owned by its `HostStack`. Attribute names are the specification's."""

    eui64: Eui64
    device_type: DeviceType
    capability: int
    channel: Channel = Channel(11)
    pan_id: PanId = BROADCAST_PAN
    extended_pan_id: ExtendedPanId = NO_EXTENDED_PAN_ID
    address: NwkAddress = NO_ADDRESS
    update_id: int = 0
    depth: int = 0
    parent: NwkAddress | None = None
    parent_device: Eui64 | None = None
    trust_center: Eui64 | None = None
    """apsTrustCenterAddress; None until a Transport-Key named it."""
    started: bool = False
    """True for a coordinator that formed and a router that was started: relays, beacons, link status."""
    permit_until: Instant = Instant(0)
    allowed: frozenset[Eui64] | None = None
    """Who may associate and be sent keys, whatever a behaviour makes of it; None: anybody."""
    sequence_number: int = 0
    aps_counter: int = 0
    zdp_sequence: int = 0

    @property
    def joined(self) -> bool:
        """True when this node has a network address."""
        return self.address < ADDRESS_UNALLOCATED

    @property
    def is_router(self) -> bool:
        """True for a coordinator or a router."""
        return self.device_type is not DeviceType.END_DEVICE

    @property
    def receiver_on_when_idle(self) -> bool:
        """False for a sleepy end device (capability bit 3)."""
        return bool(self.capability & 0x08)

    def permits_joining(self, now: Instant) -> bool:
        """Whether the permit-joining period is running."""
        return now < self.permit_until

    def admits(self, device: Eui64) -> bool:
        """Whether the allow-list, if there is one, has this device."""
        return self.allowed is None or device in self.allowed

    def next_sequence(self) -> int:
        """The next NWK sequence number."""
        self.sequence_number = (self.sequence_number + 1) & 0xFF
        return self.sequence_number

    def next_aps_counter(self) -> int:
        """The next APS counter."""
        self.aps_counter = (self.aps_counter + 1) & 0xFF
        return self.aps_counter

    def next_zdp_sequence(self) -> int:
        """The next ZDP transaction sequence number."""
        self.zdp_sequence = (self.zdp_sequence + 1) & 0xFF
        return self.zdp_sequence

    def leave_network(self) -> None:
        """Forget the network; the counters stay, so that nothing sent later repeats them."""
        self.pan_id = BROADCAST_PAN
        self.extended_pan_id = NO_EXTENDED_PAN_ID
        self.address = COORDINATOR if self.device_type is DeviceType.COORDINATOR else NO_ADDRESS
        self.parent = None
        self.parent_device = None
        self.trust_center = None
        self.started = False
        self.permit_until = Instant(0)
