"""One frame taken apart, as plain values, and the draft it grows in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.codec.cursor import DecodeError

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
Fields = dict[str, Value]
"""Ready for JSON. Addresses are ``0x1a2b``, EUI-64s ``00:12:4b:...``, octets and keys hexadecimal digits,
bit fields and identifiers hexadecimal with 0x; beside an enumerated field stands its `_name`."""

_EVERYONE = "0xffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """A layer that could not be read further. `octet` counts from the first of what was dissected."""

    layer: str
    octet: int
    reason: str

    def __str__(self) -> str:
        return f"{self.layer}: octet {self.octet}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissection:
    """`layers` by name, outermost first; where an error ends one, what was read of it may be missing."""

    summary: str
    layers: Fields
    errors: tuple[LayerError, ...] = ()

    def as_dict(self) -> Fields:
        """The whole as one object for JSON."""
        errors: list[Value] = [
            {"layer": error.layer, "octet": error.octet, "reason": error.reason} for error in self.errors
        ]
        return {"summary": self.summary, "layers": self.layers, "errors": errors}


class Draft:
    """A dissection in the making; every layer adds what it finds, the innermost says what it is.

    `hop` and `route` are MAC and NWK source and destination. Without `trusted` nothing is learned
    from the frame, since its FCS does not hold.
    """

    __slots__ = ("errors", "hop", "layers", "number", "route", "trusted", "what")

    def __init__(self, number: int, trusted: bool = True) -> None:
        self.number = number
        self.trusted = trusted
        self.layers: Fields = {}
        self.errors: list[LayerError] = []
        self.what = "nothing to read"
        self.hop: tuple[str, str] | None = None
        self.route: tuple[str, str] | None = None

    def fail(self, layer: str, error: DecodeError, base: int) -> None:
        """Note where reading ended; `base` is the octet of the frame at which this codec began."""
        self.errors.append(LayerError(layer=layer, octet=base + error.offset, reason=error.reason))

    def finish(self) -> Dissection:
        """The dissection with its one line."""
        between = self.route or self.hop
        parts = [] if between is None else [f"{between[0] or '-'} -> {between[1] or '-'}"]
        parts.append(self.what)
        if self.route is not None and self.hop is not None and not self._direct(self.route, self.hop):
            parts.append(f"(hop {self.hop[0] or '-'} -> {self.hop[1] or '-'})")
        parts += [f"[{error}]" for error in self.errors]
        return Dissection(summary="  ".join(parts), layers=self.layers, errors=tuple(self.errors))

    @staticmethod
    def _direct(route: tuple[str, str], hop: tuple[str, str]) -> bool:
        """Whether the originator itself sent this hop, to the destination itself or to everyone."""
        return hop[0] == route[0] and hop[1] in (route[1], _EVERYONE)
