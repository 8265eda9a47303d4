"""Commands on runs, verdicts and joining."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from coordinator.control.bench import evidence
from coordinator.control.bench.bench import Bench
from coordinator.control.bench.runs import Line, Run
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.base import Changed
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.evidence.outcome import Outcome
from coordinator.profiles.errors import suggestion
from coordinator.radio.simulated import KIND as SIMULATED
from coordinator.runtime.session import Session
from coordinator.switching.effect import Effect
from coordinator.types import SECOND, Eui64, Instant

STOPPED = "the run was stopped before the window closed"


def start(bench: Bench, request: schema.RunStart, _context: Context) -> schema.RunChanged:
    """Begin a run."""
    present = bench.runs.present
    if present is not None:
        raise ControlError(
            ErrorCode.REFUSED, f"the run '{present.label}' is under way", hint="run/stop ends it"
        )
    session = bench.up()
    bench.check_generation(request.if_generation)
    if request.on_disconnect == "stop":
        _check_broker(bench)
    outcomes = _outcomes(request.expect)
    if request.permit_join:
        _check_allowed(session)
    session.told()
    capture = None
    if request.capture is not None:
        capture = evidence.begin(bench, request.capture, events=True).file
    window = "" if request.observe is None else f", window {request.observe:g} s"
    effect = bench.advance(
        f"run/start {request.run}{window}",
        None,
        lambda _session, now: _open(session, request.permit_join, now),
    )
    session.judge.witness.scan_anew()
    run = Run(
        label=request.run,
        started=bench.feed.wall(effect.at),
        on_disconnect=request.on_disconnect,
        capture=capture,
        ends=asyncio.get_running_loop().call_later(
            request.ttl, lambda: end_soon(bench, "expired", f"its time to live of {request.ttl:g} s is over")
        ),
        expect=outcomes,
        observe=None if request.observe is None else round(request.observe * SECOND),
    )
    _judge_as(session, run)
    bench.runs.begin(run)
    bench.feed.run = run.label
    session.told()
    bench.feed.publish("run", {"state": "started", "why": ""})
    bench.refresh()
    return _changed(bench, effect, run)


def go_on(bench: Bench) -> None:
    """Another network is up: the run under way is judged there as it was, or ends if that is due."""
    run = bench.runs.present
    if run is None:
        return
    if run.doomed is not None:
        end(bench, *run.doomed)
        return
    _judge_as(bench.up(), run)
    if run.capture is not None:
        run.capture = evidence.go_on(bench, run.capture)


def end_soon(bench: Bench, state: str, why: str) -> None:
    """End the run that is under way, now or as soon as there is a network to judge by."""
    run = bench.runs.present
    if run is not None and bench.session is None:
        run.doomed = run.doomed or (state, why)
    elif run is not None:
        end(bench, state, why)


def stop(bench: Bench, request: schema.RunStop, _context: Context) -> schema.RunChanged:
    """End the run."""
    present = bench.runs.present
    if present is None or request.run not in (None, present.label):
        named = "no run is" if present is None else f"the run '{present.label}' is, not '{request.run}',"
        raise ControlError(ErrorCode.NOT_FOUND, f"{named} under way")
    bench.check_generation(request.if_generation)
    bench.up()
    effect, run = end(bench, "stopped", "run/stop")
    assert effect is not None
    return _changed(bench, effect, run)


def end(bench: Bench, state: str, why: str) -> tuple[Effect | None, Run]:
    """End the run that is under way, whoever ends it: open windows close, joining too."""
    run = bench.runs.present
    assert run is not None
    session, effect = bench.session, None
    if session is not None:
        judge = session.judge
        judge.interrupt(STOPPED, session.now, ended_count=True)
        if not run.verdicts:
            judge.judge(None, session.now)
        effect = bench.advance(f"run/stop {run.label}", None, lambda _session, now: _open(session, 0, now))
        session.told()
        _judge_as(session, None)
        if run.capture is not None:
            evidence.end_if_under_way(bench, run.capture)
    bench.feed.publish("run", {"state": state, "why": why})
    bench.runs.end(bench.feed.wall_now(), why)
    bench.feed.run = None
    bench.refresh()
    return effect, run


def get(bench: Bench, request: schema.RunGet, _context: Context) -> schema.Run:
    """The run, or what there was under that name."""
    if request.run is None:
        return _described(bench.runs.present)
    return _described(_known(bench, request.run))


def verdict(
    bench: Bench, request: schema.VerdictGet, _context: Context
) -> schema.Verdict | Awaitable[schema.Verdict]:
    """The last verdict of the run that is named, else of the present one, else of all; or the next."""
    run = bench.runs.present if request.run is None else _known(bench, request.run)
    if request.after is not None and request.after > bench.feed.seq:
        raise ControlError(
            ErrorCode.NOT_FOUND,
            f"there is no event {request.after} yet: the last is {bench.feed.seq}",
            hint="a bench that is started anew counts from 1",
        )
    found = _sought(bench, request, run)
    if found is not None:
        return _verdict(found)
    if not request.wait:
        raise ControlError(
            ErrorCode.NOT_FOUND,
            f"no such verdict was given yet{_in(run)}",
            hint="`wait` waits for it, in seconds",
        )
    return _awaited(bench, request, run)


async def _awaited(bench: Bench, request: schema.VerdictGet, run: Run | None) -> schema.Verdict:
    try:
        async with asyncio.timeout(request.wait):
            while (found := _sought(bench, request, run)) is None:
                await bench.runs.news()
    except TimeoutError:
        raise ControlError(
            ErrorCode.TIMEOUT, f"no such verdict within {request.wait:g} s{_in(run)}"
        ) from None
    return _verdict(found)


def _sought(bench: Bench, request: schema.VerdictGet, run: Run | None) -> Line | None:
    """Raises ControlError when there is none, and none will come."""
    device = None if request.device is None else str(Eui64.parse(request.device))
    found = bench.runs.sought(run, device, request.after)
    if found is None and run is not None and run.ended is not None:
        raise ControlError(ErrorCode.NOT_FOUND, f"the run '{run.label}' ended without such a verdict")
    return found


def _in(run: Run | None) -> str:
    return "" if run is None else f" in the run '{run.label}'"


def _known(bench: Bench, label: str) -> Run:
    run = bench.runs.find(label)
    if run is None:
        near = suggestion(label, bench.runs.labels)
        raise ControlError(ErrorCode.NOT_FOUND, f"no run of the name '{label}' is known{near}")
    return run


def permit_join(bench: Bench, request: schema.PermitJoin, _context: Context) -> Changed:
    """Open joining, or close it."""
    session = bench.up()
    bench.check_generation(request.if_generation)
    allowed = None if request.allow is None else frozenset(Eui64.parse(each) for each in request.allow)
    if request.seconds and allowed is None:
        _check_allowed(session)

    def act(_session: Session, now: Instant) -> None:
        if allowed is not None:
            session.center.host.nib.allowed = allowed
        _open(session, request.seconds, now)

    effect = bench.advance(f"permit-join {request.seconds:g} s", None, act)
    bench.refresh()
    return bench.changed(effect)


def _open(session: Session, seconds: float | None, now: Instant) -> None:
    """Open joining for so long, close it with 0, or leave it as it is."""
    if seconds is not None:
        session.center.permit(round(seconds * SECOND), now)


def _judge_as(session: Session, run: Run | None) -> None:
    """Expect what the run expects, and watch for as long; without one as the bench was told."""
    order = session.order
    expect = order.expect if run is None or run.expect is None else run.expect
    observe = order.observe if run is None or run.observe is None else run.observe
    session.judge.expect(expect, observe)
    session.center.presence.observe = observe


def _check_allowed(session: Session) -> None:
    """On a real radio only devices that are named may join (docs/radios.md)."""
    allowed = session.center.host.nib.allowed
    if session.ground.radio.kind != SIMULATED and allowed is not None and not allowed:
        raise ControlError(
            ErrorCode.REFUSED,
            "nobody is allowed to join on this radio",
            hint="permit-join takes `allow`, a list of EUI-64s",
        )


def _check_broker(bench: Bench) -> None:
    """A run that ends when the broker goes needs one that is there. Raises ControlError."""
    broker = bench.broker()
    if broker != "connected":
        reason = "this bench is on no broker" if broker == "off" else "the broker is gone already"
        raise ControlError(
            ErrorCode.REFUSED,
            f"on_disconnect: 'stop' is to end the run when the broker goes, and {reason}",
            hint="`ttl` ends a run that nobody stops",
            details=[Detail(path="on_disconnect", message=reason)],
        )


def _outcomes(names: list[str] | None) -> frozenset[Outcome] | None:
    if names is None:
        return None
    known = {outcome.value: outcome for outcome in Outcome}
    wrong = [(number, name) for number, name in enumerate(names) if name not in known]
    every = f"; there are {', '.join(known)}"
    if wrong:
        details = [
            Detail(
                path=f"expect[{number}]",
                message=f"no such outcome: '{name}'{suggestion(name, known) or every}",
            )
            for number, name in wrong
        ]
        told = "; ".join(f"{each.path}: {each.message}" for each in details)
        raise ControlError(ErrorCode.INVALID, told, details=details)
    return frozenset(known[name] for name in names)


def _verdict(line: Line) -> schema.Verdict:
    return schema.Verdict.model_validate(line)


def _described(run: Run | None) -> schema.Run:
    if run is None:
        return schema.Run(run=None, active=False)
    return schema.Run(
        run=run.label,
        active=run.ended is None,
        started=run.started,
        ended=run.ended,
        why=run.why,
        verdicts=[_verdict(line) for line in run.verdicts],
    )


def _changed(bench: Bench, effect: Effect, run: Run) -> schema.RunChanged:
    return schema.RunChanged(**dict(bench.changed(effect)), run=_described(run))
