"""Commands on the network, and on how the bench is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from coordinator.composition import Setting
from coordinator.control.bench.bench import Bench
from coordinator.control.dispatch import Context
from coordinator.control.schema import bench as schema
from coordinator.control.schema.errors import ControlError, Detail, ErrorCode
from coordinator.runtime.session import Session
from coordinator.types import BROADCAST_PAN, SECOND, Channel, Eui64, ExtendedPanId, PanId, hex16

NOBODY = 0xFFFF_FFFF_FFFF_FFFF
FORMED_WITHIN = 60.0
"""Seconds for another network to come up: a radio is opened again and looks around first."""


def get(bench: Bench, _request: schema.NetworkGet, _context: Context) -> schema.Network:
    """The network that is formed."""
    return described(bench, bench.up())


def described(bench: Bench, session: Session) -> schema.Network:
    """A session's network."""
    network, keys = session.center.network, session.center.host.network_keys
    active = keys.active
    return schema.Network(
        channel=int(network.channel),
        pan_id=hex16(network.pan_id),
        extended_pan_id=str(Eui64(network.extended_pan_id)),
        trust_center=str(session.center.host.eui64),
        key_sequence=network.key_sequence if active is None else active.sequence,
        key=active.key.octets.hex() if bench.options.expose_keys and active is not None else None,
    )


def form(bench: Bench, request: schema.NetworkForm, _context: Context) -> Awaitable[schema.NetworkChanged]:
    """Form another network."""
    session = bench.on_air()
    bench.check_generation(request.if_generation)
    if session.ground.store is not None:
        raise ControlError(
            ErrorCode.REFUSED,
            "this bench keeps its network (--state)",
            hint="network/reset begins a new one, and forgets the old",
        )
    pan_id = None if request.pan_id is None else PanId(int(request.pan_id, 16))
    extended = None if request.extended_pan_id is None else Eui64.parse(request.extended_pan_id)
    extended_pan_id = None if extended is None else ExtendedPanId(extended)
    if pan_id == BROADCAST_PAN:
        raise _invalid("pan_id", f"{hex16(BROADCAST_PAN)} is everybody's, and no network's")
    if extended in (0, NOBODY):
        raise _invalid("extended_pan_id", "all zeros and all ones are no network's")
    asked = session.order.setting
    setting = replace(
        asked,
        channel=asked.channel if request.channel is None else Channel(request.channel),
        channel_asked=request.channel is not None or asked.channel_asked,
        pan_id=pan_id,
        extended_pan_id=extended_pan_id,
        network_key=None,
        trust_center=session.center.host.eui64,
        permit=0 if request.permit_join is None else round(request.permit_join * SECOND),
        allowed=session.center.host.nib.allowed,
    )
    return _formed(bench, session, setting, "network/form")


def _invalid(path: str, message: str) -> ControlError:
    return ControlError(ErrorCode.INVALID, f"{path}: {message}", details=[Detail(path=path, message=message)])


def reset(bench: Bench, request: schema.NetworkReset, _context: Context) -> Awaitable[schema.NetworkChanged]:
    """Begin anew."""
    session = bench.on_air()
    bench.check_generation(request.if_generation)
    asked = session.order.setting
    setting = replace(
        asked,
        channel=session.center.network.channel,
        channel_asked=True,
        pan_id=None,
        extended_pan_id=None,
        network_key=None,
        trust_center=session.center.host.eui64,
        key_sequence=0,
        update_id=0,
        permit=0,
        allowed=session.center.host.nib.allowed,
    )
    return _formed(bench, session, setting, "network/reset", forget=True)


def _formed(
    bench: Bench, session: Session, setting: Setting, change: str, *, forget: bool = False
) -> Awaitable[schema.NetworkChanged]:
    """Have another session begin, and answer when its network is up."""
    if not session.form_another(setting, change, forget=forget):
        raise ControlError(ErrorCode.REFUSED, "another network is being formed already")
    return _is_up(bench, bench.over)


async def _is_up(bench: Bench, over: asyncio.Event) -> schema.NetworkChanged:
    """The answer when the session after the one that is `over` is up."""
    try:
        async with asyncio.timeout(FORMED_WITHIN):
            await over.wait()
            await bench.formed.wait()
    except TimeoutError:
        raise ControlError(
            ErrorCode.TIMEOUT, f"no network was formed within {FORMED_WITHIN:g} s", hint="state says more"
        ) from None
    instead, bench.instead = bench.instead, ""
    if instead:
        raise ControlError(
            ErrorCode.TIMEOUT,
            f"that network could not be formed, and another was instead: {instead}",
            hint="network/get has it",
        )
    newest = bench.session
    assert newest is not None
    effect = newest.switcher.boundaries.newest
    assert effect is not None
    return schema.NetworkChanged(**dict(bench.changed(effect)), network=described(bench, newest))
