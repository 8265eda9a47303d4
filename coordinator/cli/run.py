"""The default verb: be a Trust Center until told to stop."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import typer

from coordinator import daemon
from coordinator.cli import exits, options
from coordinator.cli.screen import JsonReporter, TerminalReporter
from coordinator.radio.url import Simulated
from coordinator.scenario import OBSERVE
from coordinator.types import SECOND, Eui64

DEFAULT_JOINER = "zboss-r22"
DEFAULT_PERMIT = 180.0
LARGEST_RANDOM_SEED = 2**31 - 1

Thing = TypeVar("Thing")


def run(
    profile: str,
    joiner: str | None = None,
    *,
    radio: str = "sim:",
    tx_power: int | None = None,
    allow: list[str] | None = None,
    any_joiner: bool = False,
    state: Path | None = None,
    once: bool = False,
    expect: str = options.JOINED_TEXT,
    capture: Path | None = None,
    events: Path | None = None,
    seed: int | None = None,
    channel: int = 15,
    pan_id: str | None = None,
    extended_pan_id: str | None = None,
    network_key_file: Path | None = None,
    tc_eui64: str | None = None,
    install_code: list[str] | None = None,
    permit_join: float | None = None,
    observe: float = OBSERVE / SECOND,
    json: bool = False,
) -> int:
    """Run one profile on one radio in real time; return the exit code."""
    url = options.parse_radio(radio)
    ours = url == Simulated()
    if permit_join is None:
        permit_join = DEFAULT_PERMIT if isinstance(url, Simulated) else 0.0
    setting = options.setting(
        channel=channel,
        pan_id=pan_id,
        extended_pan_id=extended_pan_id,
        network_key_file=network_key_file,
        tc_eui64=tc_eui64,
        install_codes=install_code,
        permit=options.seconds(permit_join),
    )
    if not isinstance(url, Simulated):
        setting = replace(setting, allowed=who_may_join(allow, any_joiner, permit_join))
        refuse("--seed", seed is not None, "is for simulated radios: a real network's keys are random")
    else:
        refuse("--tx-power", tx_power is not None, "is for a real radio")
        refuse("--allow", bool(allow) or any_joiner, "is for a real radio")
        seed = secrets.randbelow(LARGEST_RANDOM_SEED) if seed is None else seed
    if not ours:
        refuse("--joiner", joiner is not None, "is for --radio sim:; here devices come by themselves")
    order = daemon.Order(
        profile=single(options.chosen_profiles(profile), "--profile"),
        joiner=single(options.chosen_joiners(joiner or DEFAULT_JOINER), "--joiner") if ours else None,
        seed=seed,
        radio=url,
        tx_power=tx_power,
        setting=setting,
        expect=options.parse_expect(expect),
        observe=options.seconds(observe),
        once=once,
        state=state,
        capture=capture,
        events=events,
    )
    return serve(order, JsonReporter() if json else TerminalReporter())


def serve(order: daemon.Order, reporter: JsonReporter | TerminalReporter) -> int:
    """Run until the end; return the exit code."""
    try:
        ending = asyncio.run(daemon.serve(order, reporter))
    finally:
        reporter.close()
    if ending.signal is not None:
        return exits.SIGNAL + ending.signal
    if ending.verdict is None:
        return exits.INTERNAL
    if ending.radio_lost:
        return exits.RADIO_LOST
    return exits.OF_RULING[ending.verdict.verdict]


def who_may_join(allow: list[str] | None, any_joiner: bool, permit_join: float) -> frozenset[Eui64] | None:
    """The allow-list of a real radio, None for everybody. Nobody gets in because nobody thought of it."""
    allowed = options.parse_allowed(allow, any_joiner)
    if permit_join and allowed is not None and not allowed:
        raise typer.BadParameter(
            "say who may join this real network: --allow EUI64 (repeatable), or --any-joiner",
            param_hint="--permit-join",
        )
    return allowed


def refuse(option: str, given: bool, why: str) -> None:
    """Raise typer.BadParameter for an option that has no meaning here."""
    if given:
        raise typer.BadParameter(why, param_hint=option)


def single(found: list[Thing], option: str) -> Thing:
    """The one thing chosen. Raises typer.BadParameter for `all`."""
    if len(found) != 1:
        raise typer.BadParameter("'all' is for simulate; here it takes one", param_hint=option)
    return found[0]
