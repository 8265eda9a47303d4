"""How an RCP's ACK to a data request comes to carry frame pending (radios.md section 3, "Indirect").

With source matching off, an RCP is to set the bit on every such ACK: that needs no table and knows no
race, so it comes first. Some firmware does not, which its receive flags show at the first data request;
then the table mirrors what is held, as on a radio that matches.
"""

from __future__ import annotations

import contextlib

from coordinator.codec import spinel
from coordinator.codec.spinel import Property
from coordinator.radio.spinel.client import Client, StatusError
from coordinator.stack.node import SetPending
from coordinator.types import Eui64, NwkAddress

NOT_SEEN = "not seen yet"
BY_DEFAULT = "by default"
BY_TABLE = "by table"
NEVER = "never"


class SourceMatching:
    """What the RCP was told to match. Survives resets: `start` tells it again."""

    def __init__(self) -> None:
        self.uses_table = False
        self._seen = False
        self._enabled = False
        self._available = True
        self._short: frozenset[NwkAddress] = frozenset()
        self._extended: frozenset[Eui64] = frozenset()

    def saw(self, promised: bool) -> bool:
        """A data request was acknowledged, with frame pending or without it, while nothing was matched.

        True when the RCP turns out to need its table: it is to be told what is held.
        """
        if self.uses_table:
            return False
        self._seen = True
        self.uses_table = not promised
        return self.uses_table

    @property
    def enabled(self) -> bool:
        """What the RCP was last told."""
        return self._enabled

    def describe(self) -> str:
        """For the report."""
        if not self.uses_table:
            return BY_DEFAULT if self._seen else NOT_SEEN
        return BY_TABLE if self._available else NEVER

    async def start(self, client: Client, pending: SetPending) -> None:
        """Tell an RCP that has just been reset. Raises RadioError."""
        self._enabled = False
        self._short, self._extended = frozenset(), frozenset()
        if self.uses_table:
            await self.hold(client, pending)
        else:
            await self._enable(client, False)

    async def hold(self, client: Client, pending: SetPending) -> None:
        """Let the table be this. Raises RadioError; a full table is no error, it holds what it can.

        What found no room is tried again at the next change.
        """
        if not self._enabled and not await self._enable(client, True):
            return
        await self._hold_short(client, pending.short)
        await self._hold_extended(client, pending.extended)

    async def _hold_short(self, client: Client, wanted: frozenset[NwkAddress]) -> None:
        table = Property.MAC_SRC_MATCH_SHORT_ADDRESSES
        for address in sorted(self._short - wanted):
            await self._remove(client, table, _short(address))
        self._short &= wanted
        for address in sorted(wanted - self._short):
            if await self._insert(client, table, _short(address)):
                self._short |= {address}

    async def _hold_extended(self, client: Client, wanted: frozenset[Eui64]) -> None:
        table = Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES
        for device in sorted(self._extended - wanted):
            await self._remove(client, table, spinel.eui64(device))
        self._extended &= wanted
        for device in sorted(wanted - self._extended):
            if await self._insert(client, table, spinel.eui64(device)):
                self._extended |= {device}

    async def _enable(self, client: Client, on: bool) -> bool:
        try:
            await client.set(Property.MAC_SRC_MATCH_ENABLED, bytes((on,)))
        except StatusError:
            self._available = False
            return False
        self._enabled, self._available = on, True
        return True

    async def _insert(self, client: Client, table: Property, entry: bytes) -> bool:
        """False when the table is full: polls of that device go without until there is room."""
        try:
            await client.insert(table, entry)
        except StatusError:
            return False
        return True

    async def _remove(self, client: Client, table: Property, entry: bytes) -> None:
        with contextlib.suppress(StatusError):  # it was not there: good
            await client.remove(table, entry)


def _short(address: NwkAddress) -> bytes:
    return address.to_bytes(2, "little")
