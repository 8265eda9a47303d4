"""What an RCP is told one after the other: a transmission behind a retuning waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import assert_never

from coordinator.codec.spinel import Property
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel import bringup
from coordinator.radio.spinel.client import Client, StatusError
from coordinator.radio.spinel.matching import SourceMatching
from coordinator.stack.node import Action, ReceiverOn, SetPending, Transmit, Tune


class Orders:
    """The orders that wait, and the one task that carries them out. `fails` hears what the RCP refused."""

    def __init__(
        self,
        matching: SourceMatching,
        *,
        transmit: Callable[[Client, Transmit], None],
        fails: Callable[[RadioError], None],
    ) -> None:
        self._matching = matching
        self._transmit = transmit
        self._fails = fails
        self._waiting: deque[Action] = deque()
        self._worker: asyncio.Task[None] | None = None
        self.bug: BaseException | None = None
        """Our own error, by which the task ended: nothing can be done about it where it happens."""

    @property
    def busy(self) -> bool:
        """Whether something is being carried out."""
        return self._worker is not None

    def put(self, client: Client, action: Action) -> None:
        """Carry it out after what waits already."""
        self._waiting.append(action)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(client))
            self._worker.add_done_callback(self._worked)

    def drop(self) -> list[Transmit]:
        """Carry out nothing more; return the transmissions that waited."""
        waiting, self._waiting = self._waiting, deque()
        return [order for order in waiting if isinstance(order, Transmit)]

    async def stop(self) -> None:
        """End the task; what waits is carried out no more."""
        self._waiting.clear()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait((self._worker,))
            self._worker = None

    async def _work(self, client: Client) -> None:
        while self._waiting:
            action = self._waiting.popleft()
            match action:
                case Transmit():
                    self._transmit(client, action)
                case Tune():
                    await bringup.tune(client, action)
                case SetPending():
                    await self._matching.hold(client, action)
                case ReceiverOn():
                    await client.set(Property.MAC_RX_ON_WHEN_IDLE_MODE, bytes((action.on,)))
                case _:
                    assert_never(action)

    def _worked(self, worker: asyncio.Task[None]) -> None:
        if self._worker is worker:
            self._worker = None
        if worker.cancelled():
            return
        error = worker.exception()
        if isinstance(error, StatusError):
            error = RadioError(Fault.REFUSED, f"the RCP refuses {error}")
        if error is not None and not isinstance(error, RadioError):
            self.bug = error
            error = RadioError(Fault.LOST, f"internal error: {error!r}")
        if error is not None:
            self._fails(error)
