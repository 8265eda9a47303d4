"""The Trust Center's standing policy. Defaults are the compliant R22 baseline."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator.types import SECOND, Duration


class RequireKeyExchange(enum.Enum):
    """Whether a joiner must prove a Trust Center link key of its own to stay.

    ALWAYS and NEVER are the two values of bdbTrustCenterRequireKeyExchange; IF_R21 asks the joiner's
    node descriptor and exempts those older than R21 (docs/sources.md, behaviours 65).
    """

    NEVER = "never"
    ALWAYS = "always"
    IF_R21 = "if-joiner-r21"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustCenterPolicy:
    """What the Trust Center asks of joiners, and how long it waits."""

    require_key_exchange: RequireKeyExchange = RequireKeyExchange.ALWAYS
    node_join_timeout: Duration = 15 * SECOND
    """bdbTrustCenterNodeJoinTimeout, from the network key's Transport-Key."""
    node_descriptor_retry: Duration = 2 * SECOND
    """IF_R21 asks for the joiner's node descriptor this often until it answers or the time is up."""
    key_switch_pause: Duration = 9 * SECOND
    """From the broadcast of a new network key to Switch-Key: nwkNetworkBroadcastDeliveryTime."""
    device_capacity: int = 1024
    """How many devices are remembered; the longest gone is forgotten first."""
