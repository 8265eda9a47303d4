"""How an RCP's ACK to a data request comes to carry frame pending (radios.md section 3, "Indirect").

With source matching off, an RCP is to set the bit on every such ACK: that needs no table and knows no
race, so it comes first. Some firmware does not, which its receive flags show at the first data request;
then the table mirrors what is held, as on a radio that matches.
"""

from __future__ import annotations

from coordinator.codec import spinel
from coordinator.codec.spinel import Property
from coordinator.radio.spinel.client import Client, StatusError
from coordinator.stack.node import SetPending
from coordinator.types import Eui64, NwkAddress

BY_DEFAULT = "by default"
BY_TABLE = "by table"
NEVER = "never"


class SourceMatching:
    """What the RCP was told to match. Survives resets: `start` tells it again."""

    def __init__(self) -> None:
        self.uses_table = False
        self._enabled = False
        self._available = True
        self._short: frozenset[NwkAddress] = frozenset()
        self._extended: frozenset[Eui64] = frozenset()

    def use_table(self) -> None:
        """From now on, match: it was seen that the RCP needs it."""
        self.uses_table = True

    @property
    def enabled(self) -> bool:
        """What the RCP was last told."""
        return self._enabled

    def describe(self) -> str:
        """For the report."""
        if not self.uses_table:
            return BY_DEFAULT
        return BY_TABLE if self._available else NEVER

    async def start(self, client: Client, pending: SetPending) -> str:
        """Tell an RCP that has just been reset. Raises RadioError."""
        self._enabled = False
        self._short, self._extended = frozenset(), frozenset()
        if self.uses_table:
            await self.hold(client, pending)
        else:
            await self._enable(client, False)
        return self.describe()

    async def hold(self, client: Client, pending: SetPending) -> None:
        """Let the table be this. Raises RadioError; a full table is no error, it holds what it can."""
        if not self._enabled and not await self._enable(client, True):
            return
        for address in self._short - pending.short:
            await self._change(client, False, Property.MAC_SRC_MATCH_SHORT_ADDRESSES, _short(address))
        for device in self._extended - pending.extended:
            await self._change(client, False, Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES, spinel.eui64(device))
        for device in pending.extended - self._extended:
            await self._change(client, True, Property.MAC_SRC_MATCH_EXTENDED_ADDRESSES, spinel.eui64(device))
        for address in pending.short - self._short:
            await self._change(client, True, Property.MAC_SRC_MATCH_SHORT_ADDRESSES, _short(address))
        self._short, self._extended = pending.short, pending.extended

    async def _enable(self, client: Client, on: bool) -> bool:
        try:
            await client.set(Property.MAC_SRC_MATCH_ENABLED, bytes((on,)))
        except StatusError:
            self._available = False
            return False
        self._enabled, self._available = on, True
        return True

    async def _change(self, client: Client, insert: bool, property_id: Property, value: bytes) -> None:
        try:
            if insert:
                await client.insert(property_id, value)
            else:
                await client.remove(property_id, value)
        except StatusError:
            pass  # full, or not there: the next poll of that device goes without


def _short(address: NwkAddress) -> bytes:
    return address.to_bytes(2, "little")
