"""APSDE-SAP: application data, and which keys protected it on its way (05-3474, clause 2.2.4.1)."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.codec.security_header import KeyIdentifier
from coordinator.types import Eui64, LinkKeyKind, NwkAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """How a frame was protected. It travels with the indication, because legality depends on it.

    `aps` is the key identifier of the APS auxiliary header, None when the APS layer was unsecured;
    `link_key` is the kind of link key that opened it.
    """

    nwk: bool
    aps: KeyIdentifier | None = None
    link_key: LinkKeyKind | None = None


UNSECURED = Security(nwk=False)
NWK_ONLY = Security(nwk=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRequest:
    """APSDE-DATA.request, short addressing. An ACK is asked for unicasts when `acknowledge`."""

    destination: NwkAddress
    destination_endpoint: int
    profile: int
    cluster: int
    source_endpoint: int
    asdu: bytes
    acknowledge: bool = True
    radius: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class DataIndication:
    """APSDE-DATA.indication. `device` is the originator's EUI-64 where it is known."""

    source: NwkAddress
    device: Eui64 | None
    destination: NwkAddress
    destination_endpoint: int
    profile: int
    cluster: int
    source_endpoint: int
    asdu: bytes
    security: Security
