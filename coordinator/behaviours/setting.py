"""What a behaviour's field is as a setting: its meaning, unit and range."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """Annotates a behaviour's field; both bounds are included, None leaves that side open."""

    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None


DELAY = Setting("how late the answer goes", unit="s", low=0, high=3600)
STATUS = Setting("the status octet sent; 0 would be success", low=0x01, high=0xFF)
