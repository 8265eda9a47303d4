"""Which radios have which address, so that a unicast frame need not be shown to all of them."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from coordinator.types import Eui64, NwkAddress


class Addressed(Protocol):
    """Anything with the two addresses of IEEE 802.15.4."""

    @property
    def address(self) -> NwkAddress: ...

    @property
    def extended_address(self) -> Eui64: ...


_Member = TypeVar("_Member", bound=Addressed)


class Directory(Generic[_Member]):
    """Members by short and by extended address; several may share one. Holds no empty entries.

    A member's addresses may not change between `enter` and `leave`.
    """

    __slots__ = ("extended", "short")

    def __init__(self) -> None:
        self.short: dict[int, list[_Member]] = {}
        self.extended: dict[int, list[_Member]] = {}

    def enter(self, member: _Member) -> None:
        """List the member under both of its addresses."""
        self.short.setdefault(member.address, []).append(member)
        self.extended.setdefault(member.extended_address, []).append(member)

    def leave(self, member: _Member) -> None:
        """Take the member out. Raises KeyError or ValueError when it is not listed as it says."""
        for table, key in ((self.short, int(member.address)), (self.extended, int(member.extended_address))):
            members = table[key]
            members.remove(member)
            if not members:
                del table[key]
