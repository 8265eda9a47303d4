"""Keeps the radio beneath an RCP as its registers say."""

from __future__ import annotations

from coordinator.dongle.registers import Registers
from coordinator.radio.base import Radio
from coordinator.stack.node import Action, ReceiverOn, SetPending, Tune
from coordinator.types import Channel


class FrontEnd:
    """Posts what differs from what the radio was last told, in order, and nothing else.

    `pending_by_default`: while source matching is off every data request is acknowledged with frame
    pending, as OpenThread asks of its platforms; some do not (radios.md 3).
    """

    def __init__(self, radio: Radio, *, pending_by_default: bool) -> None:
        self._radio = radio
        self._pending_by_default = pending_by_default
        self._in_force: dict[type[Action], Action] = {}

    def settle(self, held: Registers, channel: Channel | None) -> None:
        """Make the radio what the registers say, on `channel`. None leaves channel and addresses alone:
        the radio has a transmission, and what it listens to changes when that has ended.
        """
        if channel is not None:
            self._put(
                Tune(
                    channel=channel,
                    pan_id=held.pan_id,
                    address=held.address,
                    extended_address=held.extended_address,
                )
            )
        self._put(self._pending(held))
        self._put(ReceiverOn(on=held.phy_enabled and held.rx_on_when_idle))

    def _pending(self, held: Registers) -> SetPending:
        if not held.source_match:
            return SetPending(everyone=self._pending_by_default)
        return SetPending(short=frozenset(held.match_short), extended=frozenset(held.match_extended))

    def _put(self, action: Action) -> None:
        if self._in_force.get(type(action)) != action:
            self._in_force[type(action)] = action
            self._radio.post(action)
