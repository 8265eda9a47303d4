"""Authentication: which Transport-Key of a network key a device takes."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.joiner.model import JoinerModel
from coordinator.primitives.apsde import Security


def is_clear(security: Security) -> bool:
    """True when nothing at all protected the frame."""
    return security.aps is None and not security.nwk


def accepts_network_key(security: Security, model: JoinerModel, *, authenticated: bool) -> bool:
    """Whether a network key that came protected like this is taken.

    The key-transport key protects it on its way to a joiner. A device in the network also takes its
    successor under NWK security alone (protocol.md 1.5). R21 and later drop a key in the clear,
    some older devices take it (behaviours.md 21).
    """
    if security.aps is KeyIdentifier.KEY_TRANSPORT:
        return True
    if is_clear(security):
        return model.authentication.accepts_clear_network_key and not authenticated
    return security.aps is None and authenticated
