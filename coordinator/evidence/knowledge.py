"""What a reader of captures has learned from the frames before: keys, and who is behind an address."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from coordinator.evidence.keyring import Keyring
from coordinator.types import Eui64

_REMEMBERED = 8192
_FIRST_BROADCAST = 0xFFF8


class AddressBook:
    """Short addresses by PAN, bounded. What was heard last is believed: addresses are given anew."""

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


class Knowledge(NamedTuple):
    """The keys and the addresses."""

    keyring: Keyring
    addresses: AddressBook


class Carried(NamedTuple):
    """What one layer hands to the next: octets that begin at octet `base` of the packet, and their sender.

    `source` is a short address; `ieee` is the sender's EUI-64, where it is known.
    """

    octets: bytes
    base: int
    pan: int | None = None
    source: int | None = None
    ieee: Eui64 | None = None
