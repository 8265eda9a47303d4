"""What passes through the air, how far it carries, and what the medium needs of a radio.

Figures of IEEE 802.15.4-2006 without a reference page are "unverified".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from coordinator.codec import mac
from coordinator.sim.world import Event
from coordinator.types import SYMBOL, Channel, Duration, Eui64, Instant, NwkAddress, PanId

OCTET_TIME = 2 * SYMBOL
"""250 kbit/s: two symbols an octet, 32 us."""
PHY_OCTETS = 6
"""Preamble (4), start-of-frame delimiter and length (IEEE 802.15.4-2006, 6.3; unverified)."""
FCS_OCTETS = 2
_OVERHEAD_OCTETS = PHY_OCTETS + FCS_OCTETS
MAX_PSDU = 127 - FCS_OCTETS
"""aMaxPHYPacketSize less the FCS, which a PSDU here never carries."""
CCA_TIME = 8 * SYMBOL
"""How long a clear channel assessment listens (IEEE 802.15.4-2006, 6.9.9; unverified)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How one radio hears another: the probability that a frame is lost, microseconds of delay, what
    the receiver reports. A link with `loss=1.0` still keeps the channel busy.
    """

    loss: float = 0.0
    delay: Duration = 0
    lqi: int = 255
    rssi: int = -40

    def __post_init__(self) -> None:
        if not 0.0 <= self.loss <= 1.0:
            raise ValueError(f"loss is a probability, not {self.loss}")
        if self.delay < 0:
            raise ValueError(f"a link cannot deliver {-self.delay} us before the frame is sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class MediumConfig:
    """The air where nothing else is said: the link between any two radios, and whether frames that
    overlap at a receiver destroy each other there (no capture effect).
    """

    link: Link = field(default_factory=Link)
    collisions: bool = False


class AirFrame(NamedTuple):
    """One whole frame as a sniffer saw it. `start` is the first preamble symbol, `end` the last of
    the FCS; `handle` is the Transmit's, or None for an ACK that a radio made itself.
    """

    start: Instant
    end: Instant
    channel: Channel
    psdu: bytes
    transmitter: str
    handle: int | None
    rssi: int
    lqi: int


class Station(Protocol):
    """What the medium needs of a radio: an address filter, the span it listens in, two entrances."""

    name: str
    channel: Channel
    pan_id: PanId
    address: NwkAddress
    extended_address: Eui64
    hears_from: Instant
    """A frame that began earlier is not heard: the radio was elsewhere, off or transmitting (then it is
    the end of what is being sent, so that no radio hears itself)."""
    hears_until: Instant
    """A frame that ends later is not heard: the receiver is off by then."""

    def accepts(self, frame: mac.Frame) -> bool:
        """True when the address filter lets the frame pass."""
        ...

    def heard(self, psdu: bytes, frame: mac.Frame, rssi: int, lqi: int) -> None:
        """A frame that the filter accepts has just ended."""
        ...

    def heard_ack(self, psdu: bytes) -> None:
        """An ACK has just ended, while this radio waits for one."""
        ...

    def sent(self, transmission: Transmission) -> None:
        """A transmission of this radio has just ended."""
        ...


class Transmission:
    """One frame that is, or is about to be, on the air. `event` is its end."""

    __slots__ = ("channel", "end", "event", "handle", "overlaps", "psdu", "start", "station")

    def __init__(
        self, station: Station, psdu: bytes, start: Instant, end: Instant, handle: int | None
    ) -> None:
        self.station = station
        self.channel = station.channel
        self.psdu = psdu
        self.start = start
        self.end = end
        self.handle = handle
        self.event: Event | None = None
        self.overlaps: list[Transmission] | None = None


def airtime(psdu: bytes) -> Duration:
    """Microseconds that a PSDU (without FCS) occupies the air, preamble and FCS included."""
    return (len(psdu) + _OVERHEAD_OCTETS) * OCTET_TIME
