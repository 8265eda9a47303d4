"""APSME-SAP: key establishment and device management (05-3474, clause 4.4).

Requests say how they are to be protected (`protection`, `nwk_secured`), so that an old or broken
Trust Center's choice is a value that a behaviour can substitute.
"""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec.security_header import KeyIdentifier
from coordinator.primitives.apsde import Security
from coordinator.types import Eui64, Key, LinkKeyKind, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportKeyRequest:
    """APSME-TRANSPORT-KEY.request (4.4.2).

    `key_type` is the StandardKeyType octet: 0x01 network, 0x03 application link, 0x04 Trust Center
    link. `key_sequence` goes with 0x01, `kind` with 0x04 (what that link key is), `partner` and
    `initiator` with 0x03. `protection` None sends it with no APS security at all.
    To all at once, it is for `device` 0 and goes to a broadcast address.
    """

    device: Eui64
    address: NwkAddress
    key_type: int
    key: Key
    key_sequence: int | None = None
    kind: LinkKeyKind | None = None
    partner: Eui64 | None = None
    initiator: bool = False
    protection: KeyIdentifier | None
    nwk_secured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportKeyIndication:
    """APSME-TRANSPORT-KEY.indication. `source` is the source EUI-64 field: the Trust Center's, if true."""

    source: Eui64
    device: Eui64
    key_type: int
    key: Key
    key_sequence: int | None
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDeviceIndication:
    """APSME-UPDATE-DEVICE.indication at the Trust Center (4.4.3). `parent` is the router that says so."""

    parent: Eui64 | None
    device: Eui64
    address: NwkAddress
    status: int
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDeviceRequest:
    """APSME-REMOVE-DEVICE.request (4.4.4): ask `parent` (or the router itself) to remove `target`."""

    parent: Eui64
    parent_address: NwkAddress
    target: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveDeviceIndication:
    """APSME-REMOVE-DEVICE.indication at a router."""

    source: Eui64 | None
    target: Eui64
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKeyRequest:
    """APSME-REQUEST-KEY.request (4.4.5): key type 0x04, or 0x02 with the partner."""

    address: NwkAddress
    key_type: int
    partner: Eui64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKeyIndication:
    """APSME-REQUEST-KEY.indication at the Trust Center.

    `current` is the link key that the device asked under and `current_kind` what it is; `previous` is
    the last unique key it had before. They are None where nobody could tell.
    """

    device: Eui64
    address: NwkAddress
    key_type: int
    partner: Eui64 | None
    security: Security
    current: Key | None = None
    current_kind: LinkKeyKind | None = None
    previous: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyKeyRequest:
    """APSME-VERIFY-KEY.request (4.4.7) at the joiner; NWK security only."""

    address: NwkAddress
    key_type: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyKeyIndication:
    """APSME-VERIFY-KEY.indication. `source` is the EUI-64 in the command, `device` the sender's."""

    device: Eui64 | None
    address: NwkAddress
    key_type: int
    source: Eui64
    hash: bytes
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmKeyRequest:
    """APSME-CONFIRM-KEY.request (4.4.8). Status 0x00 makes the offered key the verified one.

    `protection` DATA uses the newly verified key; None sends it with NWK security only.
    """

    device: Eui64
    address: NwkAddress
    status: int
    key_type: int
    protection: KeyIdentifier | None = KeyIdentifier.DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmKeyIndication:
    """APSME-CONFIRM-KEY.indication at the joiner."""

    source: Eui64 | None
    status: int
    key_type: int
    device: Eui64
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchKeyRequest:
    """APSME-SWITCH-KEY.request (4.4.6): use the network key with this number from now on.

    `device` is whose link key protects it when `protection` is not None.
    """

    address: NwkAddress
    sequence: int
    device: Eui64 | None = None
    protection: KeyIdentifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchKeyIndication:
    """APSME-SWITCH-KEY.indication (4.4.6)."""

    source: Eui64 | None
    sequence: int
    security: Security
