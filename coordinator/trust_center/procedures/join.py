"""Authorisation of a device that associated: it is sent the network key (protocol.md 1.5 and 1.8, step 4)."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsme, nlme
from coordinator.security.material import NetworkKey
from coordinator.stack.plan import NOTHING, Plan, Step
from coordinator.types import SECOND, Duration, Eui64, NwkAddress

NETWORK_KEY = 0x01
"""StandardKeyType of a network key."""


NEXT_KEY_DELAY: Duration = SECOND // 5
"""From the network key in use to the one that is to replace it: time to take the first. Our choice."""


def authorize(
    joined: nlme.JoinIndication, active: NetworkKey | None, next_key: NetworkKey | None = None
) -> Plan:
    """The active network key to our new child; silence when no network key is active.

    APS-protected with the key-transport key of its link key, and without NWK security, since the
    joiner has no network key to open that with. Who joins while that key is being replaced missed the
    broadcast of the next one, and is sent it as well.
    """
    if active is None:
        return NOTHING
    first = transport(joined.device, joined.address, active, nwk_secured=False)
    if next_key is None:
        return Plan.of(first)
    second = transport(joined.device, joined.address, next_key, nwk_secured=True)
    return Plan((Step(request=first), Step(request=second, after=NEXT_KEY_DELAY)))


def transport(
    device: Eui64, address: NwkAddress, key: NetworkKey, *, nwk_secured: bool
) -> apsme.TransportKeyRequest:
    """This network key to one device, under the key-transport key of its link key."""
    return apsme.TransportKeyRequest(
        device=device,
        address=address,
        key_type=NETWORK_KEY,
        key=key.key,
        key_sequence=key.sequence,
        protection=KeyIdentifier.KEY_TRANSPORT,
        nwk_secured=nwk_secured,
    )
