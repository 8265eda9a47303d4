"""What a radio that hears only its own traffic knows of the air, from the trace: no frame is invented.

An ACK that a radio sends or takes by itself is never seen; what the radio says of it is `reported`, as a
comment on the frame that it belongs to. A frame that the radio could not send was not on the air.
"""

from __future__ import annotations

from collections.abc import Callable

from coordinator import trace
from coordinator.codec import mac
from coordinator.sim.air import AirFrame, airtime
from coordinator.stack.node import TransmitStatus
from coordinator.types import CHANNELS, Channel, Instant

Show = Callable[[AirFrame, list[str]], None]
"""Takes a frame and what the radio reports about it."""

UNKNOWN_RSSI = 0
"""Of our own frames: nobody measured them."""
LQI = 255
NEIGHBOUR = "radio"


class OwnTraffic:
    """Turns `Heard`, `Sent` and `Confirmed` into frames in the order in which they ended."""

    def __init__(self, transmitter: str, show: Show) -> None:
        self._transmitter = transmitter
        self._show = show
        self._channel: Channel = CHANNELS[0]
        self._sent: trace.Sent | None = None
        self._up = True

    def note(self, record: trace.Record) -> None:
        """Take one record."""
        match record:
            case trace.NetworkFormed():
                self._channel = record.channel
            case trace.RadioChanged():
                self._up = record.state is trace.RadioState.UP
            case trace.Heard():
                self._heard(record)
            case trace.Sent() if not self._up:
                self._sent = None  # there was no radio to send it
            case trace.Sent():
                if self._sent is not None:
                    self._end(self._sent, record.at, "no word whether it was sent")
                self._sent = record
            case trace.Confirmed() if self._sent is not None and self._sent.handle == record.handle:
                sent, self._sent = self._sent, None
                self._confirmed(sent, record)
            case _:
                pass

    def _heard(self, record: trace.Heard) -> None:
        frame = AirFrame(
            Instant(record.at - airtime(record.psdu)),
            record.at,
            record.channel,
            record.psdu,
            NEIGHBOUR,
            None,
            record.rssi,
            record.lqi,
        )
        comments = []
        if record.reported_ack is not None:
            pending = "with" if record.reported_ack else "without"
            comments.append(f"reported by the radio: acknowledged {pending} frame pending")
        self._show(frame, comments)

    def _confirmed(self, sent: trace.Sent, record: trace.Confirmed) -> None:
        match TransmitStatus(record.status):
            case TransmitStatus.CHANNEL_ACCESS_FAILURE:
                return
            case TransmitStatus.SUCCESS:
                word = ""
                if mac.wants_ack(sent.psdu):
                    word = "acknowledged" + (" with frame pending" if record.frame_pending else "")
            case TransmitStatus.NO_ACK:
                word = "no ACK came, retries included"
            case TransmitStatus.ABORTED | TransmitStatus.WITHHELD:
                word = "aborted: it may not have been on the air"
        self._end(sent, record.at, word)

    def _end(self, sent: trace.Sent, at: Instant, word: str) -> None:
        start = max(sent.at, Instant(at - airtime(sent.psdu)))
        frame = AirFrame(
            start, at, self._channel, sent.psdu, self._transmitter, sent.handle, UNKNOWN_RSSI, LQI
        )
        self._show(frame, [f"reported by the radio: {word}"] if word else [])
