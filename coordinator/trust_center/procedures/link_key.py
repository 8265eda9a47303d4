"""Answering Request-Key with a Trust Center link key (protocol.md 1.5 and 1.8, steps 7 and 8)."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsme
from coordinator.stack.plan import NOTHING, Plan
from coordinator.types import Key, LinkKeyKind

TRUST_CENTER_LINK_KEY = 0x04
"""StandardKeyType of a Trust Center link key, and the key type of the Request-Key that asks for one."""

APPLICATION_LINK_KEY_REQUEST = 0x02
"""The key type of a Request-Key that asks for an application link key with a partner."""


def asks_for_link_key(request: apsme.RequestKeyIndication) -> bool:
    """Whether this Request-Key asks for a Trust Center link key."""
    return request.key_type == TRUST_CENTER_LINK_KEY


def transport(request: apsme.RequestKeyIndication, proposed: Key | None) -> Plan:
    """`proposed` to the device that asks, under the key-load key of its present link key.

    The same `proposed` for a repeated request gives the same plan: some joiners ask again before the
    first answer is through (behaviours.md, Telink). None, for whoever is entitled to nothing, is
    silence; so is any other key type.
    """
    if proposed is None or not asks_for_link_key(request):
        return NOTHING
    return Plan.of(
        apsme.TransportKeyRequest(
            device=request.device,
            address=request.address,
            key_type=TRUST_CENTER_LINK_KEY,
            key=proposed,
            kind=LinkKeyKind.UNIQUE,
            protection=KeyIdentifier.KEY_LOAD,
            nwk_secured=True,
        )
    )


def refusal(request: apsme.RequestKeyIndication) -> str | None:
    """Why this kind of request gets no answer, in words; None for a Trust Center link key."""
    if asks_for_link_key(request):
        return None
    if request.key_type == APPLICATION_LINK_KEY_REQUEST:
        return f"asked for an application link key with {request.partner}: none are given out"
    return f"asked for a key of type 0x{request.key_type:02x}: no such request is answered"
