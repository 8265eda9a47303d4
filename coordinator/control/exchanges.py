"""How long each step of a Trust Center link key exchange took, per device, from the trace.

Request-Key heard -> Transport-Key sent -> Verify-Key heard -> Confirm-Key sent (Zigbee 4.7.3.7 to 4.7.3.9;
`sent` is when the radio was given the frame).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from coordinator.codec.aps_commands import ConfirmKeyStatus, KeyType
from coordinator.primitives import Indication, Request, apsme
from coordinator.types import Duration, Eui64, Instant

DEVICES = 256
"""Exchanges and answers that are followed at a time; the oldest is given up."""

TRANSPORT, VERIFY, CONFIRM, WHOLE = "transport-key", "verify-key", "confirm-key", "whole"

Stepped = Callable[[str, Duration], None]
"""Hears of each step that was taken, and how long it took."""


@dataclass(slots=True)
class _Exchange:
    """One exchange that is open: since when, and when which step was taken last."""

    began: Instant
    at: Instant
    step: str = ""


class Exchanges:
    """Follows the exchanges of all devices."""

    def __init__(self, stepped: Stepped) -> None:
        self._stepped = stepped
        self._open: OrderedDict[Eui64, _Exchange] = OrderedDict()
        self._answers: OrderedDict[int, tuple[Eui64, str, bool]] = OrderedDict()

    def heard(self, indication: Indication, at: Instant) -> None:
        """A device asked, which begins it anew, or verified."""
        match indication:
            case apsme.RequestKeyIndication(key_type=KeyType.TRUST_CENTER_LINK):
                self._open.pop(indication.device, None)
                self._open[indication.device] = _Exchange(at, at)
                _bound(self._open)
            case apsme.VerifyKeyIndication(key_type=KeyType.TRUST_CENTER_LINK):
                self._take(indication.device or indication.source, VERIFY, after=TRANSPORT, at=at)
            case _:
                pass

    def asked(self, request_id: int, request: Request) -> None:
        """An answer went down the stack; it counts when it is sent."""
        match request:
            case apsme.TransportKeyRequest(key_type=KeyType.TRUST_CENTER_LINK):
                self._answers[request_id] = (request.device, TRANSPORT, True)
            case apsme.ConfirmKeyRequest(key_type=KeyType.TRUST_CENTER_LINK):
                self._answers[request_id] = (
                    request.device,
                    CONFIRM,
                    request.status == ConfirmKeyStatus.SUCCESS,
                )
            case _:
                return
        _bound(self._answers)

    def sent(self, request_id: int, at: Instant) -> None:
        """A frame of this request was handed to the radio; the first time counts."""
        device, step, well = self._answers.pop(request_id, (None, "", False))
        if device is None:
            return
        exchange = self._open.get(device)
        if step == TRANSPORT:
            self._take(device, TRANSPORT, after="", at=at)
        elif exchange is not None and self._take(device, CONFIRM, after=VERIFY, at=at):
            del self._open[device]
            if well:
                self._stepped(WHOLE, at - exchange.began)

    def concluded(self, request_id: int, at: Instant, *, delivered: bool) -> None:
        """Where firmware sends, its word that it did is all there is."""
        if delivered:
            self.sent(request_id, at)
        self._answers.pop(request_id, None)

    def _take(self, device: Eui64, step: str, *, after: str, at: Instant) -> bool:
        exchange = self._open.get(device)
        if exchange is None or exchange.step != after:
            return False
        self._stepped(step, at - exchange.at)
        exchange.step, exchange.at = step, at
        return True


def _bound(entries: OrderedDict[Eui64, _Exchange] | OrderedDict[int, tuple[Eui64, str, bool]]) -> None:
    while len(entries) > DEVICES:
        entries.popitem(last=False)
