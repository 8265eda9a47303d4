"""Which APS command may arrive under which key: a table, so that no handler has to know."""

from __future__ import annotations

from coordinator.codec.aps_commands import CommandId
from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsde

_NONE = frozenset({None})
_DATA = frozenset({KeyIdentifier.DATA})
LEGAL_PROTECTION: dict[int, frozenset[KeyIdentifier | None]] = {
    CommandId.TRANSPORT_KEY: frozenset({None, KeyIdentifier.KEY_TRANSPORT, KeyIdentifier.KEY_LOAD}),
    CommandId.UPDATE_DEVICE: _NONE | _DATA,
    CommandId.REMOVE_DEVICE: _NONE | _DATA,
    CommandId.REQUEST_KEY: _DATA,
    CommandId.SWITCH_KEY: _NONE | _DATA,
    CommandId.TUNNEL: _NONE,
    CommandId.VERIFY_KEY: _NONE | _DATA,
    CommandId.CONFIRM_KEY: _NONE | _DATA,
}
"""Protocol page 1.5. An unsecured Transport-Key or Confirm-Key passes here: the joiner judges it."""


def illegality(identifier: int, security: apsde.Security) -> str | None:
    """Why a command may not arrive protected like this; None when it may."""
    if not security.nwk and identifier != CommandId.TRANSPORT_KEY:
        return f"APS command 0x{identifier:02x} unsecured at the NWK layer"
    legal = LEGAL_PROTECTION.get(identifier)
    if legal is None:
        return f"APS command 0x{identifier:02x} has no place here"
    if security.aps not in legal:
        how = "without APS security" if security.aps is None else f"under the {security.aps.name} key"
        return f"APS command 0x{identifier:02x} {how}"
    return None
