"""How a bench is steered, as values: those who only say so need not load what does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from coordinator.control.http.listening import Address
from coordinator.control.mqtt.link import Link
from coordinator.control.options import IN_FLIGHT, Options

Level = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is logged, and how: `form` ``auto`` is for people on a terminal, and JSON elsewhere."""

    level: Level = "info"
    form: Literal["auto", "json", "console"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Where HTTP is served, and to whom."""

    address: Address
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """How a bench is steered from outside."""

    options: Options
    in_flight: int = IN_FLIGHT
    http: Http | None = None
    mqtt: Link | None = None
    log: LogSettings = field(default_factory=LogSettings)
