"""The stack's standing policy: what it says of itself in beacons, associations and descriptors."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.types import SECOND, Duration

SERVER_PRIMARY_TRUST_CENTER = 0x0001
SERVER_NETWORK_MANAGER = 0x0040


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPolicy:
    """Defaults are a compliant R22 node. Table sizes bound memory, not the protocol."""

    stack_profile: int = 2
    router_capacity: bool = True
    end_device_capacity: bool = True
    beacon_association_permit: bool | None = None
    """None: the beacon tells the truth about the permit timer."""
    stack_revision: int | None = 22
    """Node descriptor server mask bits 9 to 15; None leaves them zero, as before R21."""
    primary_trust_center: bool = False
    network_manager: bool = False
    manufacturer_code: int = 0x1337
    neighbor_capacity: int = 128
    transaction_persistence: Duration = 7_680_000
    """macTransactionPersistenceTime: how long an indirect frame waits for its poll."""
    link_status_period: Duration = 15 * SECOND
    """nwkLinkStatusPeriod."""
    router_age_limit: int = 3
    """nwkRouterAgeLimit: link-status periods without news before a neighbour is stale."""
    end_device_timeout: int = 8
    """nwkEndDeviceTimeoutDefault: index of the timeout table; 8 is 256 minutes."""

    @property
    def server_mask(self) -> int:
        """The server mask of our node descriptor (05-3474, 2.3.2.3.10)."""
        return (
            (SERVER_PRIMARY_TRUST_CENTER if self.primary_trust_center else 0)
            | (SERVER_NETWORK_MANAGER if self.network_manager else 0)
            | ((self.stack_revision or 0) << 9)
        )
