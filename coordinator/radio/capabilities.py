"""What a radio says of itself when it comes up: the report that people, results and `info` are given."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.types import Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One radio. Versions are (major, minor) or None where the firmware has none; power in dBm.

    `frame_pending` says how ACKs to data requests come to carry frame pending: ``by default``, ``by
    table`` (source matching), ``never``, or ``not seen yet``.
    """

    kind: str
    line: str
    firmware: str
    hardware_address: Eui64 | None = None
    protocol_version: tuple[int, int] | None = None
    api_version: int | None = None
    min_host_api: int | None = None
    capabilities: tuple[str, ...] = ()
    tx_power: int | None = None
    frame_pending: str = "not seen yet"
