"""The steps of a script before the first is done: what each will change, and what stands against any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from coordinator.control.bench import faults, profiles
from coordinator.control.bench.bench import Bench
from coordinator.control.schema import profiles as schema
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.runtime.session import Session
from coordinator.stack.frame_fault import FrameFault
from coordinator.switching import change as edits
from coordinator.switching.change import InForce, Misfit
from coordinator.types import Instant

Make = Callable[[], edits.Edit | FrameFault]
"""Makes a change, or a fault to arm; raises ControlError when there is no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One change of a step, and its place in the request."""

    place: str
    edit: edits.Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One step as it will be asked for; `what` is its name for people. `disarm` are the ids of frame faults
    that it takes off, `arm` those that it arms then.
    """

    parts: tuple[Part, ...]
    disarm: tuple[str, ...]
    arm: tuple[FrameFault, ...]
    what: str

    @property
    def edit(self) -> edits.Edit:
        """What becomes of the behaviours, as one change."""
        return edits.together(*(part.edit for part in self.parts))

    def also(self, session: Session, _now: Instant) -> None:
        """What becomes of the frame faults, in the same call. Raises Misfit, having changed nothing."""
        faults.exchange(session, self.disarm, self.arm)


def plans(bench: Bench, steps: list[schema.Step]) -> list[Plan]:
    """What the steps ask for. Raises ControlError with everything in them that is not there, or is wrong."""
    wrong: list[ControlError] = []
    found = [_plan(bench, step, f"steps[{number}]", wrong) for number, step in enumerate(steps)]
    if wrong:
        raise ControlError(
            wrong[0].code,
            "; ".join(error.message for error in wrong),
            hint=wrong[0].hint,
            details=[detail for error in wrong for detail in error.details],
        )
    return found


def foresee(session: Session, planned: list[Plan]) -> None:
    """Make every step of what those before it will have made, in thought. Raises ControlError for all that
    does not fit, unless another change makes it fit meanwhile: nobody can know that.
    """
    in_force = session.switcher.in_force
    armed = [fault.id for fault, _, _ in session.center.host.faults.standing()]
    details: list[Detail] = []
    for number, plan in enumerate(planned):
        for part in plan.parts:
            try:
                in_force = part.edit(in_force)
            except Misfit as misfit:
                details += [Detail(path=part.place, message=reason) for reason in misfit.reasons]
        place = f"steps[{number}]"
        details += _beyond_the_radio(session, in_force, place, details)
        details += _faults_amiss(plan, armed, place)
    if details:
        told = "; ".join(f"{each.path}: {each.message}" for each in details)
        raise ControlError(ErrorCode.REFUSED, f"nothing was changed: {told}", details=details)


def _beyond_the_radio(
    session: Session, in_force: InForce, place: str, known: list[Detail]
) -> Iterator[Detail]:
    """What the radio cannot do of this, and could of the steps before."""
    before = {each.message for each in known}
    for reason in session.ground.assess(in_force):
        if reason not in before:
            yield Detail(path=place, message=reason)


def _faults_amiss(plan: Plan, armed: list[str], place: str) -> Iterator[Detail]:
    """Faults to take off that nobody will have armed, or to arm twice. `armed` becomes what it will be after
    this step.
    """
    for number, name in enumerate(plan.disarm):
        if name in armed:
            armed.remove(name)
        else:
            named = ", ".join(armed) or "none"
            message = f"no fault '{name}' is armed; armed: {named}"
            yield Detail(path=f"{place}.disarm[{number}]", message=message)
    new = [fault.id for fault in plan.arm]
    for number, name in enumerate(new):
        if name in new[:number]:
            yield Detail(path=f"{place}.arm[{number}]", message=f"this step arms '{name}' already")
    armed += [name for name in dict.fromkeys(new) if name not in armed]


def _plan(bench: Bench, step: schema.Step, place: str, wrong: list[ControlError]) -> Plan:
    parts: list[Part] = []
    arm: list[FrameFault] = []
    words: list[str] = []
    for where, word, make in (*_changes(bench, step), *_arms(step)):
        words.append(word)
        try:
            made = make()
        except ControlError as error:
            wrong.append(_at(f"{place}.{where}", error))
            continue
        if isinstance(made, FrameFault):
            arm.append(made)
        else:
            parts.append(Part(place=f"{place}.{where}", edit=made))
    return Plan(
        parts=tuple(parts),
        disarm=tuple(step.disarm),
        arm=tuple(arm),
        what=" ".join((*words, *(f"-fault.{name}" for name in step.disarm))),
    )


def _changes(bench: Bench, step: schema.Step) -> Iterator[tuple[str, str, Make]]:
    """The profile first, then what is taken out, changed and added: its place, a word for it, and itself."""
    if step.profile is not None:
        word = step.profile if isinstance(step.profile, str) else profiles.INLINE
        yield "profile", word, partial(_become, bench, step.profile)
    for number, name in enumerate(step.remove):
        yield f"remove[{number}]", f"-{name}", partial(edits.remove, name)
    for number, changed in enumerate(step.update):
        yield f"update[{number}]", f"~{changed.name}", partial(_update, bench, changed)
    for number, choice in enumerate(step.add):
        yield f"add[{number}]", f"+{choice.name}", partial(_add, choice)


def _arms(step: schema.Step) -> Iterator[tuple[str, str, Make]]:
    for number, fault in enumerate(step.arm):
        yield f"arm[{number}]", f"+fault.{fault.fault}", partial(faults.told, fault)


def _become(bench: Bench, profile: str | Mapping[str, object]) -> edits.Edit:
    return edits.become(profiles.named(bench, profile))


def _update(bench: Bench, changed: schema.Update) -> edits.Edit:
    return profiles.updated(bench, changed.name, changed.settings)


def _add(choice: schema.Choice) -> edits.Edit:
    return edits.add(profiles.built(choice.name, choice.settings))


def _at(place: str, error: ControlError) -> ControlError:
    """The same error of something that is at this place of the request."""
    details = [Detail(path=_inside(place, each.path), message=each.message) for each in error.details] or [
        Detail(path=place, message=error.message)
    ]
    message = "; ".join(f"{each.path}: {each.message}" for each in details)
    return ControlError(error.code, message, hint=error.hint, details=details)


def _inside(place: str, path: str) -> str:
    return place if not path else f"{place}{path}" if path.startswith("[") else f"{place}.{path}"
