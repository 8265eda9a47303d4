"""How values are written in JSON: identifiers as everybody in the field writes them, spans in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import pydantic

from coordinator.types import Eui64

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
PROFILE = r"^[^/\x00-\x1f\x7f]+$"
LABEL = r"^[^\x00-\x1f\x7f]+$"
HEX16 = r"^0x[0-9a-fA-F]{4}$"
OCTETS = r"^([0-9a-fA-F]{2})+$"
TRANSACTION = r"^[\x21-\x7e]+$"

IN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        NAME: "a name is up to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit",
        PROFILE: "the name of a profile, not a path, no control characters",
        LABEL: "no control characters, no end of line",
        HEX16: "0x and four hexadecimal digits, as 0x1a2b",
        OCTETS: "octets, two hexadecimal digits each",
        TRANSACTION: "letters, digits and punctuation of ASCII, no spaces",
    }
)
"""What a pattern asks for, for people."""


def _eui64(text: str) -> str:
    try:
        return str(Eui64.parse(text))
    except ValueError:
        raise ValueError("an EUI-64 is 16 hexadecimal digits, as 00:12:4b:00:01:02:03:04") from None


GivenEui64 = Annotated[
    str,
    pydantic.AfterValidator(_eui64),
    pydantic.Field(
        description="An EUI-64, most significant octet first, with colons, hyphens, 0x in front, or plain.",
        examples=["00:12:4b:00:01:02:03:04", "0x00124b0001020304"],
        json_schema_extra={"pattern": r"^\s*(0[xX])?([:-]*[0-9a-fA-F]){16}[:-]*\s*$"},
    ),
]
"""As a request may write it; it is read as `Eui64Text` writes it."""
Eui64Text = Annotated[
    str,
    pydantic.StringConstraints(pattern=r"^([0-9a-fA-F]{2}:){7}[0-9a-fA-F]{2}$"),
    pydantic.Field(
        description="An EUI-64, most significant octet first.", examples=["00:12:4b:00:01:02:03:04"]
    ),
]
Hex16Text = Annotated[
    str,
    pydantic.StringConstraints(pattern=HEX16),
    pydantic.Field(description="A short address or PAN identifier.", examples=["0x1a2b"]),
]
Octets = Annotated[
    str,
    pydantic.StringConstraints(pattern=OCTETS, max_length=512),
    pydantic.Field(description="Octets in hexadecimal, in the order they go on the air."),
]
Seconds = Annotated[float, pydantic.Field(ge=0, le=86_400, description="A span in seconds.")]
ChannelNumber = Annotated[int, pydantic.Field(ge=11, le=26, description="A channel of the 2.4 GHz band.")]
Name = Annotated[str, pydantic.StringConstraints(pattern=NAME)]
ProfileName = Annotated[
    str,
    pydantic.StringConstraints(min_length=1, max_length=128, pattern=PROFILE),
]
"""A file's name without its suffix: never a path."""
Label = Annotated[
    str,
    pydantic.StringConstraints(min_length=1, max_length=128, pattern=LABEL),
]
Generation = Annotated[
    int, pydantic.Field(ge=1, description="Raised by one whenever the Trust Center is changed.")
]
MonotonicNs = Annotated[int, pydantic.Field(description="Nanoseconds on the host's monotonic clock.")]
WallTime = Annotated[str, pydantic.Field(description="UTC, ISO 8601 with microseconds.")]
Scalar = str | int | float | bool
