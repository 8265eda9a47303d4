"""Authorisation of a device that associated: it is sent the network key (protocol.md 1.5 and 1.8, step 4)."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsme, nlme
from coordinator.security.material import NetworkKey
from coordinator.stack.plan import NOTHING, Plan

NETWORK_KEY = 0x01
"""StandardKeyType of a network key."""


def authorize(joined: nlme.JoinIndication, active: NetworkKey | None) -> Plan:
    """The active network key to our new child; silence when no network key is active.

    APS-protected with the key-transport key of its link key, and without NWK security, since the
    joiner has no network key to open that with.
    """
    if active is None:
        return NOTHING
    return Plan.of(
        apsme.TransportKeyRequest(
            device=joined.device,
            address=joined.address,
            key_type=NETWORK_KEY,
            key=active.key,
            key_sequence=active.sequence,
            protection=KeyIdentifier.KEY_TRANSPORT,
            nwk_secured=False,
        )
    )
