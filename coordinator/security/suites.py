"""One link key and everything that follows from it, derived once and shared.

Most devices of a network begin with the same global key, and every simulated network has it; the
suite of a key is therefore remembered by value (a bounded memo of a pure function).
"""

from __future__ import annotations

import functools

from coordinator.codec import security_header
from coordinator.security import keys
from coordinator.security.aes import Ccm
from coordinator.types import Key

_REMEMBERED = 256


class KeySuite:
    """A link key with its ciphers by key identifier, each derived on first use. Get it from `suite`."""

    __slots__ = ("_data", "_key_load", "_key_transport", "_verify_hash", "key")

    def __init__(self, key: Key) -> None:
        self.key = key
        self._data: Ccm | None = None
        self._key_transport: Ccm | None = None
        self._key_load: Ccm | None = None
        self._verify_hash: bytes | None = None

    @property
    def data(self) -> Ccm:
        """The cipher of the link key itself (key identifier 0)."""
        if self._data is None:
            self._data = Ccm(self.key)
        return self._data

    @property
    def key_transport(self) -> Ccm:
        """The cipher of the key-transport key (key identifier 2)."""
        if self._key_transport is None:
            self._key_transport = Ccm(keys.key_transport_key(self.key))
        return self._key_transport

    @property
    def key_load(self) -> Ccm:
        """The cipher of the key-load key (key identifier 3)."""
        if self._key_load is None:
            self._key_load = Ccm(keys.key_load_key(self.key))
        return self._key_load

    @property
    def verify_hash(self) -> bytes:
        """The hash that a Verify-Key proves this key with."""
        if self._verify_hash is None:
            self._verify_hash = keys.verify_key_hash(self.key)
        return self._verify_hash

    def cipher(self, identifier: int) -> Ccm:
        """Return the cipher that an auxiliary header's key identifier names.

        Raises ValueError for the network key, which does not follow from a link key.
        """
        if identifier == security_header.KeyIdentifier.DATA:
            return self.data
        if identifier == security_header.KeyIdentifier.KEY_TRANSPORT:
            return self.key_transport
        if identifier == security_header.KeyIdentifier.KEY_LOAD:
            return self.key_load
        raise ValueError(f"key identifier {identifier} names no link key")


@functools.lru_cache(maxsize=_REMEMBERED)
def suite(key: Key) -> KeySuite:
    """Return the suite of `key`; the same object for equal keys as long as it is remembered."""
    return KeySuite(key)
