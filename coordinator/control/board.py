"""What is true now: the documents that a broker retains and HTTP serves, each replaced whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from coordinator.control.schema.base import Data

NAMES = ("info", "state", "health")
"""In the order in which they are published after a connection."""


class Board:
    """The present documents, and who waits for the next."""

    def __init__(self) -> None:
        self._documents: dict[str, bytes] = {}
        self._versions: dict[str, int] = {}
        self._changed = asyncio.Event()

    @property
    def documents(self) -> Mapping[str, bytes]:
        """JSON in UTF-8 by name."""
        return self._documents

    def post(self, name: str, document: Data) -> None:
        """Replace a document; one that says the same is no news."""
        octets = document.model_dump_json().encode()
        if self._documents.get(name) != octets:
            self._documents[name] = octets
            self._versions[name] = self._versions.get(name, 0) + 1
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    def news(self, seen: dict[str, int]) -> list[tuple[str, bytes]]:
        """What was posted since `seen`, which is brought up to date; `{}` has seen nothing."""
        fresh = [name for name in NAMES if self._versions.get(name, 0) != seen.get(name, 0)]
        seen.update({name: self._versions[name] for name in fresh})
        return [(name, self._documents[name]) for name in fresh]

    async def wait_beyond(self, seen: Mapping[str, int]) -> None:
        """Until something is posted that is not among `seen`."""
        while all(self._versions.get(name, 0) == seen.get(name, 0) for name in NAMES):
            await self.wait()

    async def wait(self) -> None:
        """Until something is posted."""
        await self._changed.wait()
