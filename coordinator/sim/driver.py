"""Drives one Node in the world: the synchronous twin of the asyncio driver."""

from __future__ import annotations

from typing import assert_never

from coordinator.sim.radio import SimulatedRadio, ignore_confirm, ignore_frame
from coordinator.sim.world import Event, World
from coordinator.stack.node import Node, ReceivedFrame, ReceiverOn, SetPending, Transmit, TransmitStatus, Tune

_PATIENCE = 1_000
"""How often a node may be due again at one instant before that is its bug: time would never pass."""


class Driver:
    """A node, powered, with its radio: carries calls in, carries actions out, keeps one timer.

    `powered` from construction to `power_off`; to power the radio up again, make another driver.
    Whoever calls the node directly calls `settle` afterwards: what the node then asks for is done.
    """

    __slots__ = ("_impatience", "_node", "_radio", "_timer", "_world", "powered")

    def __init__(self, world: World, radio: SimulatedRadio, node: Node) -> None:
        if radio.powered:
            raise AssertionError(f"{radio.name}: has a host already")
        self._world = world
        self._radio = radio
        self._node = node
        self._timer: Event | None = None
        self._impatience = 0
        self.powered = True
        radio.on_frame = self._receive
        radio.on_confirm = self._confirm
        radio.power(True)
        self.settle()

    def settle(self) -> None:
        """Do what the node asks and see to its next deadline."""
        radio = self._radio
        for action in self._node.take():
            match action:
                case Transmit():
                    radio.transmit(action)
                case SetPending():
                    radio.set_pending(action)
                case Tune():
                    radio.tune(action)
                case ReceiverOn():
                    radio.receiver_on(action)
                case _:
                    assert_never(action)
        self._arm()

    def power_off(self) -> None:
        """Pull the plug: the radio is off the air, and neither it nor the world knows the node any more."""
        if not self.powered:
            return
        self.powered = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._radio.power(False)
        self._radio.on_frame = ignore_frame
        self._radio.on_confirm = ignore_confirm

    def _arm(self) -> None:
        """Arm the timer, unless it fires in time as it is: too early costs less than a new event."""
        deadline = self._node.next_deadline()
        if deadline is None:
            return
        timer = self._timer
        if timer is not None:
            if timer.when <= deadline:
                return
            timer.cancel()
        self._timer = self._world.at(max(deadline, self._world.now), self._fire)

    def _fire(self) -> None:
        now = self._world.now
        self._timer = None
        deadline = self._node.next_deadline()
        if deadline is None:
            return
        if deadline > now:
            self._arm()
            return
        self._node.handle_timeout(now)
        self.settle()
        timer: Event | None = self._timer
        self._impatience = self._impatience + 1 if timer is not None and timer.when == now else 0
        if self._impatience > _PATIENCE:
            raise AssertionError(f"{self._radio.name}: still due at {now} us after {_PATIENCE} timeouts")

    def _receive(self, frame: ReceivedFrame) -> None:
        self._node.receive(frame, self._world.now)
        if self.powered:
            self.settle()

    def _confirm(self, handle: int, status: TransmitStatus, frame_pending: bool) -> None:
        self._node.confirm(handle, status, frame_pending, self._world.now)
        if self.powered:
            self.settle()
