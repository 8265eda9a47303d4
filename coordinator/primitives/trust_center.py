"""What makes a Trust Center act that no primitive of the specification tells it."""

from __future__ import annotations

from dataclasses import dataclass

from coordinator.types import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKeyUpdateIndication:
    """Whoever runs the network wants another network key (05-3474, 4.6.3.4): this one, under this number."""

    key: Key
    sequence: int
