"""What a node on the air is: five synchronous calls, and the acts it asks of its radio.

The world, the asyncio driver, a fuzzer and a capture file all drive a node through `Node`.
Nothing here waits: whatever takes time on the air comes back as `confirm` or `receive`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from coordinator.types import Channel, Eui64, Instant, NwkAddress, PanId


class TransmitStatus(enum.Enum):
    """How the radio fared with one frame (MCPS-DATA.confirm, IEEE 802.15.4-2006 table 42).

    WITHHELD no radio says: a frame fault kept the frame from it.
    """

    SUCCESS = "success"
    NO_ACK = "no-ack"
    CHANNEL_ACCESS_FAILURE = "channel-access-failure"
    ABORTED = "aborted"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFrame:
    """One frame as the radio heard it: PSDU without FCS, RSSI in dBm, LQI 0 to 255.

    `acked_with_pending` is what the radio says of the ACK it sent by itself: the frame-pending
    bit, or None when it sent none or cannot tell.
    """

    psdu: bytes
    channel: Channel
    rssi: int
    lqi: int
    acked_with_pending: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmit:
    """Send this PSDU (no FCS) on the current channel; `confirm(handle, ...)` answers.

    A node has at most one Transmit outstanding. The radio waits for an ACK if the frame asks for
    one, and repeats it up to `retries` times (macMaxFrameRetries).
    """

    handle: int
    psdu: bytes
    csma: bool = True
    retries: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPending:
    """Replace the source-match table: data requests from these are ACKed with frame pending.

    `everyone` turns source matching off: then every data request is, which is what an RCP does until it
    is told otherwise (radios.md 3).
    """

    short: frozenset[NwkAddress] = frozenset()
    extended: frozenset[Eui64] = frozenset()
    everyone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tune:
    """Reconfigure the radio at once: channel and the address filter (which also decides auto-ACK)."""

    channel: Channel
    pan_id: PanId
    address: NwkAddress
    extended_address: Eui64


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverOn:
    """Turn the receiver on or off while idle (a sleepy end device). A transmission always works."""

    on: bool


Action = Transmit | SetPending | Tune | ReceiverOn


class Node(Protocol):
    """One device: a host stack with its application. Synchronous, no clock, no randomness.

    After every call the caller drains `take()` and re-reads `next_deadline()`.
    """

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        """A frame passed the radio's address filter (or the radio filters nothing)."""
        ...

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        """The outstanding Transmit ended; `frame_pending` is the bit of the ACK it got."""
        ...

    def next_deadline(self) -> Instant | None:
        """When `handle_timeout` is due next, or None when nothing waits."""
        ...

    def handle_timeout(self, now: Instant) -> None:
        """Do what is due at `now`. Calling early is harmless."""
        ...

    def take(self) -> Sequence[Action]:
        """The acts asked for since the last call, in order; each is returned once."""
        ...
