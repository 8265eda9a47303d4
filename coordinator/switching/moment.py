"""When a change shall take effect."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator.types import Duration, Eui64


class When(enum.Enum):
    """Moments that depend on what is under way."""

    NOW = "now"
    """Between two frames, at once."""
    NEXT_EXCHANGE = "next-exchange"
    """As soon as no key exchange is open: the next one begins under the new. One is from its Request-Key
    until the key is proved, the device leaves or begins anew, or nothing comes of it for 10 s.
    """
    NEXT_JOIN = "next-join"
    """As soon as no join is under way. One is from its association request until its link key is proved, it
    is refused or leaves, or nothing comes of it for 20 s. Nobody knows whose a beacon was, so that who had
    an old one may associate under the new.
    """


class StepName(enum.Enum):
    """Steps of a join. Those of the joiner count when they are heard, ours when the radio has them."""

    BEACON_REQUEST = "beacon-request"
    ASSOCIATION_REQUEST = "association-request"
    ASSOCIATION_RESPONSE = "association-response"
    JOIN = "join"
    TRANSPORT_KEY_NWK = "transport-key-nwk"
    DEVICE_ANNOUNCE = "device-announce"
    NODE_DESCRIPTOR_REQUEST = "node-descriptor-request"
    NODE_DESCRIPTOR_RESPONSE = "node-descriptor-response"
    REQUEST_KEY = "request-key"
    TRANSPORT_KEY_TCLK = "transport-key-tclk"
    VERIFY_KEY = "verify-key"
    CONFIRM_KEY = "confirm-key"
    LEAVE = "leave"
    REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterStep:
    """The `count`-th time from now, 1 being the next, that a step happens, of one device or of any.

    `answered`: what the Trust Center says to it at once is still of the old; otherwise the change comes
    between the step and its answer.
    """

    step: StepName
    count: int = 1
    device: Eui64 | None = None
    answered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterSpan:
    """A time from now, in microseconds."""

    span: Duration


Moment = When | AfterStep | AfterSpan
