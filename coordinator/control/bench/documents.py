"""The three documents: who this is, what it is now, and whether it works."""

from __future__ import annotations

from coordinator import __version__
from coordinator.control.bench.bench import Bench
from coordinator.control.bench.herald import RADIO
from coordinator.control.schema import documents as schema
from coordinator.runtime.session import Session
from coordinator.types import SECOND, Eui64, hex16

SIMULATED_ONLY = "joiner/power"


def info(bench: Bench, session: Session, verbs: tuple[str, ...], schema_url: str | None) -> schema.Info:
    """Who this is and what it can do."""
    report = session.ground.report()
    kind = session.ground.radio.kind
    radio = schema.Radio(kind=kind)
    if report is not None:
        address = report.hardware_address
        radio = schema.Radio(
            kind=kind,
            line=report.line,
            firmware=report.firmware,
            eui64=None if address is None else str(address),
            capabilities=list(report.capabilities),
        )
    able = [verb for verb in verbs if verb != SIMULATED_ONLY or session.ground.joiners is not None]
    return schema.Info(
        id=bench.options.id,
        version=__version__,
        radio=radio,
        trust_center=str(session.center.host.eui64),
        commands=able,
        capabilities=list(session.ground.altitudes),
        schema_url=schema_url,
    )


def state(bench: Bench, session: Session | None, before: schema.State | None) -> schema.State | None:
    """What the Trust Center is now; while a network is being formed, what it was, its radio recovering."""
    if session is None:
        return None if before is None else before.model_copy(update={"radio": "recovering"})
    center, switcher = session.center, session.switcher
    active = center.host.network_keys.active
    left = max(0, center.open_until - session.now)
    run = bench.runs.present
    return schema.State(
        profile=switcher.in_force.profile.name,
        generation=switcher.generation,
        behaviours=[behaviour.name for behaviour in switcher.in_force.behaviours],
        faults=len(center.host.faults.standing()),
        channel=int(center.network.channel),
        pan_id=hex16(center.network.pan_id),
        extended_pan_id=str(Eui64(center.network.extended_pan_id)),
        key_sequence=center.network.key_sequence if active is None else active.sequence,
        permit_join_until=bench.feed.wall(center.open_until) if left else None,
        permit_join_remaining=-(-left // SECOND),
        run=None if run is None else run.label,
        radio=RADIO[session.radio_state],  # type: ignore[arg-type]  # one of the three words
        pending=len(switcher.pending),
    )


def ended(before: schema.State | None) -> schema.State | None:
    """What it was when the bench ended, without what nobody goes on with."""
    nothing = {
        "radio": "lost",
        "run": None,
        "pending": 0,
        "permit_join_until": None,
        "permit_join_remaining": 0,
    }
    return None if before is None else before.model_copy(update=nothing)
