"""From cause to act: amended policy, rewritten plan, due steps now and later ones at their time.

Everything a node answers passes `Conductor.answer`. A behaviour's effect is found by comparing the
plan with and without it, so a `Deviated` record exists exactly when something changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from coordinator import trace
from coordinator.primitives import Request
from coordinator.primitives.describe import describe
from coordinator.stack.behaviour import Behaviour
from coordinator.stack.plan import Cause, Plan, Step
from coordinator.stack.timers import Timers
from coordinator.types import Instant

Deviations = tuple[trace.Deviated, ...]
Policy = TypeVar("Policy")

Perform = Callable[[Request, Instant, Deviations], None]
"""Carries one request out now; the deviations label the frames that come of it."""


class Standing(Generic[Policy]):
    """A policy part: as the profile wrote it (`base`) and as the behaviours leave it (`current`)."""

    def __init__(self, base: Policy) -> None:
        self.base = base
        self.current = base
        self.amended: tuple[tuple[Behaviour, Policy], ...] = ()

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
        self.behaviours: tuple[Behaviour, ...] = ()
        self.performed: list[Callable[[Request, Instant], None]] = []

    def standing(self, policy: Policy) -> Standing[Policy]:
        """Register a policy part that behaviours may amend."""
        standing = Standing(policy)
        standing.apply(self.behaviours)
        self._standings.append(standing)  # type: ignore[arg-type]  # each is only re-applied, never mixed
        return standing

    def switch(self, behaviours: Sequence[Behaviour]) -> None:
        """From now on answer with these behaviours, in this order. Steps already due keep their plan."""
        self.behaviours = tuple(behaviours)
        for standing in self._standings:
            standing.apply(self.behaviours)

    def answer(
        self,
        cause: Cause,
        procedure: Callable[[Policy], Plan],
        standing: Standing[Policy],
        now: Instant,
    ) -> None:
        """Make the compliant plan for `cause`, let behaviours change it, and carry it out."""
        if not self.behaviours:
            self._carry_out(procedure(standing.base), now, ())
            return
        plan = procedure(standing.base)
        deviations: list[trace.Deviated] = []
        for behaviour, policy in standing.amended:
            plan = self._compare(behaviour, cause, plan, procedure(policy), now, deviations)
        for behaviour in self.behaviours:
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
        for step in plan.steps:
            if step.after <= 0:
                self.carry_out_step(step, now, deviations)
            else:
                self._timers.set(
                    Instant(now + step.after),
                    lambda at, step=step: self.carry_out_step(step, at, deviations),  # type: ignore[misc]
                )

    def carry_out_step(self, step: Step, now: Instant, deviations: Deviations) -> None:
        """Perform one step's request and tell the observers."""
        self._perform(step.request, now, deviations)
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
