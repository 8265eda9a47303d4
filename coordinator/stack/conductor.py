"""From cause to act: amended policy, rewritten plan, due steps now and later ones at their time.

Everything a node answers passes `Conductor.answer`. A behaviour's effect is found by comparing the
plan with and without it, so a `Deviated` record exists exactly when something changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from coordinator import trace
from coordinator.primitives import Request
from coordinator.primitives.describe import describe
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.manner import COMPLIANT, Manner
from coordinator.stack.plan import Cause, Plan, Step
from coordinator.stack.timers import Timers
from coordinator.types import Instant

Deviations = tuple[trace.Deviated, ...]
Policy = TypeVar("Policy")

Perform = Callable[[Request, Instant, Deviations, Manner], None]
"""Carries one request out now, in the manner it was decided in; the deviations label its frames."""


class Standing(Generic[Policy]):
    """A policy part: as the profile wrote it (`base`) and as the behaviours leave it (`current`)."""

    def __init__(self, base: Policy) -> None:
        self.base = base
        self.current = base
        self.amended: tuple[tuple[Behaviour, Policy], ...] = ()

    def rebase(self, base: Policy) -> None:
        """Put another policy under the behaviours; they amend it when they are next applied."""
        self.base = base

    def apply(self, behaviours: Sequence[Behaviour]) -> None:
        """Let each behaviour in order amend the policy."""
        policy = self.base
        amended: list[tuple[Behaviour, Policy]] = []
        for behaviour in behaviours:
            changed = behaviour.amend(policy)
            if changed != policy:
                policy = changed
                amended.append((behaviour, policy))
        self.current = policy
        self.amended = tuple(amended)


class Conductor:
    """Applies behaviours to policies and plans, and carries plans out.

    `performed` observers hear each request after it went down: standing follows what was done,
    never what was intended.
    """

    def __init__(self, timers: Timers, note: trace.Sink, perform: Perform) -> None:
        self._timers = timers
        self._note = note
        self._perform = perform
        self._standings: list[Standing[object]] = []
        self._late: Counter[int] = Counter()
        self.manner = COMPLIANT
        self.performed: list[Callable[[Request, Instant], None]] = []

    def standing(self, policy: Policy) -> Standing[Policy]:
        """Register a policy part that behaviours may amend."""
        standing = Standing(policy)
        standing.apply(self.manner.behaviours)
        self._standings.append(standing)  # type: ignore[arg-type]  # each is only re-applied, never mixed
        return standing

    def switch(self, manner: Manner) -> None:
        """From now on answer in this manner. What was decided before keeps its plan and its manner."""
        self.manner = manner
        for standing in self._standings:
            standing.apply(manner.behaviours)

    def late(self, generation: int) -> int:
        """How many steps decided up to this generation wait for their time."""
        return sum(count for decided, count in self._late.items() if decided <= generation)

    def answer(
        self,
        cause: Cause,
        procedure: Callable[[Policy], Plan],
        standing: Standing[Policy],
        now: Instant,
    ) -> None:
        """Make the compliant plan for `cause`, let behaviours change it, and carry it out."""
        behaviours = self.manner.behaviours
        if not behaviours:
            self._carry_out(procedure(standing.base), now, ())
            return
        plan = procedure(standing.base)
        deviations: list[trace.Deviated] = []
        for behaviour, policy in standing.amended:
            plan = self._compare(behaviour, cause, plan, procedure(policy), now, deviations)
        for behaviour in behaviours:
            plan = self._compare(behaviour, cause, plan, behaviour.decide(cause, plan), now, deviations)
        self._carry_out(plan, now, tuple(deviations))

    def _compare(
        self,
        behaviour: Behaviour,
        cause: Cause,
        before: Plan,
        after: Plan,
        now: Instant,
        deviations: list[trace.Deviated],
    ) -> Plan:
        if after is before or after == before:
            return before
        record = trace.Deviated(
            at=now,
            behaviour=behaviour.name,
            cause=describe(cause),
            before=describe_plan(before),
            after=describe_plan(after),
            clause=behaviour.clause,
        )
        self._note(record)
        deviations.append(record)
        return after

    def _carry_out(self, plan: Plan, now: Instant, deviations: Deviations) -> None:
        manner = self.manner
        for step in plan.steps:
            if step.after <= 0:
                self.carry_out_step(step, now, deviations, manner)
            else:
                self._carry_out_late(step, now, deviations, manner)

    def _carry_out_late(self, step: Step, now: Instant, deviations: Deviations, manner: Manner) -> None:
        generation = manner.generation
        self._late[generation] += 1

        def due(at: Instant) -> None:
            self._late[generation] -= 1
            if not self._late[generation]:
                del self._late[generation]
            self.carry_out_step(step, at, deviations, manner)

        self._timers.set(Instant(now + step.after), due)

    def carry_out_step(
        self, step: Step, now: Instant, deviations: Deviations, manner: Manner | None = None
    ) -> None:
        """Perform one step's request, in the present manner unless it was decided in another, and tell the
        observers.
        """
        self._perform(step.request, now, deviations, manner or self.manner)
        for observer in self.performed:
            observer(step.request, now)


def describe_plan(plan: Plan) -> str:
    """Render a plan in a line: ``silence``, or its requests with their delays."""
    if not plan.steps:
        return "silence"
    parts = (
        describe(step.request) + (f" after {step.after / 1_000_000:g} s" if step.after else "")
        for step in plan.steps
    )
    return "; ".join(parts)
