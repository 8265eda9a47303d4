"""A node whose acts wait for the disk at once: what `runtime.driver` does with a gate, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coordinator.runtime.driver import Gate
from coordinator.stack.node import Action, Node, ReceivedFrame, Transmit, TransmitStatus
from coordinator.types import Instant


class DurableNode:
    """A `Node` in front of another. A store that was not started commits when it is settled; for one that
    was, `wait` is called, again and again, until what must be on disk is there.

    Frames that the gate does not let go are confirmed ABORTED and never handed out.
    """

    def __init__(self, node: Node, gate: Gate, wait: Callable[[], None] | None = None) -> None:
        self._node = node
        self._gate = gate
        self._wait = wait
        self._now = Instant(0)

    def receive(self, frame: ReceivedFrame, now: Instant) -> None:
        self._now = now
        self._node.receive(frame, now)

    def confirm(self, handle: int, status: TransmitStatus, frame_pending: bool, now: Instant) -> None:
        self._now = now
        self._node.confirm(handle, status, frame_pending, now)

    def next_deadline(self) -> Instant | None:
        return self._node.next_deadline()

    def handle_timeout(self, now: Instant) -> None:
        self._now = now
        self._node.handle_timeout(now)

    def take(self) -> Sequence[Action]:
        actions = self._node.take()
        if self._may_go():
            return actions
        let_go: list[Action] = []
        while actions:
            for action in actions:
                if isinstance(action, Transmit):
                    self._node.confirm(action.handle, TransmitStatus.ABORTED, False, self._now)
                else:
                    let_go.append(action)
            actions = self._node.take()
            if self._may_go():
                let_go.extend(actions)
                break
        return let_go

    def _may_go(self) -> bool:
        gate = self._gate
        mark = gate.settle(self._now)
        if self._wait is not None:
            while mark > gate.durable and not gate.failure:
                self._wait()
        return mark <= gate.durable
