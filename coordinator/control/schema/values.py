"""How values are written in JSON: identifiers as everybody in the field writes them, spans in seconds."""

from __future__ import annotations

from typing import Annotated

import pydantic

Eui64Text = Annotated[
    str,
    pydantic.StringConstraints(pattern=r"^([0-9a-fA-F]{2}:){7}[0-9a-fA-F]{2}$"),
    pydantic.Field(
        description="An EUI-64, most significant octet first.", examples=["00:12:4b:00:01:02:03:04"]
    ),
]
Hex16Text = Annotated[
    str,
    pydantic.StringConstraints(pattern=r"^0x[0-9a-fA-F]{4}$"),
    pydantic.Field(description="A short address or PAN identifier.", examples=["0x1a2b"]),
]
Octets = Annotated[
    str,
    pydantic.StringConstraints(pattern=r"^([0-9a-fA-F]{2})+$", max_length=512),
    pydantic.Field(description="Octets in hexadecimal, in the order they go on the air."),
]
Seconds = Annotated[float, pydantic.Field(ge=0, le=86_400, description="A span in seconds.")]
ChannelNumber = Annotated[int, pydantic.Field(ge=11, le=26, description="A channel of the 2.4 GHz band.")]
Name = Annotated[str, pydantic.StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
ProfileName = Annotated[
    str,
    pydantic.StringConstraints(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f]+$"),
]
"""A file's name without its suffix: never a path."""
Label = Annotated[
    str,
    pydantic.StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
Generation = Annotated[
    int, pydantic.Field(ge=1, description="Raised by one whenever the Trust Center is changed.")
]
MonotonicNs = Annotated[int, pydantic.Field(description="Nanoseconds on the host's monotonic clock.")]
WallTime = Annotated[str, pydantic.Field(description="UTC, ISO 8601 with microseconds.")]
Scalar = str | int | float | bool
