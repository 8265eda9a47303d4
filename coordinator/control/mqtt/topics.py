"""The topics below ``legacy-tc/<id>/`` (docs/mqtt.md)."""

from __future__ import annotations

ROOT = "legacy-tc"
REPLY = "legacy-tc/_reply"
"""Where our own client has its answers sent, each user below a name of its own."""
LONGEST = 1024
"""Octets of a topic that we publish to; MQTT allows 65,535."""
ONLINE, OFFLINE = b"online", b"offline"


class Topics:
    """The topics of one bench."""

    def __init__(self, identifier: str) -> None:
        self.base = f"{ROOT}/{identifier}"
        self.availability = f"{self.base}/availability"
        self.requests = f"{self.base}/request/#"
        self._request = f"{self.base}/request/"

    def document(self, name: str) -> str:
        """``info``, ``state`` or ``health``."""
        return f"{self.base}/{name}"

    def event(self, kind: str) -> str:
        """Where events of a kind go."""
        return f"{self.base}/event/{kind}"

    def request(self, verb: str) -> str:
        """Where a command is asked for."""
        return self._request + verb

    def response(self, verb: str) -> str:
        """Where a command is answered for clients without a response topic."""
        return f"{self.base}/response/{verb}"

    def verb(self, topic: str) -> str:
        """The command that a request's topic names; the subscription's own root names none."""
        return f"{topic}/".removeprefix(self._request).removesuffix("/")

    def is_answerable(self, topic: str) -> bool:
        """Whether an answer may go there: a legal topic, nobody's request, and nothing that a bench says.

        We may write where those who ask may not; a response topic must not lend them that.
        """
        legal = 0 < len(topic.encode("utf-8", "replace")) <= LONGEST and not set("+#\0") & set(topic)
        if not legal or topic.startswith("$") or "/request/" in f"/{topic}/":
            return False
        return not topic.startswith(f"{ROOT}/") or topic.startswith((f"{REPLY}/", f"{self.base}/response/"))
