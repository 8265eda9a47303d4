"""What one device under test is like: every trait as a value, and where the value comes from.

A trait's name is its path below `JoinerModel`: ``exchange.timeout``. Its unit is microseconds where
it is a `Duration`.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coordinator.codec.mac_commands import Capability
from coordinator.stack.policy import StackPolicy
from coordinator.types import CHANNELS, MICROSECOND, Channel, DeviceType, Duration

BASE_SUPERFRAME = 15_360 * MICROSECOND
"""aBaseSuperframeDuration: 960 symbols."""


class Basis(enum.Enum):
    """How well a trait is known, best first."""

    MEASURED = "measured"
    SOURCE = "source"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a trait's value comes from: how well it is known, and which page, source or thread says so."""

    basis: Basis
    note: str


class RetryRule(enum.Enum):
    """What an unanswered step of the key exchange repeats, and which time-outs count together.

    PER_STEP and SHARED repeat the step that waits. PER_STEP counts each step's time-outs apart;
    SHARED counts those of Request-Key and Verify-Key together, and an R21+ node descriptor clears
    the count. DESCRIPTOR_TICKER repeats Node_Desc_req whatever waits, on one ticker that nothing
    resets, and every R21+ node descriptor brings another Request-Key.
    """

    PER_STEP = "per-step"
    SHARED = "shared"
    DESCRIPTOR_TICKER = "descriptor-ticker"


class DescriptorErrorReaction(enum.Enum):
    """What a Node_Desc_rsp with an error status means to the device."""

    FAIL = "fail"
    PRE_R21 = "pre-r21"
    IGNORE = "ignore"


class NegativeConfirmReaction(enum.Enum):
    """What a Confirm-Key with an error status means: leave now, fail as for any other reason, or nothing."""

    LEAVE_AT_ONCE = "leave-at-once"
    FAIL = "fail"
    IGNORE = "ignore"


class FailureReaction(enum.Enum):
    """What the device does once its key exchange has failed."""

    LEAVE = "leave"
    STAY = "stay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the device says of itself. `stack_revision` 0 leaves the descriptor's bits zero, as before R21."""

    capability: int
    stack_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """How it looks for a network, how often, and how long it rests in between."""

    channel_mask: int
    duration: int
    """bdbScanDuration, the exponent: a channel is listened to for 2^duration + 1 superframes."""
    stack_profiles: tuple[int, ...]
    attempts: int
    pause: Duration

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels of the mask, bit 11 being channel 11."""
        return tuple(channel for channel in CHANNELS if self.channel_mask & 1 << channel)

    @property
    def dwell(self) -> Duration:
        """How long one channel is listened to."""
        return ((1 << self.duration) + 1) * BASE_SUPERFRAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """How often it associates with one and the same network before it gives that network up."""

    attempts: int
    pause: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How it waits for the network key, and which it takes."""

    network_key_timeout: Duration
    """apsSecurityTimeOutPeriod."""
    accepts_clear_network_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The Trust Center link key exchange; with `enabled` false, the device is finished without it."""

    enabled: bool
    start_delay: Duration
    """From its Device_annce to its first Node_Desc_req."""
    timeout: Duration
    """bdbcTCLinkKeyExchangeTimeout."""
    attempts: int
    """bdbTCLinkKeyExchangeAttemptsMax: the exchange fails when this many time-outs were counted."""
    retry_rule: RetryRule
    requires_primary_trust_center: bool
    """Whether it goes on only when bit 0 of the Trust Center's server mask is set."""
    skips_exchange_before_r21: bool
    """Whether a Trust Center older than R21 is one it may stay with, without an exchange."""
    accepts_fresh_key: bool
    """Whether it takes, verifies and keeps a Trust Center link key that is new to it."""
    accepts_identical_key: bool
    """Whether it takes a Trust Center link key equal to the provisional one."""
    node_descriptor_error: DescriptorErrorReaction
    negative_confirm: NegativeConfirmReaction
    on_failure: FailureReaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """How it leaves when its key exchange failed.

    `delay` counts from the failure. `since_join` counts from the network key: zero means that the
    delay alone decides; otherwise it leaves at that time, whether it has failed before or not yet.
    """

    delay: Duration
    since_join: Duration
    retries_after: int
    """How often it starts over after it left or was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """The last step of network steering: Mgmt_Permit_Joining_req to all routers, 0 seconds for none."""

    permit_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The period of polling while it joins and later, for a device whose receiver is off when idle."""

    joining: Duration
    joined: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinerModel:
    """One simulated device under test. `basis` has an entry for each trait it has."""

    name: str
    title: str
    imitates: str
    node: Node
    scan: Scan
    association: Association
    authentication: Authentication
    exchange: Exchange
    leave: Leave
    steering: Steering
    poll: Poll | None = None
    """Set if, and only if, the device is `sleepy`."""
    basis: Mapping[str, Provenance]

    @property
    def device_type(self) -> DeviceType:
        """What it joins as: a router when its capability says full-function device."""
        full_function = self.node.capability & Capability.FULL_FUNCTION_DEVICE
        return DeviceType.ROUTER if full_function else DeviceType.END_DEVICE

    @property
    def sleepy(self) -> bool:
        """True when its receiver is off while idle, so that it must poll its parent."""
        return not self.node.capability & Capability.RX_ON_WHEN_IDLE

    def weakest_basis(self, traits: Iterable[str]) -> Basis | None:
        """The least certain basis among these traits, None when there are none.

        Raises KeyError for a name that is no trait.
        """
        order = list(Basis)
        return max((self.basis[trait].basis for trait in traits), key=order.index, default=None)


def stack_policy(model: JoinerModel) -> StackPolicy:
    """The standing policy of the stack beneath this joiner: its own node descriptor."""
    return StackPolicy(stack_revision=model.node.stack_revision or None)
