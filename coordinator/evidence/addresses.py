"""Which EUI-64 is behind a short address, as the frames themselves tell; bounded."""

from __future__ import annotations

from collections import OrderedDict

from coordinator.types import Eui64

_REMEMBERED = 8192
_FIRST_BROADCAST = 0xFFF8


class AddressBook:
    """Short addresses by PAN. What was heard last is believed: addresses are given anew."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], Eui64] = OrderedDict()

    def learn(self, pan: int | None, address: int | None, ieee: Eui64 | None) -> None:
        """Note a pair; one with a part missing, or with a broadcast address, is passed over."""
        if pan is None or address is None or ieee is None or address >= _FIRST_BROADCAST:
            return
        self._known[pan, address] = ieee
        self._known.move_to_end((pan, address))
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def find(self, pan: int | None, address: int | None) -> Eui64 | None:
        """The EUI-64 of an address, if it is known."""
        return None if pan is None or address is None else self._known.get((pan, address))
