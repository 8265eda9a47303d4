"""Answering Verify-Key with Confirm-Key (protocol.md 1.4, 1.5 and 1.8, steps 9 and 10)."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives import apsme
from coordinator.security.material import LinkKeyEntry
from coordinator.security.suites import suite
from coordinator.stack.plan import Plan
from coordinator.trust_center.device import Standing
from coordinator.trust_center.procedures.link_key import TRUST_CENTER_LINK_KEY
from coordinator.types import Key

SUCCESS = 0x00
ILLEGAL_REQUEST = 0xA3
SECURITY_FAIL = 0xAD


def expected_key(standing: Standing, entry: LinkKeyEntry | None) -> Key | None:
    """The key that a Verify-Key must prove now.

    That is the one that was offered. A verified device that was offered nothing since repeats
    itself, because our Confirm-Key was lost: it must prove the key in use. None: nothing to prove.
    """
    if entry is None:
        return None
    if entry.pending is not None:
        return entry.pending.key
    return entry.current.key if standing is Standing.VERIFIED else None


def confirm(verified: apsme.VerifyKeyIndication, expected: Key | None, *, known: bool) -> Plan:
    """Confirm-Key: SUCCESS if, and only if, the hash is that of `expected`.

    A wrong hash, and a Verify-Key with nothing to prove, is a SECURITY_FAIL. A device that is not
    `known` shares no key with us, so its refusal goes without APS security (protocol.md 1.5). That an
    unknown device gets SECURITY_FAIL, and another key type ILLEGAL_REQUEST, is unverified.
    """
    return Plan.of(
        apsme.ConfirmKeyRequest(
            device=verified.source,
            address=verified.address,
            status=_status(verified, expected),
            key_type=verified.key_type,
            protection=KeyIdentifier.DATA if known else None,
        )
    )


def _status(verified: apsme.VerifyKeyIndication, expected: Key | None) -> int:
    if verified.key_type != TRUST_CENTER_LINK_KEY:
        return ILLEGAL_REQUEST
    if expected is None or verified.hash != suite(expected).verify_hash:
        return SECURITY_FAIL
    return SUCCESS
