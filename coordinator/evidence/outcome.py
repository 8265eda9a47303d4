"""What a verdict says: outcomes, steps, attempts. Values only; `verdict` and `witness` make them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coordinator.types import Eui64, Instant, LinkKeyKind


class Outcome(enum.Enum):
    """How one attempt of one device ended, as far as the Trust Center can tell."""

    JOINED_SECURE = "joined-secure"
    JOINED_LEGACY = "joined-legacy"
    LEFT_BY_JOINER = "left-by-joiner"
    REMOVED_BY_TRUST_CENTER = "removed-by-trust-center"
    NEVER_AUTHENTICATED = "never-authenticated"
    NOT_ASSOCIATED = "not-associated"
    INCONCLUSIVE = "inconclusive"


class Ruling(enum.Enum):
    """The verdict proper. Its exit code is the command line's business."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Step(enum.Enum):
    """How far an attempt came. The first ten follow one another in a centralised join."""

    SCAN = "scan"
    ASSOCIATION = "association"
    NETWORK_KEY = "network-key"
    ANNOUNCE = "announce"
    NODE_DESCRIPTOR = "node-descriptor"
    REQUEST_KEY = "request-key"
    TRANSPORT_LINK_KEY = "transport-link-key"
    VERIFY_KEY = "verify-key"
    CONFIRM_KEY = "confirm-key"
    PERMIT_JOINING = "permit-joining"
    JOINED = "joined"
    WENT_SILENT = "went-silent"
    NO_JOINER_HEARD = "no-joiner-heard"


JOINED = frozenset({Outcome.JOINED_SECURE, Outcome.JOINED_LEGACY})
"""What `--expect` is when nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviationCount:
    """A behaviour that changed something in an attempt, how often, and the clause it broke."""

    behaviour: str
    count: int
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One association of one device, from its request to its end or the close of the window.

    `device` is None when a scan was all that was heard. `number` counts the device's attempts from
    1. `associated` is when it had its address. `seconds` are since then, to the end or to the last
    step it reached, and None if it never associated. `findings` are what was odd on the way.
    """

    device: Eui64 | None
    number: int
    started: Instant
    associated: Instant | None
    ended: Instant | None
    outcome: Outcome
    link_key: LinkKeyKind | None
    step: Step
    seconds: float | None
    explanation: str
    deviations: tuple[DeviationCount, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the window showed of one device: its last attempt decides, all are listed, oldest first.

    `earlier` counts attempts that are no longer listed. `incomplete` says what evidence is missing;
    any such thing makes the verdict inconclusive whatever the outcome. The verdict on a window with
    several devices is the worst of theirs, and `devices` has one for each.
    """

    closed: Instant
    device: Eui64 | None
    outcome: Outcome
    verdict: Ruling
    link_key: LinkKeyKind | None
    step: Step
    seconds: float | None
    explanation: str
    deviations: tuple[DeviationCount, ...]
    attempts: tuple[Attempt, ...]
    earlier: int = 0
    incomplete: tuple[str, ...] = ()
    devices: tuple[Verdict, ...] = ()


def fields(verdict: Verdict) -> dict[str, object]:
    """The verdict as JSON: the fields that `simulate --json` and the events share."""
    found: dict[str, object] = {
        "device": _device(verdict.device),
        **_ending(verdict),
        "verdict": verdict.verdict.value,
        "attempts": [_attempt(attempt) for attempt in verdict.attempts],
        "earlier_attempts": verdict.earlier,
        "incomplete": list(verdict.incomplete),
    }
    if len(verdict.devices) > 1:
        found["devices"] = [fields(each) for each in verdict.devices]
    return found


def _attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "t_mono_us": attempt.started,
        **_ending(attempt),
        "findings": list(attempt.findings),
    }


def _ending(ended: Attempt | Verdict) -> dict[str, object]:
    return {
        "outcome": ended.outcome.value,
        "link_key": ended.link_key.value if ended.link_key is not None else None,
        "step": ended.step.value,
        "seconds": ended.seconds,
        "explanation": ended.explanation,
        "deviations": [deviation.behaviour for deviation in ended.deviations],
        "deviation_details": [
            {"behaviour": deviation.behaviour, "count": deviation.count, "clause": deviation.clause}
            for deviation in ended.deviations
        ],
    }


def _device(device: Eui64 | None) -> str | None:
    return None if device is None else str(device)
