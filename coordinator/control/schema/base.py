"""What requests and answers have in common."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from coordinator.control.schema.values import (
    TRANSACTION,
    Generation,
    GivenEui64,
    Label,
    MonotonicNs,
    Seconds,
    WallTime,
)

WITHIN = 60.0
"""Seconds that a change waits for its moment unless it says otherwise."""

Transaction = Annotated[
    str,
    pydantic.StringConstraints(min_length=1, max_length=64, pattern=TRANSACTION),
    pydantic.Field(description="Names this request; the same one within 60 s gets the first answer again."),
]


TriggerEvent = Literal[
    "beacon-request",
    "association-request",
    "association-response",
    "join",
    "transport-key-nwk",
    "device-announce",
    "node-descriptor-request",
    "node-descriptor-response",
    "request-key",
    "transport-key-tclk",
    "verify-key",
    "confirm-key",
    "leave",
    "removal",
]
"""Steps of a join that a change can wait for. Those of the joiner count when they are heard, those of the
Trust Center when they are handed to the radio."""


class Request(pydantic.BaseModel):
    """A command's payload. Unknown keys are refused: a typing error must not pass for a default."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    transaction: Transaction | None = None
    not_after: Annotated[
        float | None,
        pydantic.Field(
            description="UTC in seconds since 1970; a request that is looked at later is refused as expired."
        ),
    ] = None


class Change(Request):
    """A request that changes the Trust Center, and raises its generation."""

    if_generation: Annotated[
        Generation | None, pydantic.Field(description="Change only what is at this generation.")
    ] = None


class After(pydantic.BaseModel):
    """A moment: the `count`-th time from now that `event` happens, or so many seconds from now."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    event: Annotated[
        TriggerEvent | None, pydantic.Field(description="What must happen; a step of a join.")
    ] = None
    count: Annotated[int, pydantic.Field(ge=1, le=1000, description="The how manieth time.")] = 1
    device: Annotated[GivenEui64 | None, pydantic.Field(description="Of this device only.")] = None
    answer: Annotated[
        Literal["old", "new"],
        pydantic.Field(description="Whether what the Trust Center says to it is still of the old behaviour."),
    ] = "old"
    seconds: Annotated[
        Seconds | None, pydantic.Field(description="Instead of an event: a span from now.")
    ] = None

    @pydantic.model_validator(mode="after")
    def _one_of_both(self) -> After:
        if (self.event is None) == (self.seconds is None):
            raise ValueError("name an event or a number of seconds, one of both")
        if self.seconds is not None and (self.count != 1 or self.device is not None or self.answer != "old"):
            raise ValueError("count, device and answer go with an event")
        return self


class Moment(pydantic.BaseModel):
    """``{"after": {...}}``"""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)

    after: After


When = Literal["now", "next-exchange", "next-join"] | Moment


class Switch(Change):
    """A change that can wait for its moment.

    `now`: at once, between two frames. `next-exchange`: as soon as no key exchange is open. `next-join`: as
    soon as no join is under way. It answers when it has taken effect.
    """

    when: When = "next-exchange"
    within: Annotated[
        float,
        pydantic.Field(gt=0, le=3600, description="Seconds to wait for the moment; then nothing is changed."),
    ] = WITHIN
    first_frame_within: Annotated[
        float,
        pydantic.Field(
            ge=0, le=60, description="Seconds to hold the answer back for the first frame under the new."
        ),
    ] = 0.0


class Data(pydantic.BaseModel):
    """What is sent: it may grow by further keys."""

    model_config = pydantic.ConfigDict(frozen=True)


class Frame(Data):
    """One frame of the Trust Center, by its number among those that it has handed to the radio."""

    frame: Annotated[int, pydantic.Field(ge=1)]
    t_mono_ns: MonotonicNs | None = None
    mac_sequence: Annotated[int | None, pydantic.Field(ge=0, le=255)] = None


class Effective(Data):
    """Where the boundary is. All frames from `first_frame_new` on that carry no older generation are new."""

    t_mono_ns: MonotonicNs
    t_wall: WallTime
    last_frame_old: Frame | None = None
    first_frame_new: Annotated[
        Frame | None,
        pydantic.Field(
            description="Without t_mono_ns it is not on the air yet: it will be the next that is sent. Null "
            "when that cannot be said, because `outstanding_old` answers were still waiting to leave."
        ),
    ] = None
    outstanding_old: Annotated[
        int, pydantic.Field(description="Answers decided under the old that had not left yet.")
    ] = 0


class Changed(Data):
    """A change that has taken effect."""

    generation: Generation
    effective: Effective
    profile: Label
