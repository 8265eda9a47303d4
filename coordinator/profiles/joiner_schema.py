"""What a file in `configs/joiners` may say: for each trait its value, its basis and a note on it.

Spans are whole milliseconds and say so in their names; all else is as in `joiner.model`.
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from coordinator.profiles.document import Table

Value = TypeVar("Value")

Milliseconds = Annotated[int, Field(ge=0, le=3_600_000)]
PollPeriod = Annotated[int, Field(ge=10, le=3_600_000)]
Octet = Annotated[int, Field(ge=0, le=0xFF)]
Attempts = Annotated[int, Field(ge=1, le=100)]
ChannelMask = Annotated[int, Field(ge=0x800, le=0x07FFF800, multiple_of=0x800)]


class Trait(Table, Generic[Value]):
    """A value and how it is known."""

    value: Value
    basis: Literal["measured", "source", "assumed"]
    note: Annotated[str, Field(min_length=1)]


class Node(Table):
    """``[node]``."""

    capability: Trait[Octet]
    stack_revision: Trait[Annotated[int, Field(ge=0, le=0x7F)]]


class Scan(Table):
    """``[scan]``."""

    channel_mask: Trait[ChannelMask]
    duration: Trait[Annotated[int, Field(ge=0, le=14)]]
    stack_profiles: Trait[Annotated[list[Annotated[int, Field(ge=0, le=15)]], Field(min_length=1)]]
    attempts: Trait[Attempts]
    pause_ms: Trait[Milliseconds]


class Association(Table):
    """``[association]``."""

    attempts: Trait[Attempts]
    pause_ms: Trait[Milliseconds]


class Authentication(Table):
    """``[authentication]``."""

    network_key_timeout_ms: Trait[Milliseconds]
    accepts_clear_network_key: Trait[bool]


class Exchange(Table):
    """``[exchange]``."""

    enabled: Trait[bool]
    start_delay_ms: Trait[Milliseconds]
    timeout_ms: Trait[Milliseconds]
    attempts: Trait[Attempts]
    retry_rule: Trait[Literal["per-step", "shared", "descriptor-ticker"]]
    requires_primary_trust_center: Trait[bool]
    skips_exchange_before_r21: Trait[bool]
    accepts_fresh_key: Trait[bool]
    accepts_identical_key: Trait[bool]
    node_descriptor_error: Trait[Literal["fail", "pre-r21", "ignore"]]
    negative_confirm: Trait[Literal["leave-at-once", "fail", "ignore"]]
    on_failure: Trait[Literal["leave", "stay"]]


class Leave(Table):
    """``[leave]``."""

    delay_ms: Trait[Milliseconds]
    since_join_ms: Trait[Milliseconds]
    retries_after: Trait[Annotated[int, Field(ge=0, le=100)]]


class Steering(Table):
    """``[steering]``."""

    permit_seconds: Trait[Annotated[int, Field(ge=0, le=0xFE)]]


class Poll(Table):
    """``[poll]``."""

    joining_ms: Trait[PollPeriod]
    joined_ms: Trait[PollPeriod]


class Joiner(Table):
    """The whole file, after `extends` was followed."""

    extends: str | None = None
    title: Annotated[str, Field(min_length=1)]
    imitates: Annotated[str, Field(min_length=1)]
    node: Node
    scan: Scan
    association: Association
    authentication: Authentication
    exchange: Exchange
    leave: Leave
    steering: Steering
    poll: Poll | None = None
