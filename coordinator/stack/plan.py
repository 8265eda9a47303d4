"""Plans: an answer as a value, before it becomes an act.

A procedure returns a `Plan`; behaviours rewrite it; the conductor carries it out. Nothing that a
coordinator answers bypasses this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from coordinator.primitives import Indication, Request
from coordinator.types import Duration

Cause = Indication
"""What a plan answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request, carried out `after` microseconds from the moment its plan was made."""

    request: Request
    after: Duration = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """An immutable sequence of steps; the empty plan is silence."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, *requests: Request) -> Plan:
        """A plan that makes these requests at once, in order."""
        return cls(tuple(Step(request=request) for request in requests))

    def substitute(self, change: Callable[[Request], Request]) -> Plan:
        """The same plan with each request passed through `change`."""
        return Plan(tuple(replace(step, request=change(step.request)) for step in self.steps))

    def delay(self, by: Duration) -> Plan:
        """The same plan, every step `by` microseconds later."""
        return Plan(tuple(replace(step, after=step.after + by) for step in self.steps))


NOTHING = Plan()
"""The plan that answers with silence."""
