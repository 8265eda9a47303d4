"""The keys and counters a stack holds: network keys by sequence number, link keys by partner.

Mutable on purpose, and the only security state there is. Freshness has two halves: ask `is_fresh`
first if you like (it is cheap), believe nothing before the MIC is checked, and only then
`accept`. A receiver takes a counter that is not less than the one it stored, and stores that plus
one (protocol.md 1.3).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import NamedTuple

from coordinator.codec import security_header
from coordinator.security.aes import Ccm
from coordinator.security.counters import RESET_THRESHOLD, OutgoingCounter
from coordinator.security.suites import KeySuite, suite
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key, LinkKeyKind


class NetworkKey:
    """One network key. `outgoing` is shared by entries that hold the same octets."""

    __slots__ = ("cipher", "incoming", "key", "outgoing", "sequence")

    def __init__(self, key: Key, sequence: int, outgoing: OutgoingCounter) -> None:
        self.key = key
        self.sequence = sequence
        self.outgoing = outgoing
        self.cipher: Ccm = suite(key).data
        self.incoming: dict[Eui64, int] = {}


class NetworkKeys:
    """The network keys by key sequence number; at most one is active, that is, used for sending."""

    __slots__ = ("_capacity", "_entries", "_guard", "_outgoing", "accepted", "active", "changed")

    def __init__(self, capacity: int = 2) -> None:
        """Hold `capacity` keys (at least two); a further one replaces the oldest that is not active."""
        if capacity < 2:
            raise ValueError("network keys need room for the active and the next one")
        self._capacity = capacity
        self._entries: dict[int, NetworkKey] = {}
        # By key and never dropped: the nonce holds no key sequence number, and a key that was
        # replaced may come back.
        self._outgoing: dict[Key, OutgoingCounter] = {}
        self._guard: Callable[[Key, OutgoingCounter], None] | None = None
        self.active: NetworkKey | None = None
        self.changed: Callable[[], None] = _unheeded
        """Called after each change of what keys there are and which is active."""
        self.accepted: set[Eui64] | None = None
        """Whose frames were accepted, for whoever puts a set here and empties it."""

    def guard(self, guard: Callable[[Key, OutgoingCounter], None]) -> None:
        """Have `guard` put every outgoing counter under itself, now and whenever a key comes anew."""
        self._guard = guard
        for key, counter in self._outgoing.items():
            guard(key, counter)

    def install(self, key: Key, sequence: int, outgoing_counter: int = 0) -> NetworkKey:
        """Store a key under its sequence number and return its entry; it is not yet active.

        A key that is already there keeps its counters, both ways: a repeated Transport-Key resets
        nothing. `outgoing_counter` restores a persisted counter and never sets one back. Another key
        under the active sequence number becomes active at once.
        """
        held = self._entries.get(sequence)
        if held is None or held.key != key:
            entry = self._entries[sequence] = NetworkKey(key, sequence, self._counter(key))
            if held is None:
                self._make_room(entry)
            elif held is self.active:
                self.activate(sequence)
            held = entry
            self.changed()
        held.outgoing.raise_to(outgoing_counter)
        return held

    def activate(self, sequence: int) -> NetworkKey | None:
        """Switch to this key and return it, or return None and change nothing when it is unknown.

        The counter goes on from the key before. It restarts at zero only when that one was beyond
        0x80000000, and never below what this key has sent already.
        """
        entry = self._entries.get(sequence)
        if entry is None:
            return None
        before = self.active
        if before is not None and before.outgoing.value <= RESET_THRESHOLD:
            entry.outgoing.raise_to(before.outgoing.value)
        self.active = entry
        self.changed()
        return entry

    def find(self, sequence: int | None) -> NetworkKey | None:
        """The key with this sequence number, if it is held."""
        return None if sequence is None else self._entries.get(sequence)

    def held(self) -> tuple[NetworkKey, ...]:
        """All keys, oldest first."""
        return tuple(self._entries.values())

    def next_counter(self) -> int:
        """Use up one counter value of the active key. Raises CounterExhausted; LookupError without a key."""
        if self.active is None:
            raise LookupError("no network key is active")
        return self.active.outgoing.next()

    def is_fresh(self, sequence: int, source: Eui64, counter: int) -> bool:
        """Whether a frame from `source` under this key may be new; False when the key is unknown."""
        entry = self._entries.get(sequence)
        return entry is not None and counter >= entry.incoming.get(source, 0)

    def accept(self, sequence: int, source: Eui64, counter: int) -> None:
        """Note a frame whose MIC held. Raises KeyError when the key is unknown."""
        incoming = self._entries[sequence].incoming
        if counter >= incoming.get(source, 0):
            incoming[source] = counter + 1
            if self.accepted is not None:
                self.accepted.add(source)

    def forget(self, source: Eui64) -> None:
        """Let `source` begin at any counter, under every key."""
        for entry in self._entries.values():
            entry.incoming.pop(source, None)

    def _counter(self, key: Key) -> OutgoingCounter:
        counter = self._outgoing.get(key)
        if counter is None:
            counter = self._outgoing[key] = OutgoingCounter()
            if self._guard is not None:
                self._guard(key, counter)
        return counter

    def _make_room(self, newest: NetworkKey) -> None:
        if len(self._entries) > self._capacity:
            kept = (self.active, newest)
            oldest = next(entry for entry in self._entries.values() if entry not in kept)
            del self._entries[oldest.sequence]


class Which(enum.Enum):
    """Which of a partner's link keys."""

    CURRENT = "current"
    PENDING = "pending"


class LinkKey(NamedTuple):
    """A link key with its ciphers, and what it is."""

    suite: KeySuite
    kind: LinkKeyKind

    @property
    def key(self) -> Key:
        """The key itself."""
        return self.suite.key


class Candidate(NamedTuple):
    """A key that a frame may have been protected with, and the cipher of the key identifier asked for."""

    which: Which
    link_key: LinkKey
    cipher: Ccm


class LinkKeyEntry:
    """What is shared with one partner.

    `provisional` is what it is expected to join with, `current` what protects now, `pending` what
    was offered and waits to be verified, `previous` the last unique key that gave way.
    """

    __slots__ = ("current", "incoming", "partner", "pending", "previous", "provisional")

    def __init__(self, partner: Eui64, provisional: LinkKey) -> None:
        self.partner = partner
        self.provisional = provisional
        self.current = provisional
        self.pending: LinkKey | None = None
        self.previous: Key | None = None
        self.incoming: dict[Key, int] = {}


class LinkKeys:
    """Link keys by partner. A partner without an entry is taken to have the default key."""

    __slots__ = ("_counters", "_default", "_entries", "changed", "outgoing")

    def __init__(
        self,
        default: Key = GLOBAL_LINK_KEY,
        kind: LinkKeyKind = LinkKeyKind.GLOBAL,
        *,
        outgoing: OutgoingCounter | None = None,
        one_counter: bool = True,
    ) -> None:
        """`default` is the key of partners nothing else is known of; a joiner gives its install code's.

        One counter serves all keys unless `one_counter` is False: then each key has its own (each
        key, not each partner: partners that share the global key must share its counter). Each
        begins where `outgoing` stands.
        """
        self._default = LinkKey(suite(default), kind)
        self._entries: dict[Eui64, LinkKeyEntry] = {}
        self._counters: dict[Key, OutgoingCounter] | None = None if one_counter else {}
        self.outgoing = OutgoingCounter() if outgoing is None else outgoing
        self.changed: Callable[[Eui64], None] = _unheeded_partner
        """Called after each change of a partner's keys; incoming counters are not worth a call."""

    def __iter__(self) -> Iterator[LinkKeyEntry]:
        return iter(tuple(self._entries.values()))

    @property
    def default(self) -> LinkKey:
        """The key of partners nothing else is known of."""
        return self._default

    def expect(self, default: Key, kind: LinkKeyKind) -> None:
        """From now on this is the key of partners nothing else is known of."""
        self._default = LinkKey(suite(default), kind)

    def restore(self, entry: LinkKeyEntry) -> None:
        """Put an entry back as it was."""
        self._entries[entry.partner] = entry

    def find(self, partner: Eui64) -> LinkKeyEntry | None:
        """The entry of this partner, if there is one."""
        return self._entries.get(partner)

    def entry(self, partner: Eui64) -> LinkKeyEntry:
        """The entry of this partner, made with the default key if there is none."""
        entry = self._entries.get(partner)
        if entry is None:
            entry = self._entries[partner] = LinkKeyEntry(partner, self._default)
        return entry

    def install_code(self, partner: Eui64, key: Key) -> LinkKeyEntry:
        """Expect this partner to join with the key of its install code.

        A unique key that protects now goes on doing so until the partner joins anew.
        """
        entry = self.entry(partner)
        entry.provisional = LinkKey(suite(key), LinkKeyKind.INSTALL_CODE)
        if entry.current.kind is not LinkKeyKind.UNIQUE:
            entry.current = entry.provisional
            entry.pending = None
        self.changed(partner)
        return entry

    def offer(self, partner: Eui64, key: Key, kind: LinkKeyKind = LinkKeyKind.UNIQUE) -> LinkKeyEntry:
        """Note a key that was sent and awaits verification; it replaces an earlier offer."""
        entry = self.entry(partner)
        entry.pending = LinkKey(suite(key), kind)
        self.changed(partner)
        return entry

    def promote(self, partner: Eui64) -> LinkKeyEntry:
        """Make the pending key current. Raises LookupError when none is pending."""
        entry = self._entries.get(partner)
        if entry is None or entry.pending is None:
            raise LookupError(f"no link key awaits verification with {partner}")
        _replace(entry, entry.pending)
        entry.pending = None
        self.changed(partner)
        return entry

    def discard_pending(self, partner: Eui64) -> None:
        """Forget an offer that came to nothing."""
        entry = self._entries.get(partner)
        if entry is not None:
            entry.pending = None
            self.changed(partner)

    def join_anew(self, partner: Eui64) -> LinkKeyEntry:
        """Begin again with the provisional key, for a partner that joins anew.

        Its unique key is remembered as `previous`. Its counters may begin anywhere: a device that
        was reset starts at zero with the same provisional key.
        """
        entry = self.entry(partner)
        entry.incoming.clear()
        if entry.pending is not None or entry.current is not entry.provisional:
            _replace(entry, entry.provisional)
            entry.pending = None
            self.changed(partner)
        return entry

    def forget(self, partner: Eui64) -> None:
        """Forget everything about this partner, its install code as well."""
        self._entries.pop(partner, None)
        self.changed(partner)

    def candidates(self, partner: Eui64, key_identifier: int) -> tuple[Candidate, ...]:
        """The keys that may open a frame from this partner, the current one first.

        Empty for the network key, which is not kept here. A pending key equal to the current one
        is not named again. Makes no entry: the frame is not believed yet.
        """
        if key_identifier == security_header.KeyIdentifier.NETWORK:
            return ()
        entry = self._entries.get(partner)
        current = self._default if entry is None else entry.current
        first = Candidate(Which.CURRENT, current, current.suite.cipher(key_identifier))
        pending = None if entry is None else entry.pending
        if pending is None or pending.key == current.key:
            return (first,)
        return (first, Candidate(Which.PENDING, pending, pending.suite.cipher(key_identifier)))

    def next_counter(self, key: Key) -> int:
        """Use up one counter value, for `key` or a key derived from it. Raises CounterExhausted."""
        if self._counters is None:
            return self.outgoing.next()
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = OutgoingCounter(self.outgoing.value)
        return counter.next()

    def is_fresh(self, partner: Eui64, key: Key, counter: int) -> bool:
        """Whether a frame from this partner under this link key may be new."""
        entry = self._entries.get(partner)
        return entry is None or counter >= entry.incoming.get(key, 0)

    def accept(self, partner: Eui64, key: Key, counter: int) -> None:
        """Note a frame whose MIC held under this link key or a key derived from it."""
        incoming = self.entry(partner).incoming
        if counter >= incoming.get(key, 0):
            incoming[key] = counter + 1


def _replace(entry: LinkKeyEntry, link_key: LinkKey) -> None:
    replaced = entry.current
    if replaced.kind is LinkKeyKind.UNIQUE and replaced.key != link_key.key:
        entry.previous = replaced.key
    entry.current = link_key


def _unheeded() -> None:
    """Nobody keeps what changes."""


def _unheeded_partner(_partner: Eui64) -> None:
    """Nobody keeps what changes."""
