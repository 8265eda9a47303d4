"""Judgement: from what was seen of an attempt to its outcome, from outcomes to a verdict.

The order of the rules is their precedence. None of them looks inside a joiner.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from coordinator.evidence import explain
from coordinator.evidence.attempts import Trail
from coordinator.evidence.outcome import Attempt, DeviationCount, Outcome, Ruling, Step, Verdict
from coordinator.types import SECOND, Duration, Instant, LinkKeyKind

NETWORK_KEY_WAIT: Duration = 3 * SECOND
"""How long a joiner may wait for the network key before it gives up (protocol.md 2: TI's 3000 ms)."""
RESPONSE_WAIT: Duration = 7_680_000
"""macTransactionPersistenceTime: an Association Response may be fetched until then."""
EXCHANGE_QUIET: Duration = 10 * SECOND
"""An exchange that has begun may go on this long after its last frame: bdbcTCLinkKeyExchangeTimeout,
and the 5 s that TI waits before it leaves (protocol.md 2)."""
ANNOUNCE_QUIET: Duration = 2 * SECOND
"""A joiner may ask for the first time this long after it is in (protocol.md 1.8: Telink 1 s)."""
PRESENCE: Duration = 16 * SECOND
"""A joiner of which nothing is known for longer, when the window closes, is not known to be there. A router
sends link status each 15 s, give or take; a sleeper whose frames are held 7.68 s fetches them twice in that
time; and the Trust Center asks every other device shortly before the window closes (ADR 11)."""

_WORST = {Ruling.PASS: 0, Ruling.INCONCLUSIVE: 1, Ruling.FAIL: 2}


class Judgement(NamedTuple):
    """The judgement on one attempt. `until` is where `seconds` end."""

    outcome: Outcome
    step: Step
    until: Instant
    explanation: str
    link_key: LinkKeyKind | None = None


def judge(trail: Trail, at: Instant, *, frames_heard: bool) -> Attempt:
    """The attempt as a closed window shows it. `frames_heard`: the witness was shown every frame heard,
    so that silence means something."""
    found = _judge(trail, at, frames_heard)
    began = trail.associated
    return Attempt(
        device=trail.device,
        number=trail.number,
        started=trail.started,
        associated=began,
        ended=trail.ended,
        outcome=found.outcome,
        link_key=found.link_key,
        step=found.step,
        seconds=None if began is None else max(0, found.until - began) / SECOND,
        explanation=found.explanation,
        deviations=counted(trail.deviations.counts),
        findings=tuple(trail.findings),
    )


def counted(counts: dict[str, tuple[int, str]]) -> tuple[DeviationCount, ...]:
    """Deviation counts as values."""
    return tuple(
        DeviationCount(behaviour=behaviour, count=count, clause=clause)
        for behaviour, (count, clause) in counts.items()
    )


def _judge(trail: Trail, at: Instant, frames_heard: bool) -> Judgement:
    gone = _gone(trail)
    if gone is not None:
        return gone
    if trail.associated is None:
        return _not_associated(trail, at)
    if trail.secured is None:
        return _never_authenticated(trail, at)
    if trail.superseded is not None:
        text = explain.began_anew(trail, trail.superseded)
        return Judgement(Outcome.INCONCLUSIVE, Step.WENT_SILENT, trail.superseded, text)
    if _is_silent(trail, at, frames_heard):
        text = explain.silent(trail, at)
        return Judgement(Outcome.INCONCLUSIVE, Step.WENT_SILENT, trail.last_contact, text)
    return _stayed(trail, at)


def _gone(trail: Trail) -> Judgement | None:
    """Left or told to leave. A leave after our request is the answer to it; a request that nobody
    acknowledged, to a joiner that was not heard since, shows that it was gone before, and not how."""
    removal, departed = trail.removal, trail.left
    if departed is not None and (removal is None or departed < removal.first):
        return Judgement(Outcome.LEFT_BY_JOINER, trail.reached, departed, explain.left(trail, departed))
    if removal is not None and trail.secured is not None:
        if departed is None and not removal.delivered and trail.last_contact <= removal.last:
            text = explain.silent_when_removed(trail, removal)
            return Judgement(Outcome.INCONCLUSIVE, Step.WENT_SILENT, trail.last_contact, text)
        text = explain.removed(trail, removal)
        return Judgement(Outcome.REMOVED_BY_TRUST_CENTER, trail.reached, removal.first, text)
    return None


def _not_associated(trail: Trail, at: Instant) -> Judgement:
    response = trail.response
    waiting = response is None or response.concluded is None
    if waiting and trail.superseded is None and at - trail.last_heard < RESPONSE_WAIT:
        text = explain.too_early(trail, trail.last_heard, at)
        return Judgement(Outcome.INCONCLUSIVE, Step.ASSOCIATION, at, text)
    return Judgement(Outcome.NOT_ASSOCIATED, Step.ASSOCIATION, at, explain.not_associated(trail))


def _never_authenticated(trail: Trail, at: Instant) -> Judgement:
    until = trail.superseded if trail.superseded is not None else at
    since = trail.reached_at if trail.network_key is None else trail.network_key.last
    if trail.superseded is None and trail.removal is None and at - since < NETWORK_KEY_WAIT:
        return Judgement(Outcome.INCONCLUSIVE, trail.reached, until, explain.too_early(trail, since, at))
    return Judgement(Outcome.NEVER_AUTHENTICATED, trail.reached, until, explain.never_authenticated(trail))


def _is_silent(trail: Trail, at: Instant, frames_heard: bool) -> bool:
    contact = trail.last_contact
    if trail.undelivered is not None and trail.undelivered > contact:
        return True
    return frames_heard and at - contact > PRESENCE


def _stayed(trail: Trail, at: Instant) -> Judgement:
    """In the network, heard or acknowledging, and neither left nor told to."""
    confirm = trail.confirm
    if confirm is not None and confirm.success is not None:
        if trail.verified:
            kind = confirm.verified.kind if confirm.verified is not None else None
            text = explain.joined_secure(trail, confirm.verified, confirm.success, at)
            return Judgement(Outcome.JOINED_SECURE, Step.JOINED, trail.reached_at, text, kind)
        return Judgement(Outcome.INCONCLUSIVE, Step.CONFIRM_KEY, confirm.last, explain.unproven(trail))
    last, quiet = _last_progress(trail)
    if at - last < quiet:
        return Judgement(Outcome.INCONCLUSIVE, trail.reached, last, explain.too_early(trail, last, at))
    return Judgement(Outcome.JOINED_LEGACY, Step.JOINED, trail.reached_at, explain.joined_legacy(trail, at))


def _last_progress(trail: Trail) -> tuple[Instant, Duration]:
    """When the join last moved, and how long nothing must follow before it is over."""
    parts = (trail.request_key, trail.offer, trail.verify, trail.confirm)
    seen = [part.last for part in parts if part is not None]
    if trail.descriptor_asked is not None and trail.descriptor_reply is None:
        seen.append(trail.descriptor_asked.last)
    if seen:
        return max(seen), EXCHANGE_QUIET
    return trail.reached_at, ANNOUNCE_QUIET


def rule(outcome: Outcome, expect: Collection[Outcome], incomplete: Sequence[str]) -> Ruling:
    """Pass, fail, or inconclusive: what is not known is never a pass."""
    if incomplete or outcome is Outcome.INCONCLUSIVE:
        return Ruling.INCONCLUSIVE
    return Ruling.PASS if outcome in expect else Ruling.FAIL


def of_attempts(
    attempts: tuple[Attempt, ...],
    *,
    earlier: int,
    at: Instant,
    expect: Collection[Outcome],
    incomplete: tuple[str, ...],
) -> Verdict:
    """The verdict on one device, or on a scan: its last attempt decides."""
    last = attempts[-1]
    return Verdict(
        closed=at,
        device=last.device,
        outcome=last.outcome,
        verdict=rule(last.outcome, expect, incomplete),
        link_key=last.link_key,
        step=last.step,
        seconds=last.seconds,
        explanation=last.explanation,
        deviations=last.deviations,
        attempts=attempts,
        earlier=earlier,
        incomplete=incomplete,
    )


def nobody(at: Instant, incomplete: tuple[str, ...], explanation: str = "no joiner was heard") -> Verdict:
    """The verdict on a window in which nobody began to join."""
    return Verdict(
        closed=at,
        device=None,
        outcome=Outcome.INCONCLUSIVE,
        verdict=Ruling.INCONCLUSIVE,
        link_key=None,
        step=Step.NO_JOINER_HEARD,
        seconds=None,
        explanation=explanation,
        deviations=(),
        attempts=(),
        incomplete=incomplete,
    )


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of several devices' verdicts, with all of them; the first of equals."""
    worst = max(verdicts, key=lambda verdict: _WORST[verdict.verdict])
    return Verdict(
        closed=worst.closed,
        device=worst.device,
        outcome=worst.outcome,
        verdict=worst.verdict,
        link_key=worst.link_key,
        step=worst.step,
        seconds=worst.seconds,
        explanation=worst.explanation,
        deviations=worst.deviations,
        attempts=worst.attempts,
        earlier=worst.earlier,
        incomplete=worst.incomplete,
        devices=tuple(verdicts),
    )


def scan_attempt(
    found: Outcome, explanation: str, started: Instant, deviations: tuple[DeviationCount, ...]
) -> Attempt:
    """What becomes of a scan after which nobody asked to associate."""
    return Attempt(
        device=None,
        number=1,
        started=started,
        associated=None,
        ended=None,
        outcome=found,
        link_key=None,
        step=Step.SCAN,
        seconds=None,
        explanation=explanation,
        deviations=deviations,
        findings=(),
    )
