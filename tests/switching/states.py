"""The states of a join that a switch may come in, and the moments that can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from coordinator import trace
from coordinator.behaviours import registry
from coordinator.primitives import apsme, mlme, nlme
from coordinator.profiles import load
from coordinator.profiles.profile import Profile
from coordinator.switching.moment import AfterSpan, AfterStep, Moment, StepName, When
from coordinator.trust_center.device import Standing
from coordinator.types import MILLISECOND

SPAN = 700 * MILLISECOND


def with_behaviours(profile: str, **settings: dict[str, object]) -> Profile:
    """A shipped profile, and behaviours with their settings; ``__`` stands for the dot of a name."""
    loaded = load.load(profile)
    built = (registry.find(name.replace("__", ".")).build(each) for name, each in settings.items())
    return replace(
        loaded, name=f"{profile} with {', '.join(settings)}", behaviours=(*loaded.behaviours, *built)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state of a join: how to come there, the record that says so, and a step that follows, if any does.

    `within`: the state does not outlast the Trust Center's call.
    """

    profile: str | Profile
    joiner: str
    reached: Callable[[trace.Record], bool]
    step: StepName
    comes: bool = True
    within: bool = False


def stands(standing: Standing) -> Callable[[trace.Record], bool]:
    return lambda record: isinstance(record, trace.StandingChanged) and record.after == standing.value


def asked_for(kind: type, key_type: int | None = None) -> Callable[[trace.Record], bool]:
    return lambda record: (
        isinstance(record, trace.Requested)
        and isinstance(record.request, kind)
        and (key_type is None or getattr(record.request, "key_type", None) == key_type)
    )


def indicated(kind: type) -> Callable[[trace.Record], bool]:
    return lambda record: isinstance(record, trace.Indicated) and isinstance(record.indication, kind)


def deviated(behaviour: str) -> Callable[[trace.Record], bool]:
    return lambda record: isinstance(record, trace.Deviated) and record.behaviour == behaviour


SLOW_KEY = with_behaviours("zb3", reqkey__delay={"seconds": 2.0})
LATE_KEY = with_behaviours("zb3-lenient", reqkey__delay={"seconds": 7.0})
SLOW_CONFIRM = with_behaviours("zb3", confirm__delay={"seconds": 2.0})
FULL = with_behaviours("zb3", assoc__pan_full={})
TOLD_TO_REJOIN = with_behaviours("pre-zb3", leave__nwk_rejoin={})

STATES = {
    "before any beacon": State(
        profile="zb3", joiner="zboss-r22",
        reached=asked_for(nlme.PermitJoiningRequest), step=StepName.BEACON_REQUEST,
    ),
    "between beacon and association": State(
        profile="zb3", joiner="zboss-r22",
        reached=asked_for(mlme.BeaconRequest), step=StepName.ASSOCIATION_REQUEST,
    ),
    "association response waits for its poll": State(
        profile="zb3", joiner="zboss-r22",
        reached=asked_for(mlme.AssociateResponse), step=StepName.ASSOCIATION_RESPONSE,
    ),
    "associated": State(
        profile="zb3", joiner="zboss-r22",
        reached=stands(Standing.ASSOCIATED), step=StepName.TRANSPORT_KEY_NWK, within=True,
    ),
    "keyed": State(
        profile="zb3", joiner="zboss-r22", reached=stands(Standing.KEYED), step=StepName.DEVICE_ANNOUNCE,
    ),
    "the network key waits for a sleeper": State(
        profile="zb3", joiner="sleepy-zb3",
        reached=asked_for(apsme.TransportKeyRequest, 1), step=StepName.TRANSPORT_KEY_NWK,
    ),
    "authenticated": State(
        profile="pre-zb3", joiner="zstack-3.0.2",
        reached=stands(Standing.AUTHENTICATED), step=StepName.NODE_DESCRIPTOR_REQUEST,
    ),
    "a delayed link key waits": State(
        profile=SLOW_KEY, joiner="zboss-r22",
        reached=deviated("reqkey.delay"), step=StepName.TRANSPORT_KEY_TCLK,
    ),
    "offered": State(
        profile="zb3", joiner="zboss-r22", reached=stands(Standing.OFFERED), step=StepName.VERIFY_KEY,
    ),
    "the link key waits for a sleeper": State(
        profile="zb3", joiner="sleepy-zb3",
        reached=asked_for(apsme.TransportKeyRequest, 4), step=StepName.TRANSPORT_KEY_TCLK,
    ),
    "a delayed confirmation waits": State(
        profile=SLOW_CONFIRM, joiner="zboss-r22",
        reached=deviated("confirm.delay"), step=StepName.CONFIRM_KEY,
    ),
    "the confirmation waits for a sleeper": State(
        profile="zb3", joiner="sleepy-zb3",
        reached=asked_for(apsme.ConfirmKeyRequest), step=StepName.CONFIRM_KEY,
    ),
    "verified": State(
        profile="zb3", joiner="zboss-r22",
        reached=stands(Standing.VERIFIED), step=StepName.REQUEST_KEY, comes=False,
    ),
    "renewing": State(
        profile=LATE_KEY, joiner="zstack-3.0.2",
        reached=stands(Standing.RENEWING), step=StepName.VERIFY_KEY, comes=False,
    ),
    "removing": State(
        profile="pre-zb3", joiner="zboss-r22-legacy-update",
        reached=stands(Standing.REMOVING), step=StepName.LEAVE,
    ),
    "rejoining": State(
        profile=TOLD_TO_REJOIN, joiner="zboss-r22-legacy-update",
        reached=stands(Standing.REJOINING), step=StepName.REQUEST_KEY, comes=False,
    ),
    "left": State(
        profile="pre-zb3", joiner="zboss-r22",
        reached=stands(Standing.LEFT), step=StepName.REQUEST_KEY, comes=False,
    ),
    "a key exchange comes to nothing": State(
        profile="silent-request-key", joiner="schneider",
        reached=indicated(apsme.RequestKeyIndication), step=StepName.REQUEST_KEY,
    ),
    "a join without a key exchange": State(
        profile="zb3-lenient", joiner="ha12",
        reached=stands(Standing.AUTHENTICATED), step=StepName.REQUEST_KEY, comes=False,
    ),
    "an association is refused": State(
        profile=FULL, joiner="zboss-r22",
        reached=indicated(mlme.AssociateIndication), step=StepName.ASSOCIATION_RESPONSE,
    ),
}  # fmt: skip

MOMENTS: dict[str, Callable[[State], Moment]] = {
    "now": lambda _: When.NOW,
    "next-exchange": lambda _: When.NEXT_EXCHANGE,
    "next-join": lambda _: When.NEXT_JOIN,
    "after the answer to a step": lambda state: AfterStep(step=state.step),
    "before the answer to a step": lambda state: AfterStep(step=state.step, answered=False),
    "after a span": lambda _: AfterSpan(span=SPAN),
}
