"""Energy detection on one channel by an RCP."""

from __future__ import annotations

import asyncio

from coordinator.codec.spinel import Property, ScanState
from coordinator.radio.errors import Fault, RadioError
from coordinator.radio.spinel.client import Client, StatusError
from coordinator.types import Channel, Duration

PATIENCE = 3.0
"""Seconds that a scan may take beyond its span."""


class EnergyScan:
    """One scan at a time; a second one waits for its turn."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._ended: asyncio.Future[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the RCP listens to something else than its channel."""
        return self._turn.locked()

    def abort(self, error: RadioError) -> None:
        """Let whoever waits for a scan get this error."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)

    async def measure(self, client: Client, channel: Channel, span: Duration) -> int:
        """The peak in dBm, once the RCP has ended the scan. Raises RadioError."""
        async with self._turn:
            ended = self._ended = asyncio.get_running_loop().create_future()
            levels: list[int] = []

            def heard(value: bytes) -> None:
                if len(value) >= 2 and value[0] == channel:
                    levels.append(int.from_bytes(value[1:2], "little", signed=True))

            def turned(value: bytes) -> None:
                if value[:1] == bytes((ScanState.IDLE,)) and levels and not ended.done():
                    ended.set_result(None)

            client.add_property_listener(Property.MAC_ENERGY_SCAN_RESULT, heard)
            client.add_property_listener(Property.MAC_SCAN_STATE, turned)
            try:
                async with asyncio.timeout(span / 1_000_000 + PATIENCE):
                    await client.set(Property.MAC_SCAN_MASK, bytes((channel,)))
                    await client.set(Property.MAC_SCAN_PERIOD, (span // 1000).to_bytes(2, "little"))
                    await client.set(Property.MAC_SCAN_STATE, bytes((ScanState.ENERGY,)))
                    await ended
                    return max(levels)
            except TimeoutError:
                raise RadioError(Fault.UNRESPONSIVE, "the energy scan never ended") from None
            except StatusError as error:
                raise RadioError(Fault.REFUSED, f"no energy scan: {error}") from None
            finally:
                self._ended = None
                if ended.done() and not ended.cancelled():
                    ended.exception()  # whoever waited may have had an error of its own
                client.remove_property_listener(Property.MAC_ENERGY_SCAN_RESULT, heard)
                client.remove_property_listener(Property.MAC_SCAN_STATE, turned)
