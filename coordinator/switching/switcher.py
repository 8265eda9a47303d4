"""The one place where a running Trust Center is switched, and where it is known between which two frames.

It hears each record in the call that makes it (`TrustCenterNode.observers`), and switches in that call, or,
where what the Trust Center says to a step is still of the old, before anything else happens: at the next
frame heard, the next word of the radio on one, or the next deadline, whichever is first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from coordinator import trace
from coordinator.composition import TrustCenterNode
from coordinator.profiles.profile import Profile
from coordinator.stack.timers import Timer
from coordinator.switching.change import Edit, InForce, Misfit, Outdated
from coordinator.switching.effect import Boundaries, Effect
from coordinator.switching.moment import AfterSpan, AfterStep, Moment, When
from coordinator.switching.progress import Progress
from coordinator.switching.step import Step
from coordinator.types import Instant

PENDING = 64
"""Changes that may wait for their moment at a time."""
AT_ONCE = Instant(0)
"""A deadline before every other: it is met as soon as this call has ended."""

Assess = Callable[[InForce], tuple[str, ...]]
"""Says of what shall be in force everything that the radio cannot do."""


def _everything_fits(_in_force: InForce) -> tuple[str, ...]:
    """Every frame is ours, so everything can be done."""
    return ()


@dataclass(slots=True, kw_only=True, eq=False)
class Pending:
    """A change that waits. `left` counts down how often its step must still happen; `due`: at the end of
    this call.
    """

    edit: Edit
    change: str
    moment: Moment
    done: Callable[[Effect], None]
    withdrawn: Callable[[Misfit | None], None]
    generation: int | None
    also: Callable[[Instant], None] | None = None
    left: int = 0
    due: bool = False
    alarm: Timer | None = None

    def reached_by(self, step: Step) -> bool:
        """Count this step if it is one of those waited for; True when it was the last of them."""
        moment = self.moment
        if (
            not isinstance(moment, AfterStep)
            or self.due
            or moment.step is not step.name
            or moment.device not in (None, step.device)
        ):
            return False
        self.left -= 1
        return self.left == 0


class Switcher:
    """Switches one Trust Center. Being asked from outside moves deadlines: settle the node afterwards."""

    def __init__(self, center: TrustCenterNode, profile: Profile, assess: Assess = _everything_fits) -> None:
        self._center = center
        self._assess = assess
        self._progress = Progress()
        self._notes: dict[type, Callable[..., None]] = {**self._progress.notes, trace.Sent: self._sent}
        self._pending: list[Pending] = []
        self._taking_effect = False
        self.in_force = InForce.of(profile)
        self.boundaries = Boundaries()
        center.observers.append(self.note)

    @property
    def generation(self) -> int:
        """How often the Trust Center was made another, from 1."""
        return self._center.host.conductor.manner.generation

    @property
    def pending(self) -> tuple[Pending, ...]:
        """What waits for its moment, the first asked for first."""
        return tuple(self._pending)

    # --- asked from outside -------------------------------------------------------------------------

    def ask(
        self,
        edit: Edit,
        change: str,
        moment: Moment,
        now: Instant,
        *,
        done: Callable[[Effect], None],
        withdrawn: Callable[[Misfit | None], None],
        generation: int | None = None,
        also: Callable[[Instant], None] | None = None,
    ) -> Pending | None:
        """Make a change at its moment and tell `done` in that call; None when that is now.

        `change` is its name for people. `withdrawn` hears of a change that does not fit any more when its
        moment comes, or is cancelled (None). Each change is told to one of the two, once. Raises Misfit,
        having changed nothing, when it does not fit what is in force now, too many wait or its moment can
        never come; Outdated when `generation` is not the present one.
        """
        if not self._taking_effect:  # else the call that those which are due wait for has not ended
            self._apply_due(now)
        self.fit(edit, generation)
        if isinstance(moment, AfterStep) and moment.count < 1:
            raise Misfit(f"steps are counted from 1: there is no step {moment.count}")
        pending = Pending(
            edit=edit,
            change=change,
            moment=moment,
            done=done,
            withdrawn=withdrawn,
            generation=generation,
            also=also,
        )
        if isinstance(moment, When) and self._busy_until(moment, now) is None:
            self._take_effect(pending, now)
            return None
        if len(self._pending) >= PENDING:
            raise Misfit(f"{PENDING} changes wait for their moment already")
        self._pending.append(pending)
        match moment:
            case AfterSpan(span=span):
                self._alarm(pending, Instant(now + span))
            case AfterStep(count=count):
                pending.left = count
            case When():
                self._alarm(pending, self._busy_until(moment, now) or now)
            case _:
                assert_never(moment)
        return pending

    def fit(self, edit: Edit, generation: int | None = None) -> InForce:
        """What a change would make of what is in force. Raises Misfit, and Outdated."""
        if generation is not None and generation != self.generation:
            raise Outdated(f"it was asked for generation {generation}, and this is {self.generation}")
        after = edit(self.in_force)
        misfits = self._assess(after)
        if misfits:
            raise Misfit(*misfits)
        return after

    def cancel(self, pending: Pending) -> bool:
        """Withdraw a change; False when it is not waiting any more."""
        if pending not in self._pending:
            return False
        self._drop(pending)
        pending.withdrawn(None)
        return True

    def advance(self, change: str, now: Instant) -> Effect:
        """Raise the generation for a change that is not one of behaviours: joining opened, a run begun."""
        return self._switch(None, change, now)

    # --- what happens -------------------------------------------------------------------------------

    def note(self, record: trace.Record) -> None:
        """Follow one record, in the call that makes it."""
        kind = type(record)
        method = self._notes.get(kind)
        if not self._pending:  # nearly always: then a record is looked at no further than it must be
            if method is not None:
                method(record)
            return
        if kind is trace.Heard or kind is trace.Confirmed:
            self._apply_due(record.at)
        if method is None:
            return
        step = self._progress.step(record)
        method(record)
        if step is not None:
            self._count(step, record.at)
        self._look_again(record.at)

    def _sent(self, record: trace.Sent) -> None:
        self.boundaries.sent(record)
        self._progress.sent(record)

    def _count(self, step: Step, now: Instant) -> None:
        for pending in tuple(self._pending):
            if pending not in self._pending or not pending.reached_by(step):
                continue  # or it was withdrawn by whoever was told of an earlier one
            if isinstance(pending.moment, AfterStep) and not pending.moment.answered:
                self._take_effect(pending, now)
            else:
                self._fall_due(pending)

    def _look_again(self, now: Instant) -> None:
        """Whoever waits for something to end: has it?"""
        for pending in self._pending:
            moment = pending.moment
            if isinstance(moment, When) and not pending.due and self._busy_until(moment, now) is None:
                self._fall_due(pending)

    def _busy_until(self, moment: When, now: Instant) -> Instant | None:
        match moment:
            case When.NOW:
                return None
            case When.NEXT_EXCHANGE:
                return self._progress.exchange_until(now)
            case When.NEXT_JOIN:
                return self._progress.join_until(now)
            case _:
                assert_never(moment)

    def _fall_due(self, pending: Pending) -> None:
        """It takes effect when this call has ended."""
        pending.due = True
        self._alarm(pending, AT_ONCE)

    def _alarm(self, pending: Pending, when: Instant) -> None:
        if pending.alarm is not None:
            pending.alarm.cancel()
        pending.alarm = self._center.host.timers.set(when, lambda at: self._alarmed(pending, at))

    def _alarmed(self, pending: Pending, now: Instant) -> None:
        if isinstance(pending.moment, When) and not pending.due:
            busy_until = self._busy_until(pending.moment, now)
            if busy_until is not None:
                self._alarm(pending, busy_until)
                return
        pending.due = True
        self._apply_due(now)

    def _apply_due(self, now: Instant) -> None:
        """Those whose moment has come, in the order they were asked for."""
        for pending in tuple(self._pending):
            if pending.due and pending in self._pending:
                self._take_effect(pending, now)

    def _take_effect(self, pending: Pending, now: Instant) -> None:
        self._drop(pending)
        outer, self._taking_effect = self._taking_effect, True
        try:
            after = self.fit(pending.edit, pending.generation)
            if pending.also is not None:
                pending.also(now)
        except Misfit as misfit:
            pending.withdrawn(misfit)
        else:
            profile = None if after.profile is self.in_force.profile else after.profile
            self.in_force = after
            pending.done(self._switch(profile, pending.change, now))
        finally:
            self._taking_effect = outer

    def _switch(self, profile: Profile | None, change: str, now: Instant) -> Effect:
        """Make the Trust Center what is in force now; upon another profile's policies if one is given."""
        old, center, boundaries = self.generation, self._center, self.boundaries
        outstanding = self._progress.outstanding(old) + center.host.conductor.late(old)
        last_old, next_number = boundaries.last, boundaries.count + 1
        effect = Effect(
            generation=center.switch(self.in_force.behaviours, profile, now),
            at=now,
            change=change,
            profile=self.in_force.profile.name,
            last_old=last_old,
            next_number=next_number,
            outstanding=outstanding,
        )
        boundaries.begin(effect)
        center.note(
            trace.Switched(
                at=now,
                generation=effect.generation,
                change=change,
                profile=effect.profile,
                outstanding=outstanding,
            )
        )
        return effect

    def _drop(self, pending: Pending) -> None:
        if pending in self._pending:
            self._pending.remove(pending)
        if pending.alarm is not None:
            pending.alarm.cancel()
