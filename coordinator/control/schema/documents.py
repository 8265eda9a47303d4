"""What is true now: the three documents that a broker retains and HTTP serves."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from coordinator.control.schema.base import Data
from coordinator.control.schema.values import ChannelNumber, Eui64Text, Generation, Hex16Text, Label, WallTime

API = "1"
"""Raised when something that was sent before is sent no more, or means something else."""


class Radio(Data):
    """The radio: its kind, the line it is on, and what its firmware says of itself."""

    kind: str
    line: str = ""
    firmware: str = ""
    eui64: Eui64Text | None = None
    capabilities: list[str] = []


class Info(Data):
    """Who this is and what it can do. Look here before asking."""

    id: str
    version: str
    api: str = API
    radio: Radio
    trust_center: Eui64Text | None = None
    commands: Annotated[list[str], pydantic.Field(description="Commands that this radio can honour.")]
    capabilities: Annotated[
        list[str],
        pydantic.Field(description="Altitudes at which this radio lets the Trust Center deviate."),
    ] = []
    schema_url: Annotated[
        str | None, pydantic.Field(description="Where HTTP serves the AsyncAPI document.")
    ] = None


RadioState = Literal["ok", "lost", "recovering"]


class State(Data):
    """The Trust Center at present, replaced whole."""

    profile: Label
    generation: Generation
    behaviours: list[str] = []
    faults: Annotated[int, pydantic.Field(description="How many frame faults are armed.")] = 0
    channel: ChannelNumber | None = None
    pan_id: Hex16Text | None = None
    extended_pan_id: Eui64Text | None = None
    key_sequence: int | None = None
    permit_join_until: Annotated[
        WallTime | None, pydantic.Field(description="Joining is open until then; null: closed.")
    ] = None
    permit_join_remaining: Annotated[
        int, pydantic.Field(ge=0, description="Seconds that were left when this was written.")
    ] = 0
    run: Label | None = None
    radio: RadioState
    pending: Annotated[int, pydantic.Field(description="Changes that wait for their moment.")] = 0


class Health(Data):
    """Whether it works. `ok` does not depend on the broker: a bench without one still tests.

    One that has ended is not `ok`, with that as its only problem; of one that was lost the broker says so in
    `availability`.
    """

    ok: bool
    problems: list[str] = []
    radio: RadioState
    radio_rtt_ms: Annotated[float | None, pydantic.Field(description="A probe and its answer.")] = None
    loop_lag_ms: Annotated[
        float, pydantic.Field(description="How late the event loop runs, at worst lately.")
    ]
    frames_dropped: Annotated[
        int, pydantic.Field(description="Frames heard that a layer would not act on.")
    ] = 0
    events_dropped: int = 0
    outbox_depth: int = 0
    requests_in_flight: int = 0
    mqtt: Literal["off", "connected", "disconnected"] = "off"
    capture_ok: bool = True
    uptime_s: float = 0.0
