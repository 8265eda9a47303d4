"""Where randomness enters: seeded for simulations, the operating system's for real networks."""

from __future__ import annotations

import random
import secrets


class SeededEntropy:
    """Reproducible: the same seed and name give the same draws. Never for keys of a real network.

    A `stream` is independent of its siblings, so that one more device does not change the others.
    """

    def __init__(self, seed: int, name: str = "") -> None:
        self._seed = seed
        self._name = name
        self._random = random.Random(f"{seed}/{name}")  # reproducible by design

    def stream(self, name: str) -> SeededEntropy:
        """A further source of its own, named below this one."""
        return SeededEntropy(self._seed, f"{self._name}/{name}")

    def of_network(self, ordinal: int) -> SeededEntropy:
        """The source that one network is drawn from; the first one's, number 0, is this source itself."""
        return self.stream(f"network-{ordinal}") if ordinal else self

    def octets(self, count: int) -> bytes:
        """Return `count` octets."""
        return self._random.randbytes(count)

    def integer(self, low: int, high: int) -> int:
        """Return an integer, both bounds included."""
        return self._random.randrange(low, high + 1)


class SystemEntropy:
    """The operating system's randomness."""

    def stream(self, _name: str) -> SystemEntropy:
        """A further source, which is the same one."""
        return self

    def octets(self, count: int) -> bytes:
        """Return `count` octets."""
        return secrets.token_bytes(count)

    def integer(self, low: int, high: int) -> int:
        """Return an integer, both bounds included."""
        return low + secrets.randbelow(high - low + 1)
