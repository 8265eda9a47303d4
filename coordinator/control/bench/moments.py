"""From a request's `when` to a moment of the switcher."""

from __future__ import annotations

from coordinator.control.schema.base import Moment as After
from coordinator.control.schema.base import When
from coordinator.switching import moment
from coordinator.types import SECOND, Eui64


def of(when: When) -> moment.Moment:
    """The moment that a request names."""
    if not isinstance(when, After):
        return moment.When(when)
    after = when.after
    if after.event is None:
        return moment.AfterSpan(span=round((after.seconds or 0.0) * SECOND))
    return moment.AfterStep(
        step=moment.StepName(after.event),
        count=after.count,
        device=None if after.device is None else Eui64.parse(after.device),
        answered=after.answer == "old",
    )
