"""The keys a reader of captures has: those it was given, everyone's, and those the frames themselves tell.

Bounded: the oldest learned key gives way, never one that was given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence import pcapng
from coordinator.evidence.captured import Secrets
from coordinator.security.aes import Ccm, InvalidMic
from coordinator.security.keys import DISTRIBUTED_TEST_KEY, TOUCHLINK_TEST_KEY
from coordinator.security.suites import KeySuite
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Key

_K = TypeVar("_K")
_V = TypeVar("_V")

KEY_NAMES = {
    GLOBAL_LINK_KEY: "ZigBeeAlliance09",
    DISTRIBUTED_TEST_KEY: "distributed security test key",
    TOUCHLINK_TEST_KEY: "touchlink test key",
}
GIVEN, WELL_KNOWN, DISCLOSED = "given", "well known", "decryption secrets of the capture"
_LEARNED = 512
_RECENT = 1024
_KEY_OCTETS = 16
_SECRETS = (pcapng.SECRETS_ZIGBEE_NWK, pcapng.SECRETS_ZIGBEE_APS)
_SUFFIXES = {
    KeyIdentifier.DATA: "data",
    KeyIdentifier.KEY_TRANSPORT: "key-transport",
    KeyIdentifier.KEY_LOAD: "key-load",
}


class Entry(NamedTuple):
    """A key and how it came here. `sequence` of a network key, if told; `owner` of a link key, if known."""

    suite: KeySuite
    origin: str
    sequence: int | None = None
    owner: Eui64 | None = None

    @property
    def key(self) -> Key:
        """The key itself."""
        return self.suite.key


class Opened(NamedTuple):
    """What an encrypted payload says, and which key said so: ``network key seq 0``."""

    plaintext: bytes
    by: str
    key: Key
    origin: str


class Keyring:
    """`given` keys are tried as network and as link keys; ZigBeeAlliance09 always as a link key."""

    def __init__(self, given: Iterable[Key] = ()) -> None:
        self._given: dict[Key, Entry] = {}
        for key in given:
            self._given[key] = Entry(KeySuite(key), GIVEN)
        everyones = self._given.get(GLOBAL_LINK_KEY, Entry(KeySuite(GLOBAL_LINK_KEY), WELL_KNOWN))
        self._well_known = {GLOBAL_LINK_KEY: everyones}
        self._network: OrderedDict[tuple[Key, int | None], Entry] = OrderedDict()
        self._link: OrderedDict[Key, Entry] = OrderedDict()
        self._recent: OrderedDict[tuple[Eui64, int], Key] = OrderedDict()

    def learn_network_key(self, key: Key, sequence: int | None, origin: str) -> None:
        """Note a network key; `origin` is where it was told, for people."""
        if (key, sequence) not in self._network:
            self._network[key, sequence] = Entry(KeySuite(key), origin, sequence=sequence)
        self._network.move_to_end((key, sequence))
        _bound(self._network, _LEARNED)

    def learn_link_key(self, key: Key, owner: Eui64 | None, origin: str) -> None:
        """Note a link key, of the Trust Center with `owner` or of applications."""
        if key not in self._given and key not in self._well_known:
            if key not in self._link:
                self._link[key] = Entry(KeySuite(key), origin, owner=owner)
            self._link.move_to_end(key)
            _bound(self._link, _LEARNED)

    def learn_secrets(self, secrets: Secrets) -> None:
        """Note the key of a Zigbee decryption secrets block; others, and cut ones, are passed over."""
        if secrets.kind not in _SECRETS or len(secrets.octets) < _KEY_OCTETS:
            return
        key = Key(secrets.octets[:_KEY_OCTETS])
        if secrets.kind == pcapng.SECRETS_ZIGBEE_NWK:
            self.learn_network_key(key, None, DISCLOSED)
        else:
            self.learn_link_key(key, None, DISCLOSED)

    def open(
        self,
        identifier: KeyIdentifier,
        sequence: int | None,
        source: Eui64,
        unprotect: Callable[[Ccm], bytes],
    ) -> Opened | str:
        """Try every key that may have protected a frame of `source`; or say why none opens it.

        `unprotect` opens the frame with a cipher, or raises InvalidMic.
        """
        tried = 0
        slot = (source, int(identifier))
        for entry in self._candidates(identifier, sequence, self._recent.get(slot)):
            tried += 1
            network = identifier is KeyIdentifier.NETWORK
            cipher = entry.suite.data if network else entry.suite.cipher(identifier)
            try:
                plaintext = unprotect(cipher)
            except InvalidMic:
                continue
            self._recent[slot] = entry.key
            self._recent.move_to_end(slot)
            _bound(self._recent, _RECENT)
            name = f"network key seq {sequence}" if network else _link_name(entry, identifier)
            return Opened(plaintext, name, entry.key, entry.origin)
        return f"MIC does not hold under {tried} key{'s' * (tried != 1)}" if tried else "no key"

    def proven_by(self, verification_hash: bytes) -> str | None:
        """Which link key a Verify-Key proves, if it is here."""
        for entry in self._link_entries():
            if entry.suite.verify_hash == verification_hash:
                return _link_name(entry, None)
        return None

    def _candidates(
        self, identifier: KeyIdentifier, sequence: int | None, recent: Key | None
    ) -> Iterator[Entry]:
        """Every key once: the one that opened the last such frame, then the likely ones."""
        network = identifier is KeyIdentifier.NETWORK
        entries = list(self._network_entries(sequence) if network else self._link_entries())
        entries.sort(key=lambda entry: entry.key != recent)
        seen = set()
        for entry in entries:
            if entry.key not in seen:
                seen.add(entry.key)
                yield entry

    def _network_entries(self, sequence: int | None) -> Iterator[Entry]:
        newest = list(reversed(self._network.values()))
        yield from (entry for entry in newest if entry.sequence == sequence)
        yield from self._given.values()
        yield from (entry for entry in newest if entry.sequence != sequence)

    def _link_entries(self) -> Iterator[Entry]:
        yield from reversed(self._link.values())
        yield from self._given.values()
        yield from self._well_known.values()


def _link_name(entry: Entry, identifier: KeyIdentifier | None) -> str:
    name = KEY_NAMES.get(entry.key)
    if name is None:
        name = f"of {entry.owner}" if entry.owner else "that was given" if entry.origin == GIVEN else ""
    suffix = f" ({_SUFFIXES[identifier]})" if identifier is not None else ""
    return " ".join(("link key", *([name] if name else []))) + suffix


def _bound(entries: OrderedDict[_K, _V], limit: int) -> None:
    if len(entries) > limit:
        entries.popitem(last=False)
