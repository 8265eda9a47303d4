"""Commands on frame faults, and the injection of frames."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import assert_never

from coordinator import trace
from coordinator.control.bench import changes
from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as bench_schema
from coordinator.control.schema import profiles as schema
from coordinator.control.schema.base import Changed
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.profiles.errors import suggestion
from coordinator.runtime.session import Session
from coordinator.stack import frame_fault
from coordinator.stack.frame_fault import Drop, Flip, FrameFault, Match, Repeat, Truncate
from coordinator.stack.frame_faults import CAPACITY
from coordinator.switching.change import InForce, Misfit
from coordinator.trust_center import injection
from coordinator.types import SECOND, Eui64, Instant

Answer = Changed | Awaitable[Changed]


def arm(bench: Bench, request: schema.FaultArm, _context: Context) -> Answer:
    """Damage frames deliberately."""
    fault = told(request)

    def act(session: Session, _now: Instant) -> None:
        exchange(session, (), (fault,))

    return changes.change(bench, request, _as_it_is, f"fault/arm {fault.id}", act)


def exchange(session: Session, off: Collection[str], new: Collection[FrameFault]) -> None:
    """Take faults off, which may be spent already, and arm others. Raises Misfit, having changed nothing."""
    faults = session.center.host.faults
    stay = {fault.id for fault, _, _ in faults.standing()} - {*off, *(fault.id for fault in new)}
    if new and len(stay) + len(new) > CAPACITY:
        raise Misfit(f"{len(stay)} faults are armed already, and {CAPACITY} can be; disarm some first")
    for identifier in (*off, *(fault.id for fault in new)):
        faults.disarm(identifier)
    for fault in new:
        faults.arm(fault)


def disarm(bench: Bench, request: schema.FaultDisarm, _context: Context) -> Answer:
    """Take one fault off, or all."""
    armed = [fault.id for fault, _, _ in bench.up().center.host.faults.standing()]
    if request.fault is not None and request.fault not in armed:
        named = ", ".join(armed) or "none"
        raise ControlError(ErrorCode.NOT_FOUND, f"no fault '{request.fault}' is armed; armed: {named}")

    def act(session: Session, _now: Instant) -> None:
        faults = session.center.host.faults
        for fault, _, _ in faults.standing():
            if request.fault in (None, fault.id):
                faults.disarm(fault.id)

    return changes.change(bench, request, _as_it_is, f"fault/disarm {request.fault or 'all'}", act)


def list_faults(bench: Bench, _request: schema.FaultList, _context: Context) -> schema.FaultListing:
    """Which faults are armed."""
    return schema.FaultListing(faults=armed(bench.up()))


def armed(session: Session) -> list[schema.ArmedFault]:
    """The faults of a session, as answers have them."""
    return [
        schema.ArmedFault(
            fault=fault.id,
            frame=fault.match.frame,
            device=None if fault.match.device is None else str(fault.match.device),
            action=type(fault.action).__name__.lower(),
            used=used,
            left=left,
        )
        for fault, left, used in session.center.host.faults.standing()
    ]


def inject(bench: Bench, request: bench_schema.Inject, _context: Context) -> bench_schema.Injected:
    """Send something of one's own."""
    bench.on_air()
    try:
        if request.psdu is not None:
            octets = bytes.fromhex(request.psdu)
            label = bench.act(lambda session, now: session.center.administration.inject_raw(octets, now))
        else:
            device = None if request.device is None else Eui64.parse(request.device)
            what = injection.parse(request.command or "", device, dict(request.settings))
            label = bench.act(lambda session, now: _injected(session, what, now))
    except ValueError as error:
        raise ControlError(ErrorCode.REFUSED, str(error)) from None
    return bench_schema.Injected(what=label.after, t_mono_ns=bench.feed.mono(label.at))


def _injected(session: Session, what: injection.Injection, now: Instant) -> trace.Deviated:
    """Inject it; what comes to nothing in the same call was not sent. Raises ValueError."""
    failed: list[str] = []

    def observe(record: trace.Record) -> None:
        if isinstance(record, trace.Concluded) and not record.delivered:
            failed.append(record.reason)

    observers = session.center.observers
    observers.append(observe)
    try:
        label = session.center.administration.inject(what, now)
    finally:
        observers.remove(observe)
    if failed:
        raise ValueError(f"not sent: {failed[0]}")
    return label


def told(request: schema.FrameFault) -> FrameFault:
    """The fault that a request tells of. Raises ControlError."""
    frame = request.match.frame
    if frame not in frame_fault.FRAMES:
        near = suggestion(frame, frame_fault.FRAMES) or f"; there are {', '.join(frame_fault.FRAMES)}"
        detail = Detail(path="match.frame", message=f"no frame is called '{frame}'{near}")
        raise ControlError(ErrorCode.INVALID, f"{detail.path}: {detail.message}", details=[detail])
    match request.action:
        case "drop":
            action: frame_fault.Action = Drop()
        case "repeat":
            action = Repeat(times=request.times, after=round(request.every * SECOND))
        case "flip":
            action = Flip(octet=request.octet, mask=request.mask)
        case "truncate":
            action = Truncate(octets=-request.octets)
        case _ as never:
            assert_never(never)
    device = request.match.device
    return FrameFault(
        id=request.fault,
        match=Match(frame=frame, device=None if device is None else Eui64.parse(device)),
        action=action,
        count=request.count,
        skip=request.skip,
    )


def _as_it_is(in_force: InForce) -> InForce:
    """A fault changes no behaviour."""
    return in_force
