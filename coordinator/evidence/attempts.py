"""What was seen of one attempt: facts with their times, and no judgement.

Everything here was sent or heard by the Trust Center's own radio; what the joiner thought of it is
not evidence.
"""

from __future__ import annotations

from coordinator import trace
from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence.outcome import Step
from coordinator.types import GLOBAL_LINK_KEY, Eui64, Instant, Key, LinkKeyKind, NwkAddress

PROGRESS = (
    Step.SCAN,
    Step.ASSOCIATION,
    Step.NETWORK_KEY,
    Step.ANNOUNCE,
    Step.NODE_DESCRIPTOR,
    Step.REQUEST_KEY,
    Step.TRANSPORT_LINK_KEY,
    Step.VERIFY_KEY,
    Step.CONFIRM_KEY,
    Step.PERMIT_JOINING,
)
"""The steps of a centralised join in their order (protocol.md 1.8); an attempt reaches the furthest."""
_RANK = {step: rank for rank, step in enumerate(PROGRESS)}
_FINDINGS_KEPT = 16
_FULL_FUNCTION_DEVICE, _RX_ON_WHEN_IDLE = 0x02, 0x08


class Repeated:
    """Something that happened `count` times. `delivered` is None until a delivery is known either way."""

    __slots__ = ("count", "delivered", "first", "last")

    def __init__(self, at: Instant) -> None:
        self.first = self.last = at
        self.count = 1
        self.delivered: bool | None = None

    def again(self, at: Instant) -> None:
        """It happened once more."""
        self.last = at
        self.count += 1

    def conclude(self, delivered: bool) -> None:
        """One of them was delivered, or was not: one that was is enough."""
        self.delivered = self.delivered or delivered


def once_more(seen: Repeated | None, at: Instant) -> Repeated:
    """Count one more of what may not have been seen before."""
    if seen is None:
        return Repeated(at)
    seen.again(at)
    return seen


class Response(Repeated):
    """Association Responses: the last status, and when the last one ended."""

    __slots__ = ("concluded", "status")

    def __init__(self, at: Instant, status: int) -> None:
        super().__init__(at)
        self.status = status
        self.concluded: Instant | None = None


class Offer(Repeated):
    """Transport-Keys with a Trust Center link key: the last key sent, and what it was to the joiner."""

    __slots__ = ("key", "kind", "known", "previous")

    def __init__(self, at: Instant, key: Key, kind: LinkKeyKind, *, known: bool, previous: bool) -> None:
        super().__init__(at)
        self.key = key
        self.kind = kind
        self.known = known
        """It is the very key the joiner joined with."""
        self.previous = previous
        """It is the key the joiner had after an earlier attempt."""


class Confirmation(Repeated):
    """Confirm-Keys: the last status sent; of the successful ones the first's time, key and delivery."""

    __slots__ = ("status", "success", "success_delivered", "verified")

    def __init__(self, at: Instant) -> None:
        super().__init__(at)
        self.status = 0
        self.success: Instant | None = None
        self.success_delivered = False
        self.verified: Offer | None = None
        """What was on offer when it was confirmed."""


class Removal(Repeated):
    """Our requests that the joiner leave, by the form of the first."""

    __slots__ = ("form",)

    def __init__(self, at: Instant, form: str) -> None:
        super().__init__(at)
        self.form = form


class Deviations:
    """Deviations by behaviour: how many, and the clause."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, str]] = {}

    def add(self, record: trace.Deviated) -> None:
        """Count one."""
        count, _ = self.counts.get(record.behaviour, (0, ""))
        self.counts[record.behaviour] = (count + 1, record.clause)

    def drop(self, record: trace.Deviated) -> None:
        """Take one back: what it had changed never went on the air."""
        count, clause = self.counts.get(record.behaviour, (0, ""))
        if count > 1:
            self.counts[record.behaviour] = (count - 1, clause)
        else:
            self.counts.pop(record.behaviour, None)

    def take(self, other: Deviations) -> None:
        """Take over what another has counted."""
        for behaviour, (count, clause) in other.counts.items():
            self.counts[behaviour] = (self.counts.get(behaviour, (0, ""))[0] + count, clause)
        other.counts = {}


class Trail:
    """One attempt as it was seen. Times are None, and counted things too, until they happen."""

    __slots__ = (
        "address", "announced", "asked", "associated", "confirm", "descriptor_asked", "descriptor_reply",
        "descriptor_status", "deviations", "device", "findings", "held", "held_kind", "last_delivered",
        "last_heard", "left", "left_to_rejoin", "network_key", "network_key_protection", "number", "offer",
        "permit", "reached", "reached_at", "removal", "request_key", "response", "revision", "router",
        "secured", "sleepy", "started", "superseded", "timed_out", "undelivered", "verify",
    )  # fmt: skip

    def __init__(self, device: Eui64, number: int, at: Instant) -> None:
        self.device = device
        self.number = number
        self.started = self.reached_at = self.last_heard = at
        self.asked = 0
        self.reached = Step.ASSOCIATION
        self.address: NwkAddress | None = None
        self.router = False
        self.sleepy = False
        self.response: Response | None = None
        self.associated: Instant | None = None
        self.network_key: Repeated | None = None
        self.network_key_protection: KeyIdentifier | None = None
        self.secured: Instant | None = None
        self.announced: Repeated | None = None
        self.descriptor_asked: Repeated | None = None
        self.descriptor_reply: Instant | None = None
        self.descriptor_status = 0
        self.revision: int | None = None
        self.request_key: Repeated | None = None
        self.offer: Offer | None = None
        self.verify: Repeated | None = None
        self.confirm: Confirmation | None = None
        self.permit: Instant | None = None
        self.left: Instant | None = None
        self.left_to_rejoin = False
        self.removal: Removal | None = None
        self.timed_out: Instant | None = None
        self.last_delivered: Instant | None = None
        self.undelivered: Instant | None = None
        self.superseded: Instant | None = None
        self.held = GLOBAL_LINK_KEY
        self.held_kind = LinkKeyKind.GLOBAL
        self.deviations = Deviations()
        self.findings: list[str] = []

    def heard(self, at: Instant, *, secured: bool = False) -> None:
        """A frame of the joiner's was heard; `secured`: the network key protected it."""
        self.last_heard = at
        if secured and self.secured is None:
            self.secured = at

    def reach(self, step: Step, at: Instant) -> None:
        """The attempt came to this step, unless it was beyond it."""
        if _RANK[step] > _RANK[self.reached]:
            self.reached = step
            self.reached_at = at

    def find(self, summary: str) -> None:
        """Keep a finding; the first few of an attempt say it all."""
        if summary not in self.findings and len(self.findings) < _FINDINGS_KEPT:
            self.findings.append(summary)

    @property
    def last_contact(self) -> Instant:
        """When the joiner was last known to be there: heard, or acknowledging."""
        if self.last_delivered is None:
            return self.last_heard
        return max(self.last_heard, self.last_delivered)

    @property
    def ended(self) -> Instant | None:
        """When the attempt was over: left, told to leave, or begun anew."""
        if self.left is not None:
            return self.left
        if self.removal is not None and self.secured is not None:
            return self.removal.first
        return self.superseded

    def capable(self, capability: int) -> None:
        """What the joiner said of itself when it associated."""
        self.router = capability & _FULL_FUNCTION_DEVICE != 0
        self.sleepy = capability & _RX_ON_WHEN_IDLE == 0

    @property
    def verified(self) -> bool:
        """A successful Confirm-Key was delivered, or the joiner went on as only a confirmed one does."""
        confirm = self.confirm
        if confirm is None or confirm.success is None:
            return False
        return confirm.success_delivered or (self.permit is not None and self.permit >= confirm.success)
